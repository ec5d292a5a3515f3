import Retry

/// Reads a line of the `attempts` format: a JSON object whose keys are the columns of the attempt record.
///
/// Required: `start_us`, `duration_us`, `route`, `outcome`. A `request` that is a text becomes a number by XXH64 of
/// its UTF-8, one that is a whole number is that number; without one the line is a request of its own, whose number
/// is the hash of the line, so that a second import finds the same.
struct AttemptLine {
    private typealias Field = Column

    /// The keys, and the numbers of the columns that they mean.
    static let keys = Column.allCases.map { (name: $0.name, field: $0.index) }

    /// A Retry-After is what a server said, however long; sums of two cannot overflow.
    private static let askedUs: ClosedRange<Int64> = 0...(1 << 48) * 1000

    /// What a column can be, `nil` where it is no number or any.
    static func bounds(_ column: Column) -> ClosedRange<Int64>? {
        switch column {
        case .startUs: TimeBounds.startUs
        case .durationUs, .waitUs, .timeoutUs: TimeBounds.lengthUs
        case .attempt: TimeBounds.attempts
        case .status: 0...999
        case .retryAfterUs: askedUs
        case .ruleVersion: 0...Int64(Int32.max)
        case .route, .host, .request, .outcome, .isGRPC, .method, .hedge: nil
        }
    }

    private static let outcomes = Outcome.allCases.map { (name: Array($0.name.utf8), outcome: $0) }

    private var fields = JSONFields(keys: keys, countsUnknown: true)
    private let names = NameCache()

    /// The keys that are no columns of the lines since the last asking.
    mutating func takeUnknownKeys() -> UnknownKeys { fields.takeUnknown() ?? UnknownKeys() }

    mutating func parse(_ line: UnsafeRawBufferPointer) throws(LineFault) -> Attempt {
        try fields.read(line)
        let startUs = try startUs()
        let durationUs = try required(.durationUs)
        let route = try name(.route) ?? ""
        if route.isEmpty { throw fault(.route, "is missing; every attempt belongs to a route") }
        let outcome = try outcome()
        return Attempt(
            startUs: startUs, durationUs: durationUs, route: route, host: try name(.host) ?? "",
            request: try request(line),
            attempt: Int(try integer(.attempt) ?? 1), waitUs: try integer(.waitUs) ?? 0, outcome: outcome,
            status: Int(try integer(.status) ?? 0),
            isGRPC: try fields.boolean(Field.isGRPC.index) ?? false,
            timeoutUs: try integer(.timeoutUs) ?? 0, retryAfterUs: try integer(.retryAfterUs) ?? 0,
            method: try name(.method) ?? "",
            hedge: try fields.boolean(Field.hedge.index) ?? false,
            ruleVersion: Int(try integer(.ruleVersion) ?? 0))
    }

    private func integer(_ field: Field) throws(LineFault) -> Int64? {
        try fields.integer(field.index, Self.bounds(field) ?? 0...Int64.max)
    }

    /// UNIX microseconds; a start in another unit says so by its size.
    private func startUs() throws(LineFault) -> Int64 {
        let token = fields[Field.startUs.index]
        if token.kind == .integer, let fault = TimeBounds.wrongStart(token.magnitude) {
            throw self.fault(.startUs, "\(fault), found \(token.magnitude)")
        }
        return try required(.startUs)
    }

    private func required(_ field: Field) throws(LineFault) -> Int64 {
        guard let value = try integer(field) else {
            throw fault(field, "is missing; start_us, duration_us, route and outcome are required")
        }
        return value
    }

    private func name(_ field: Field) throws(LineFault) -> String? {
        try fields.name(field.index, names)
    }

    private func outcome() throws(LineFault) -> Outcome {
        let found = try fields.withText(Field.outcome.index) { bytes in
            Self.outcomes.first { $0.name.count == bytes.count && $0.name.elementsEqual(bytes) }?.outcome
        }
        if let outcome = found ?? nil { return outcome }
        let known = Outcome.allCases.map(\.name).joined(separator: ", ")
        let what = found == nil ? "is missing" : "is unknown: \(fields.describe(Field.outcome.index))"
        throw fault(.outcome, "\(what); one of \(known)")
    }

    private func request(_ line: UnsafeRawBufferPointer) throws(LineFault) -> UInt64 {
        let field = Field.request.index
        let token = fields[field]
        switch token.kind {
        case .absent, .null: return XXH64.hash(line)
        case .integer: return token.magnitude
        case .string, .escaped: return try fields.withText(field) { XXH64.hash($0) } ?? 0
        default: throw fault(.request, "must be a text or a whole number from 0, found \(fields.describe(field))")
        }
    }

    private func fault(_ field: Field, _ reason: String) -> LineFault { fields.fault(field.index, reason) }
}
