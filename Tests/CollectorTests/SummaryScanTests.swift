import CSQLite
import Retry
import TestSupport
import Testing

@testable import Collector

/// Every scan equals what a plain walk over all attempts gives.
@Suite struct SummaryScanTests {
    /// A store of several writers: segments that overlap in time, some whole, and a tail that reaches back.
    private struct Sampled {
        let directory: TemporaryDirectory
        let store: AttemptStore

        init(_ count: Int, seed: UInt64, extremes: Bool = true) throws {
            directory = try TemporaryDirectory()
            store = try AttemptStore.open(path: directory.file("s.db"), mode: .readWrite, sealAfterRows: 60)
            var random = SeededGenerator(seed: seed &+ 77)
            var attempts = Sample.attempts(count, seed: seed, extremes: extremes)
            // Starts on a coarse clock: many attempts of a route begin at once.
            for index in attempts.indices {
                attempts[index].startUs -= attempts[index].startUs % 4_000
                if Int.random(in: 0..<4, using: &random) > 0 { attempts[index].outcome = .success }
            }
            // Neighbours within a reach change places; some seeds know no order at all.
            let reach = [1, 40, 300, count][Int(seed % 4)]
            for index in attempts.indices {
                attempts.swapAt(index, Int.random(in: index..<min(count, index + reach), using: &random))
            }
            var first = 0
            while first < count {
                let size = [70, 130, 200, 15].randomElement(using: &random)!
                try store.append(Array(attempts[first..<min(count, first + size)]))
                first += size
            }
        }

        /// All routes' attempts in a range, as the analyzer gets them.
        func columns(_ scope: SummaryScope) throws -> [AttemptColumns] {
            try store.routes(fromUs: scope.fromUs, toUs: scope.toUs)
                .filter { scope.route == nil || $0.route == scope.route }
                .map { try store.attempts(route: $0.route, fromUs: scope.fromUs, toUs: scope.toUs) }
        }

        /// Everything, one route, and ranges with and without bounds.
        func scopes(seed: UInt64) throws -> [SummaryScope] {
            var random = SeededGenerator(seed: seed)
            let starts = try columns(SummaryScope()).flatMap(\.startUs)
            func bound() -> Int64 { starts.randomElement(using: &random)! + Int64.random(in: -1...1, using: &random) }
            let (one, two) = (bound(), bound())
            return [
                SummaryScope(), SummaryScope(route: "route-1"), SummaryScope(route: "none"),
                SummaryScope(fromUs: min(one, two), toUs: max(one, two)), SummaryScope(fromUs: bound()),
                SummaryScope(route: "route-2", toUs: bound()), SummaryScope(fromUs: one, toUs: one),
            ]
        }
    }

