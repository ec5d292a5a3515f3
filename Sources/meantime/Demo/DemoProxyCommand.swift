import ArgumentParser
import Glibc
import NIOPosix

/// `meantime proxy`, ended in good order when its standard input ends: so the demo leaves no proxy behind, however it
/// ends.
struct DemoProxyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo-proxy", abstract: "The demo's proxy.", shouldDisplay: false)

    @Option(help: "The configuration.")
    var config: String

    func run() async throws {
        // The read blocks, so it gets a thread of a pool that is made for that; the process ends with or without it.
        NIOThreadPool.singleton.submit { _ in
            while readLine() != nil {}
            kill(getpid(), SIGTERM)
        }
        let command = try ProxyCommand.parse(["--config", config])
        try await command.run()
    }
}
