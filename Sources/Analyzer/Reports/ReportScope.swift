import Retry

/// Which attempts a report is about.
public struct ReportScope: Sendable {
    /// One route, or `nil` for all.
    public var route: String?
    /// The earliest start, UNIX microseconds; `nil`: from the beginning.
    public var fromUs: Int64?
    /// The end of the starts, exclusive; `nil`: to the last.
    public var toUs: Int64?

    /// A scope; without arguments, everything.
    public init(route: String? = nil, fromUs: Int64? = nil, toUs: Int64? = nil) {
        self.route = route
        self.fromUs = fromUs
        self.toUs = toUs
    }

    /// Calls `body` with the attempts of every route in scope, by name; one route is in memory at a time.
    func forEachRoute(of source: any AttemptSource, _ body: (AttemptColumns) throws -> Void) throws {
        for summary in try source.routes(fromUs: fromUs, toUs: toUs) where route == nil || summary.route == route {
            let columns = try source.attempts(route: summary.route, fromUs: fromUs, toUs: toUs)
            if columns.count > 0 { try body(columns) }
        }
    }

    /// What every report says of its data.
    func notes(of source: any AttemptSource, table: ReportTable) throws -> [String] {
        var notes: [String] = []
        if table.rows.isEmpty {
            let what = route.map { "route '\($0)'" } ?? "any route"
            notes.append("No attempts of \(what) in the asked range.")
        }
        let missing = try source.missingAttempts(fromUs: fromUs, toUs: toUs)
        if missing > 0 {
            notes.append(
                "\(missing) attempts are known to be missing (dropped by a full buffer, or in a damaged segment); "
                    + "failures may be among them.")
        }
        return notes
    }
}
