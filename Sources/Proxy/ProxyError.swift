/// Why the proxy cannot start: one line that says what, where and what to do.
public struct ProxyError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What kind of refusal.
    public enum Code: String, Equatable, Sendable {
        /// Somebody else listens there.
        case addressInUse
        /// The address cannot be listened on for another reason.
        case cannotListen
        /// An address is not `address:port`.
        case badAddress
        /// A route has nowhere to send its requests.
        case noHosts
        /// The proxy was stopped before it listened.
        case stopped
    }

    /// What kind of refusal.
    public var code: Code
    /// What was wrong, where, and what would be right, in one line.
    public var message: String

    /// An error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
