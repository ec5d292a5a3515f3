public import Retry

/// `retries`: what retries and hedges achieved, and which of them could not have succeeded. methods: retries
public enum RetriesReport {
    /// One row a route for all retries, then one for each attempt number and range of waits; in the end one for each
    /// chain of routes that the log tells of.
    ///
    /// - Parameter isDrawn: whether pictures are wanted too.
    /// - Throws: what the source throws.
    public static func table(
        of source: any AttemptSource, scope: SummaryScope = SummaryScope(), isDrawn: Bool = false
    ) throws -> ReportTable {
        var table = ReportTable(title: "retries", columns: columns)
        let used = HostStateSmoother.columns.union([.waitUs, .hedge])
        let all = try source.routes(fromUs: scope.fromUs, toUs: scope.toUs)
        let isOneRoute = scope.route != nil || all.count < 2
        let oneIn = 1 + UInt64(all.reduce(0) { $0 + $1.attempts } / requestsAtOnce)
        let found = try scope.mapRoutes(of: source, columns: used) { attempts in
            let tallies = RetryTallies(attempts)
            return (
                route: attempts.route, tallies: tallies,
                parts: isOneRoute ? [] : RouteChains.parts(of: attempts, oneIn: oneIn)
            )
        }
        for one in found {
            for row in rows(of: one.tallies, route: one.route) { table.append(row) }
            if isDrawn { table.figures += RetryFigures.figures(of: one.tallies, route: one.route) }
        }
        let chains = RouteChains.chains(found.map { ($0.route, $0.parts) })
        for chain in chains.prefix(shownChains) { table.append(row(of: chain)) }
        table.notes = try scope.notes(of: source, table: table)
        if !isOneRoute && !found.isEmpty { table.notes.append(note(on: chains, oneIn: oneIn)) }
        table.notes += [
            "wasted: retries that failed and whose host was down from their start to their end; they could not have "
                + "succeeded. extra_per_request: attempts beyond the first, per request; amplification: attempts per "
                + "request.",
            "Shares have Wilson's 95 % intervals; retries of one outage are not independent, so the truth is wider.",
            "Success after a wait in the log is success under the rule that chose the wait; see the recovery report for "
                + "waits that were not tried.",
        ]
        return table
    }

    private static let columns: [ReportTable.Column] = [
        .init("route", .text), .init("kind", .text), .init("attempt", .count), .init("wait_from", .durationUs),
        .init("wait_to", .durationUs), .init("tried", .count), .init("succeeded", .count),
        .init("share", .probability), .init("share_low", .probability), .init("share_high", .probability),
        .init("wasted", .count), .init("extra_per_request", .number, unit: "attempts"),
        .init("amplification", .number, unit: "attempts"),
    ]

    /// Above so many attempts chains are looked for among a sample of the requests.
    private static let requestsAtOnce = 500_000
    private static let shownChains = 20

    private static func note(on chains: [RouteChains.Chain], oneIn: UInt64) -> String {
        if chains.isEmpty {
            return "Chains of routes: not identified. No request number is shared by routes whose attempts lie within "
                + "each other; where every hop logs the same request id, their amplification shows here."
        }
        return "chain: requests that went from route to route, told by shared request numbers; amplification is the "
            + "attempts on the last route per request of the first."
            + (oneIn > 1 ? " From one request in \(oneIn)." : "")
            + (chains.count > shownChains ? " The \(shownChains) busiest of \(chains.count)." : "")
    }

    private static func row(of chain: RouteChains.Chain) -> [ReportTable.Cell] {
        [.text(chain.routes.joined(separator: " > ")), .text("chain"), .none, .none, .none]
            + [.count(chain.requests)] + [ReportTable.Cell](repeating: .none, count: 5)
            + [.real(chain.amplification - 1), .real(chain.amplification)]
    }

    private static func rows(of tallies: RetryTallies, route: String) -> [[ReportTable.Cell]] {
        let extra = tallies.requests > 0 ? Double(tallies.all.tried) / Double(tallies.requests) : nil
        var rows: [[ReportTable.Cell]] = [
            [.text(route), .text("all"), .none, .none, .none] + tallies.all.cells + [
                .real(extra), .real(extra.map { 1 + $0 }),
            ]
        ]
        for (key, tally) in tallies.parts.sorted(by: { $0.key < $1.key }) {
            let wait = RetryTallies.waitsUs[key.wait]
            rows.append(
                [
                    .text(route), .text(key.isHedge ? "hedge" : "retry"), .count(key.attempt), .integer(wait),
                    .us(RetryTallies.end(of: key.wait)),
                ] + tally.cells + [.none, .none])
        }
        return rows
    }
}

extension RetryTallies.Tally {
    fileprivate var cells: [ReportTable.Cell] {
        let share = Proportion(hits: Double(succeeded), trials: Double(decided))
        return [
            .count(tried), .count(succeeded), .real(share.estimate), .real(share.interval().lowerBound),
            .real(share.interval().upperBound), .count(wasted),
        ]
    }
}
