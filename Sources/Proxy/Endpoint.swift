/// An address and a port, as `address:port`; an IPv6 address stands in brackets.
struct Endpoint: Hashable, Sendable {
    let address: String
    let port: Int

    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port)
        else { return nil }
        var address = text[..<colon]
        if address.hasPrefix("["), address.hasSuffix("]") { address = address.dropFirst().dropLast() }
        guard !address.isEmpty else { return nil }
        self.address = String(address)
        self.port = port
    }
}
