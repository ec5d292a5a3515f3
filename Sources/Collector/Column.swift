import Retry

/// The columns of an attempt (docs/segment.md), by the number that a segment's directory uses; a number never changes
/// meaning.
enum Column: UInt8, CaseIterable, Sendable {
    case startUs = 1
    case durationUs = 2
    case route = 3
    case host = 4
    case request = 5
    case attempt = 6
    case waitUs = 7
    case outcome = 8
    case status = 9
    case isGRPC = 10
    case timeoutUs = 11
    case retryAfterUs = 12
    case method = 13
    case hedge = 14
    case ruleVersion = 15

    /// Position among the columns, from 0.
    var index: Int { Int(rawValue) - 1 }

    /// The name in SQL.
    var name: String {
        switch self {
        case .startUs: "start_us"
        case .durationUs: "duration_us"
        case .route: "route"
        case .host: "host"
        case .request: "request"
        case .attempt: "attempt"
        case .waitUs: "wait_us"
        case .outcome: "outcome"
        case .status: "status"
        case .isGRPC: "is_grpc"
        case .timeoutUs: "timeout_us"
        case .retryAfterUs: "retry_after_us"
        case .method: "method"
        case .hedge: "hedge"
        case .ruleVersion: "rule_version"
        }
    }
}

extension ColumnSet {
    init(_ column: Column) { self.init(rawValue: 1 << UInt32(column.index)) }

    func contains(_ column: Column) -> Bool { rawValue & (1 << UInt32(column.index)) != 0 }
}