    private static let threads = [1, 2, 5]

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `latency histograms equal counts over all attempts`(seed: UInt64) throws {
        let sampled = try Sampled(2_000, seed: seed)
        for scope in try sampled.scopes(seed: seed) {
            var plain: [RouteLatency] = []
            for columns in try sampled.columns(scope) {
                var histograms: [Outcome: LatencyHistogram] = [:]
                for row in 0..<columns.count {
                    histograms[columns.outcome[row], default: LatencyHistogram()].add(us: columns.durationUs[row])
                }
                plain.append(RouteLatency(route: columns.route, histograms: histograms))
            }
            for threads in Self.threads {
                #expect(try sampled.store.latencyHistograms(scope, threads: threads) == plain, "\(scope)")
            }
        }
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `quantiles are those of the sorted durations`(seed: UInt64) throws {
        let sampled = try Sampled(2_000, seed: seed)
        let shares = [0.99, 0, 0.5, 1, 0.999]
        for scope in try sampled.scopes(seed: seed) {
            for outcomes in [Set(Outcome.allCases), [.success], [.timeout, .reset]] {
                let plain = try sampled.columns(scope).compactMap { columns -> RouteQuantiles? in
                    let sorted = (0..<columns.count).filter { outcomes.contains(columns.outcome[$0]) }
                        .map { columns.durationUs[$0] }.sorted()
                    if sorted.isEmpty { return nil }
                    let values = shares.map { sorted[max(1, Int((Double(sorted.count) * $0).rounded(.up))) - 1] }
                    return RouteQuantiles(route: columns.route, attempts: sorted.count, quantilesUs: values)
                }
                for threads in Self.threads {
                    let found = try sampled.store.latencyQuantiles(shares, outcomes: outcomes, scope, threads: threads)
                    #expect(found == plain, "\(scope)")
                }
            }
        }
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `quantiles of crowded bins are found by splitting them`(seed: UInt64) throws {
        let sampled = try Sampled(1_000, seed: seed)
        let shares = [0.01, 0.25, 0.5, 0.99]
        let reader = try sampled.store.borrowReader()
        defer { sampled.store.giveBack(reader) }
        let plan = try ScanPlan(reader, filter: RowFilter())
        for outcomes in [Set(Outcome.allCases), [.success], [.timeout, .reset]] {
            // All durations collected at once.
            var whole = QuantileScan(plan, shares: shares, outcomes: outcomes, threads: 1)
            let expected = try whole.run().0
            #expect(!expected.isEmpty)
            for limit in [0, 1, 30] {
                var scan = QuantileScan(plan, shares: shares, outcomes: outcomes, threads: 2, limit: limit)
                #expect(try scan.run().0 == expected, "limit \(limit)")
            }
        }
    }

    /// The definition, literally, on one route's columns: O(n²).
    private static func slow(_ columns: AttemptColumns, _ row: Int, isCandidate: (Int32) -> Bool) -> CensoredInterval {
        let sum = columns.startUs[row].addingReportingOverflow(max(0, columns.durationUs[row]))
        let endUs = sum.overflow ? Int64.max : sum.partialValue
        let later = (row + 1..<max(row + 1, columns.count)).filter {
            columns.startUs[$0] >= endUs && columns.outcome[$0] != .cancelled && isCandidate(columns.host[$0])
        }
        let success = later.first { columns.outcome[$0] == .success }
        let last = later.last { columns.outcome[$0] != .success && (success == nil || $0 < success ?? 0) }
        let leftUs = last.map { columns.startUs[$0] - endUs } ?? 0
        guard let success else { return CensoredInterval(leftUs: leftUs, rightUs: .max) }
        let rightUs = max(1, columns.startUs[success] - endUs)
        return CensoredInterval(leftUs: min(leftUs, rightUs - 1), rightUs: rightUs)
    }

    private static func slow(_ columns: AttemptColumns, _ names: [String]) -> [FailureRecovery] {
        let hasSeveralHosts = Set(columns.host).count > 1
        return (0..<columns.count).filter { columns.outcome[$0].isFailure }.map { row in
            let host = columns.host[row]
            let sum = columns.startUs[row].addingReportingOverflow(max(0, columns.durationUs[row]))
            return FailureRecovery(
                row: row, host: names.firstIndex(of: columns.hostNames[Int(host)]) ?? -1, outcome: columns.outcome[row],
                endUs: sum.overflow ? .max : sum.partialValue, route: slow(columns, row) { _ in true },
                sameHost: slow(columns, row) { $0 == host },
                otherHost: hasSeveralHosts ? slow(columns, row) { $0 != host } : nil)
        }
    }

    private static func recoveries(
        _ store: AttemptStore, _ scope: SummaryScope, threads: Int
    ) throws -> (byRoute: [String: [FailureRecovery]], calls: [RouteRecoveries], names: [String]) {
        var byRoute: [String: [FailureRecovery]] = [:]
        var calls: [RouteRecoveries] = []
        try store.recoveryIntervals(scope, threads: threads) { one in
            byRoute[one.route, default: []] += one.failures
            calls.append(one)
        }
        return (byRoute.mapValues { $0.sorted { $0.row < $1.row } }, calls, calls.first?.hostNames ?? [])
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
    func `recovery intervals equal the definition searched literally`(seed: UInt64) throws {
        let sampled = try Sampled(1_500, seed: seed)
        for scope in try sampled.scopes(seed: seed) {
            let one = try Self.recoveries(sampled.store, scope, threads: 1)
            var plain: [String: [FailureRecovery]] = [:]
            for columns in try sampled.columns(scope) where columns.outcome.contains(where: \.isFailure) {
                plain[columns.route] = Self.slow(columns, one.names)
            }
            #expect(one.byRoute.keys.sorted() == plain.keys.sorted())
            for (route, failures) in plain { #expect(one.byRoute[route] == failures, "\(scope) \(route)") }
            for threads in Self.threads {
                #expect(try Self.recoveries(sampled.store, scope, threads: threads).calls == one.calls)
            }
        }
    }

    @Test(arguments: [3, 7] as [UInt64])
    func `what cannot be held back is read in several passes, with the same result`(seed: UInt64) throws {
        let sampled = try Sampled(1_500, seed: seed)
        let plain = try Self.recoveries(sampled.store, SummaryScope(), threads: 1).byRoute
        let reader = try sampled.store.borrowReader()
        defer { sampled.store.giveBack(reader) }
        let plan = try ScanPlan(reader, filter: RowFilter())
        #expect(ScanStep.heldRows(ScanStep.steps(of: plan)) > 1_000)
        var found: [String: [FailureRecovery]] = [:]
        _ = try OrderedScan<RecoveryVisitor>(plan, threads: 2).run(heldLimit: 20_000) { route, failures in
            found[plan.names[.route].names[Int(route)], default: []] += failures
        }
        #expect(found.mapValues { $0.sorted { $0.row < $1.row } } == plain)
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `host probes come in order and none is missing`(seed: UInt64) throws {
        let sampled = try Sampled(2_000, seed: seed)
        for scope in try sampled.scopes(seed: seed) {
            var plain: [String: [[Int64]]] = [:]
            var hosts: [String: [String]] = [:]
            for columns in try sampled.columns(scope) {
                for row in 0..<columns.count where columns.outcome[row] != .cancelled {
                    let sum = columns.startUs[row].addingReportingOverflow(max(0, columns.durationUs[row]))
                    plain[columns.route, default: []].append([
                        columns.startUs[row], sum.overflow ? .max : sum.partialValue,
                        columns.outcome[row].isFailure ? 1 : 0,
                    ])
                    hosts[columns.route, default: []].append(columns.hostNames[Int(columns.host[row])])
                }
            }
            for threads in Self.threads {
                var found: [String: [[Int64]]] = [:]
                var foundHosts: [String: [String]] = [:]
                try sampled.store.hostProbes(scope, threads: threads) { probes in
                    for row in probes.startUs.indices {
                        found[probes.route, default: []].append([
                            probes.startUs[row], probes.endUs[row], probes.isFailure[row] ? 1 : 0,
                        ])
                        foundHosts[probes.route, default: []].append(probes.hostNames[Int(probes.host[row])])
                    }
                }
                #expect(found == plain && foundHosts == hosts, "\(scope)")
            }
        }
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `routes loaded together are the routes loaded one by one`(seed: UInt64) throws {
        let sampled = try Sampled(2_000, seed: seed)
        for scope in try sampled.scopes(seed: seed) {
            let seen = try sampled.store.routes(fromUs: scope.fromUs, toUs: scope.toUs)
            let plain = try sampled.columns(SummaryScope(fromUs: scope.fromUs, toUs: scope.toUs))
            var found: [AttemptColumns] = []
            try sampled.store.eachRoute(seen, fromUs: scope.fromUs, toUs: scope.toUs, columns: .all) {
                found.append($0)
            }
            #expect(found == plain, "\(scope)")
            #expect(found.map(\.count) == seen.map(\.attempts))
        }
    }

    @Test func `only chosen columns are loaded, and routes that are gone are passed over`() throws {
        let sampled = try Sampled(2_000, seed: 3)
        let whole = try sampled.store.attempts(route: "route-1", fromUs: nil, toUs: nil)
        let some = try sampled.store.attempts(route: "route-1", fromUs: nil, toUs: nil, columns: [.outcome, .host])
        #expect(some.startUs == whole.startUs && some.attempt == whole.attempt && some.outcome == whole.outcome)
        #expect(some.host == whole.host && some.hostNames == whole.hostNames)
        #expect(some.durationUs.isEmpty && some.request.isEmpty && some.methodNames.isEmpty)
        let gone = RouteSummary(route: "gone", attempts: 1 << 40, firstStartUs: 0, lastStartUs: 0)
        var found: [String] = []
        let kept = try sampled.store.routes(fromUs: nil, toUs: nil)
        try sampled.store.eachRoute([gone] + kept, fromUs: nil, toUs: nil, columns: []) { found.append($0.route) }
        #expect(found == kept.map(\.route))
        let load = RouteLoad([], columns: .all, names: Names())
        #expect(RouteLoad.bytesAtOnce / ColumnSet.all.rowBytes > 500_000, "\(load)")
    }

    @Test func `a damaged segment is left out of every scan, named and counted`() throws {
        let sampled = try Sampled(2_000, seed: 2)
        sampled.store.close()
        let connection = try Connection(path: sampled.directory.file("s.db"), access: .readWrite)
        let id = try connection.integer("SELECT id FROM segment ORDER BY rows DESC LIMIT 1")
        let rows = Int(try connection.integer("SELECT rows FROM segment WHERE id = \(id)"))
        // Every column is hit, whichever a scan reads.
        try connection.execute(
            """
            UPDATE segment SET data = CAST(substr(data, 1, 400) || zeroblob(length(data) - 400) AS BLOB)
            WHERE id = \(id)
            """)
        for threads in Self.threads {
            let store = try AttemptStore.open(path: sampled.directory.file("s.db"), mode: .readOnly)
            defer { store.close() }
            let counted = try store.latencyHistograms(SummaryScope(), threads: threads)
            let inAll = counted.reduce(0) { $0 + $1.histograms.values.reduce(0) { $0 + $1.count } }
            #expect(inAll == 2_000 - rows)
            #expect(store.damage.map(\.segment) == [id] && store.damage.map(\.rows) == [rows])
            let quantiles = try store.latencyQuantiles(
                [0.5], outcomes: Set(Outcome.allCases), SummaryScope(), threads: threads)
            #expect(quantiles.reduce(0) { $0 + $1.attempts } == 2_000 - rows)
            let found = try Self.recoveries(store, SummaryScope(), threads: threads)
            for summary in try store.routes(fromUs: nil, toUs: nil) {
                let columns = try store.attempts(route: summary.route, fromUs: nil, toUs: nil)
                #expect(found.byRoute[summary.route] == Self.slow(columns, found.names))
            }
            #expect(store.damage.count == 1)
        }
    }

    @Test func `an empty store and a body that throws`() throws {
        let directory = try TemporaryDirectory()
        let store = try AttemptStore.open(path: directory.file("s.db"), mode: .readWrite)
        #expect(try store.latencyHistograms(SummaryScope()).isEmpty)
        #expect(try store.latencyQuantiles([0.5], outcomes: [.success], SummaryScope()).isEmpty)
        try store.recoveryIntervals(SummaryScope()) { _ in Issue.record("there are no failures") }
        try store.append([Attempt(startUs: 5, durationUs: 1, route: "r", outcome: .reset)])
        struct Stop: Error {}
        #expect(throws: Stop.self) { try store.recoveryIntervals(SummaryScope()) { _ in throw Stop() } }
        #expect(throws: Stop.self) { try store.hostProbes(SummaryScope()) { _ in throw Stop() } }
    }
}
