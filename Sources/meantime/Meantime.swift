import ArgumentParser

/// The command's name, its subcommands, and the way in.
@main
struct Meantime: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "meantime",
        abstract: "Works out from your own traffic how long to wait before a retry, and puts it in force.",
        discussion: """
            Every attempt that a proxy makes is a probe of how long failures last. Meantime keeps the attempts, \
            estimates recovery times from them, and writes the retry and timeout rules that they justify.

            EXAMPLES
              meantime demo                               the whole loop on this machine
              meantime import --format envoy access.log   take in what your proxies log
              meantime tune --dry-run                     what the log would change
              meantime report recovery                    how long failures last
              meantime explain checkout                   all that is known of a route
              meantime tune                               write rules.yaml
              meantime proxy --config meantime.yaml       log and enforce, without Envoy

            EXIT STATUS
              0 done, 1 failed, 2 wrong usage. Results go to stdout, progress and
              messages to stderr.
            """,
        version: "meantime \(Version.current)",
        subcommands: [
            DemoCommand.self, ProxyCommand.self, ImportCommand.self, TuneCommand.self, ReportCommand.self,
            ExplainCommand.self, WhatIfCommand.self, QueryCommand.self, StoreCommand.self, RulesCommand.self,
            GenerateCommand.self, DemoProxyCommand.self,
            UpstreamCommand.self,
        ]
    )

    static func main() async {
        let arguments = Array(CommandLine.arguments.dropFirst())
        do {
            if let typo = SubcommandTypo(arguments, root: Meantime.self) { throw typo }
            var command = try parseAsRoot(arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            Exit.report(error)
        }
    }
}
