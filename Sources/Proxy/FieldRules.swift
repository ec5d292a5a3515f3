import NIOHTTP1

/// Which header fields pass through a proxy, and what frames a message on each side (RFC 9110 §7.6, RFC 9112 §6).
enum FieldRules {
    /// How a request's body is delimited.
    enum Body: Equatable {
        case none
        case length
        case chunked
        /// A transfer coding that this proxy does not speak.
        case unsupported
        /// A transfer coding whose end cannot be told, because the last is not `chunked`, or is so twice.
        case endless
    }

    static func body(of headers: HTTPHeaders) -> Body {
        let codings = headers["transfer-encoding"]
        if codings.isEmpty { return headers.contains(name: "content-length") ? .length : .none }
        let names = codings.flatMap { $0.split(separator: ",") }.map { $0.trimmingSpaces.lowercased() }
        if names == ["chunked"] { return .chunked }
        return names.last == "chunked" && names.count(where: { $0 == "chunked" }) == 1 ? .unsupported : .endless
    }

    /// The head to send to a host: hop-by-hop fields removed, the client's address added to `x-forwarded-for`. `Host`,
    /// `Expect` and everything else stay as the client wrote them.
    static func upstreamHead(_ head: HTTPRequestHead, uri: String, host: String?, clientAddress: String)
        -> HTTPRequestHead
    {
        var fields = endToEnd(head.headers)
        if let host { fields.replaceOrAdd(name: "host", value: host) }
        if body(of: head.headers) == .chunked {
            fields.remove(name: "content-length")
            fields.add(name: "transfer-encoding", value: "chunked")
        }
        if !clientAddress.isEmpty {
            let before = fields["x-forwarded-for"].joined(separator: ", ")
            fields.replaceOrAdd(
                name: "x-forwarded-for", value: before.isEmpty ? clientAddress : "\(before), \(clientAddress)")
        }
        return HTTPRequestHead(version: .http1_1, method: head.method, uri: uri, headers: fields)
    }

    /// The fields that are meant for the other end, not for the next hop.
    static func endToEnd(_ headers: HTTPHeaders) -> HTTPHeaders {
        let named = named(by: headers)
        var kept: [(String, String)] = []
        kept.reserveCapacity(headers.count + 2)
        for (name, value) in headers where !isHopByHop(name) {
            if !named.isEmpty, named.contains(name.lowercased()) { continue }
            kept.append((name, value))
        }
        return HTTPHeaders(kept)
    }

    /// What `Connection` lists is for this hop only. It cannot take away what frames or routes the message: a client
    /// that lists `content-length` must not be able to make the next hop see another message than we saw.
    private static func named(by headers: HTTPHeaders) -> Set<String> {
        var names: Set<String> = []
        for value in headers["connection"] {
            for option in value.split(separator: ",") { names.insert(option.trimmingSpaces.lowercased()) }
        }
        names.subtract(["host", "content-length", "x-forwarded-for", "close", "keep-alive"])
        return names
    }

    private static func isHopByHop(_ name: String) -> Bool {
        // Length first: nearly all fields are decided without comparing letters.
        switch name.utf8.count {
        case 2: matches(name, "te")
        case 7: matches(name, "upgrade")
        case 10: matches(name, "connection") || matches(name, "keep-alive")
        case 16: matches(name, "proxy-connection")
        case 17: matches(name, "transfer-encoding")
        default: false
        }
    }

    private static func matches(_ name: String, _ lower: StaticString) -> Bool {
        lower.withUTF8Buffer { expected in
            name.utf8.elementsEqual(expected) { byte, wanted in
                byte == wanted || ((65...90).contains(byte) && byte + 32 == wanted)
            }
        }
    }
}
