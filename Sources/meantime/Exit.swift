import ArgumentParser
import Glibc

/// How the process ends: what is said, where, and with which code. 0 done, 1 failed, 2 wrong usage.
enum Exit {
    static let failed: Int32 = 1
    static let usage: Int32 = 2

    /// Ends the process as the error demands. Requests for help are errors to the parser and successes to people.
    static func report(_ error: any Error) -> Never {
        if let typo = error as? SubcommandTypo {
            complain(typo.description)
            exit(usage)
        }
        let code = Meantime.exitCode(for: error)
        if code == .success {
            do {
                var output = Output()
                try output.write(Meantime.fullMessage(for: error) + "\n")
                try output.flush()
            } catch {
                complain("\(error)")
                exit(failed)
            }
            exit(0)
        }
        if code == .validationFailure {
            let help = helpCommand(for: error)
            let place = help.split(separator: " ").dropFirst().dropLast().joined(separator: " ")
            let prefix = place.isEmpty ? "" : place + ": "
            complain("\(prefix)\(oneLine(Meantime.message(for: error))); see '\(help)'")
            exit(usage)
        }
        if let code = error as? ExitCode { exit(code.rawValue) }
        complain(oneLine("\(error)"))
        exit(failed)
    }

    /// One line on stderr, in the form `meantime: where: what; what would be right`.
    static func complain(_ text: String) {
        Terminal.writeError("meantime: \(text)\n")
    }

    /// The parser spreads some messages over lines; a log wants one.
    static func oneLine(_ text: String) -> String {
        var line = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        while line.hasSuffix(".") { line.removeLast() }
        return line
    }

    /// The parser knows which subcommand was meant and says so only in its usage text.
    private static func helpCommand(for error: any Error) -> String {
        let marker = "See '"
        for line in Meantime.fullMessage(for: error).split(separator: "\n") {
            let trimmed = line.drop { $0 == " " }
            if trimmed.hasPrefix(marker), let end = trimmed.dropFirst(marker.count).firstIndex(of: "'") {
                return String(trimmed.dropFirst(marker.count)[..<end])
            }
        }
        return "meantime --help"
    }
}
