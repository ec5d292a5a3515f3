/// One line of an Envoy log: the end of an attempt (`upstream_log`) or of a request (`access_log`).
struct EnvoyLine: Hashable {
    enum Kind: Hashable {
        case attempt
        case request
    }

    var kind: Kind
    /// The number of the request's id, `nil` when the line has none.
    var key: UInt64?
    /// Whether the id names one request only: Envoy made it. A client may send one `x-request-id` with many requests.
    var isKeyUnique: Bool
    /// The number of the whole line where it has no id, else 0.
    var lineHash: UInt64
    var startUs: Int64
    var endUs: Int64
    /// 0: no response.
    var code: Int
    var grpc: Int?
    var flags: EnvoyFlags
    var detail: EnvoyDetail
    var route: String
    var host: String
    var method: String
    var ruleVersion: Int
    /// On an attempt its number as Envoy's header has it, on a request how many attempts it took.
    var count: Int?
    /// The limit that Envoy announced, 0 for none. Under hedging it is the newest attempt's.
    var limitUs: Int64
    var retryAfterUs: Int64
    /// What Envoy calls the reason when no host was tried: its first flag, else its detail.
    var reason: String

    var durationUs: Int64 { endUs - startUs }
}

/// Envoy's response flags, as far as they decide an outcome.
struct EnvoyFlags: OptionSet, Hashable {
    var rawValue: UInt32

    /// No connection to the host.
    static let connectFailure = EnvoyFlags(rawValue: 1)
    /// The connection or stream broke (`UC`, `UR`, `LR`, `UPE`).
    static let reset = EnvoyFlags(rawValue: 1 << 1)
    /// A limit other than per-try and route fired (`SI` idle, `UMSDR`, `DT` longest duration).
    static let idle = EnvoyFlags(rawValue: 1 << 2)
    /// The per-try or route limit was passed (`UT`).
    static let late = EnvoyFlags(rawValue: 1 << 3)
    /// A circuit breaker or retry budget refused (`UO`).
    static let overflow = EnvoyFlags(rawValue: 1 << 4)
    /// The client went away (`DC`).
    static let clientGone = EnvoyFlags(rawValue: 1 << 5)
    /// The retries are used up (`URX`).
    static let retriesUsedUp = EnvoyFlags(rawValue: 1 << 6)
    /// Anything else.
    static let other = EnvoyFlags(rawValue: 1 << 7)

    init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The flags of a comma-separated list of Envoy's short names; `-` is none.
    init(_ text: UnsafeRawBufferPointer) {
        self = []
        for name in text.split(separator: UInt8(ascii: ",")) { insert(Self.flag(name)) }
    }

    private static func flag(_ name: Slice<UnsafeRawBufferPointer>) -> EnvoyFlags {
        switch String(decoding: name, as: UTF8.self) {
        case "-", "": []
        case "UF": .connectFailure
        case "UC", "UR", "LR", "UPE": .reset
        case "SI", "UMSDR", "DT": .idle
        case "UT": .late
        case "UO": .overflow
        case "DC": .clientGone
        case "URX": .retriesUsedUp
        default: .other
        }
    }
}

/// Envoy's response code details, as far as they decide an outcome.
enum EnvoyDetail: Hashable {
    /// The log does not have them.
    case unknown
    /// The host's own answer.
    case viaUpstream
    /// The route's limit ended the request.
    case responseTimeout
    /// The per-try limit ended the last attempt.
    case perTryTimeout
    /// The client went away.
    case clientGone
    /// The proxy's own circuit breaker refused.
    case overflow
    /// Anything else.
    case other

    init(_ text: UnsafeRawBufferPointer) {
        let text = String(decoding: text, as: UTF8.self)
        if text == "via_upstream" {
            self = .viaUpstream
        } else if text.hasPrefix("response_timeout") {
            self = .responseTimeout
        } else if text.hasPrefix("upstream_per_try") {
            self = .perTryTimeout
        } else if text.hasPrefix("downstream_") && text.hasSuffix("disconnect") {
            self = .clientGone
        } else if text.hasSuffix("{overflow}") {
            self = .overflow
        } else {
            self = text.isEmpty || text == "-" ? .unknown : .other
        }
    }
}
