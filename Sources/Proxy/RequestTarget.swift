import NIOHTTP1

/// What a request asks for: the host and path that choose its route, and the target that the route's host is sent.
struct RequestTarget: Equatable {
    /// The `Host`, lower case, without a port.
    var host: String
    /// Without a query.
    var path: String
    /// In origin form.
    var uri: String
    /// The new value of `Host` when the request named another authority in its target.
    var authority: String?

    /// - Returns: `nil` when the request names no host, or several (RFC 9112 §3.2): such a request could mean one thing
    ///   here and another at the next hop.
    init?(_ head: HTTPRequestHead) {
        let hosts = head.headers["host"]
        guard hosts.count == 1 || (hosts.isEmpty && head.version.minor == 0) else { return nil }
        var named = hosts.first ?? ""
        var target = head.uri
        guard hosts.isEmpty || Self.isAuthority(named) else { return nil }
        guard !target.utf8.contains(UInt8(ascii: "#")) else { return nil }
        if let rest = Self.afterScheme(head.uri) {
            let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
            named = String(rest[..<end])
            authority = named
            target = String(rest[end...])
            if !target.hasPrefix("/") { target = "/" + target }
        } else if !target.hasPrefix("/") && target != "*" {
            return nil
        }
        guard hosts.isEmpty && authority == nil || Self.isAuthority(named) else { return nil }
        host = Self.withoutPort(named)
        uri = target
        path = target == "*" ? "/" : target.firstIndex(of: "?").map { String(target[..<$0]) } ?? target
    }

    /// Whether a text can be a host with or without a port, and nothing that another reader could split elsewhere.
    private static func isAuthority(_ text: String) -> Bool {
        !text.isEmpty && !text.hasPrefix(":") && !text.utf8.contains { "/?#@ \t\\,".utf8.contains($0) }
    }

    private static func afterScheme(_ uri: String) -> Substring? {
        guard let first = uri.utf8.first, first != UInt8(ascii: "/") else { return nil }
        let lower = uri.prefix(8).lowercased()
        if lower.hasPrefix("http://") { return uri.dropFirst(7) }
        return lower.hasPrefix("https://") ? uri.dropFirst(8) : nil
    }

    private static func withoutPort(_ name: String) -> String {
        if name.hasPrefix("["), let end = name.firstIndex(of: "]") { return name[...end].lowercased() }
        guard let colon = name.lastIndex(of: ":") else { return name.lowercased() }
        return name[..<colon].lowercased()
    }
}
