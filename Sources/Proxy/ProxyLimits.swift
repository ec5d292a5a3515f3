/// What the proxy never exceeds, whatever clients and hosts do. Times are microseconds.
///
/// Memory per connection is bounded by the sum of one read (up to the socket's receive buffer), the replay copy, two
/// kept answers and the socket's write mark (64 KiB), each way; a peer that does not read stops the one that sends.
///
/// A client that closes its sending side while its request runs counts as gone: its attempt is cancelled. A client that
/// shuts down its writing after the request, as `nc -N` does, gets no answer.
public struct ProxyLimits: Equatable, Sendable {
    /// Threads that serve connections; 0: one a core.
    public var eventLoops: Int
    /// Client connections open at once; more wait in the kernel's queue. Fewer where the process may not open two files
    /// for each (`ulimit -n`, raised to the hard limit at the start).
    public var maxConnections: Int
    /// Connections to the admin port open at once; more wait in the kernel's queue.
    public var adminConnections: Int
    /// How much of a request's body is kept for a retry.
    public var replayBytes: Int
    /// How much of a failed response's body is kept, to be the answer if no retry does better.
    public var keptAnswerBytes: Int
    /// The head of a message, all fields together.
    public var headBytes: Int
    /// How long a new connection may take to send its first whole head; on the admin port, each whole request.
    public var headTimeoutUs: Int64
    /// How long a kept-alive client may stay silent, the next whole head included.
    public var clientIdleUs: Int64
    /// How long an unused connection to a host is kept.
    public var upstreamIdleUs: Int64
    /// Unused connections kept a host and event loop.
    public var idleConnectionsPerHost: Int
    /// How long establishing a connection may take, beside what the rule allows the attempt.
    public var connectTimeoutUs: Int64
    /// How long what a client sends after its last answer is read and thrown away before the connection is closed.
    public var lingerUs: Int64
    /// How long requests in flight may take to finish once the proxy is told to stop.
    public var drainUs: Int64
    /// How often the rule file is looked at.
    public var rulesPollUs: Int64

    /// The limits; every argument has its default.
    public init(
        eventLoops: Int = 0, maxConnections: Int = 10_000, adminConnections: Int = 64, replayBytes: Int = 65_536,
        keptAnswerBytes: Int = 65_536,
        headBytes: Int = 65_536, headTimeoutUs: Int64 = 15_000_000, clientIdleUs: Int64 = 60_000_000,
        upstreamIdleUs: Int64 = 30_000_000, idleConnectionsPerHost: Int = 64, connectTimeoutUs: Int64 = 5_000_000,
        lingerUs: Int64 = 2_000_000, drainUs: Int64 = 10_000_000, rulesPollUs: Int64 = 200_000
    ) {
        self.eventLoops = eventLoops
        self.maxConnections = maxConnections
        self.adminConnections = adminConnections
        self.replayBytes = replayBytes
        self.keptAnswerBytes = keptAnswerBytes
        self.headBytes = headBytes
        self.headTimeoutUs = headTimeoutUs
        self.clientIdleUs = clientIdleUs
        self.upstreamIdleUs = upstreamIdleUs
        self.idleConnectionsPerHost = idleConnectionsPerHost
        self.connectTimeoutUs = connectTimeoutUs
        self.lingerUs = lingerUs
        self.drainUs = drainUs
        self.rulesPollUs = rulesPollUs
    }
}
