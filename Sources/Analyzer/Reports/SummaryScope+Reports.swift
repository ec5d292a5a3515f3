import Dispatch
import Glibc
import Retry
import Synchronization

extension SummaryScope {
    /// What `body` makes of the attempts of every route in scope, by name, on all cores. Of the columns, only those
    /// chosen need be there.
    ///
    /// Some routes are in memory at a time: as many as there are cores, unless one of them is large.
    func mapRoutes<Value: Sendable>(
        of source: any AttemptSource, columns: ColumnSet, _ body: @escaping @Sendable (AttemptColumns) -> Value
    ) throws -> [Value] {
        let seen = try source.routes(fromUs: fromUs, toUs: toUs).filter { route == nil || $0.route == route }
        var values: [Value] = []
        var waiting: [AttemptColumns] = []
        func work() {
            values += concurrently(waiting, body)
            waiting = []
        }
        try source.eachRoute(seen, fromUs: fromUs, toUs: toUs, columns: columns) { attempts in
            if waiting.reduce(attempts.count, { $0 + $1.count }) > Self.rowsAtOnce { work() }
            waiting.append(attempts)
            if waiting.count == Self.cores { work() }
        }
        work()
        return values
    }

    /// More attempts than this are only in memory together where a single route has them.
    private static let rowsAtOnce = 1 << 20

    private static var cores: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// What `body` makes of each, in order.
    private func concurrently<Value: Sendable>(
        _ routes: [AttemptColumns], _ body: @escaping @Sendable (AttemptColumns) -> Value
    ) -> [Value] {
        let made = Mutex<[Int: Value]>([:])
        DispatchQueue.concurrentPerform(iterations: routes.count) { place in
            let value = body(routes[place])
            made.withLock { $0[place] = value }
        }
        return made.withLock { made in routes.indices.compactMap { made[$0] } }
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
