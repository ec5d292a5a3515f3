import Glibc

/// What is known of the terminal, if there is one.
enum Terminal {
    static let output: Int32 = 1
    static let error: Int32 = 2

    static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// Colour is for terminals whose owner did not decline it (no-color.org).
    static func hasColour(_ descriptor: Int32) -> Bool {
        guard isTerminal(descriptor) else { return false }
        if let declined = environment("NO_COLOR"), !declined.isEmpty { return false }
        return environment("TERM") != "dumb"
    }

    static func columns(_ descriptor: Int32) -> Int {
        var size = winsize()
        if ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
        return 80
    }

    /// Whether its owner's locale has more than ASCII.
    static var isUnicode: Bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap(environment).first { !$0.isEmpty } ?? ""
        return ["UTF-8", "UTF8", "utf-8", "utf8"].contains { locale.hasSuffix($0) }
    }

    static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// Messages are worth a try; when stderr is gone there is nobody left to tell.
    static func writeError(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(error, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
