public import Retry

/// `retries`: what retries and hedges achieved, and which of them could not have succeeded. methods: retries
public enum RetriesReport {
    /// One row a route for all retries, then one for each attempt number and range of waits.
    ///
    /// - Throws: what the source throws.
    public static func table(of source: any AttemptSource, scope: SummaryScope = SummaryScope()) throws -> ReportTable {
        var table = ReportTable(title: "retries", columns: columns)
        let used: ColumnSet = [.startUs, .durationUs, .host, .outcome, .attempt, .waitUs, .hedge]
        let found = try scope.mapRoutes(of: source, columns: used) { rows(of: $0) }
        for row in found.joined() { table.append(row) }
        table.notes = try scope.notes(of: source, table: table)
        table.notes += [
            "wasted: retries sent to a host that was more likely down than up when they started; they had next to no "
                + "chance. extra_per_request: attempts beyond the first, per request.",
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
    ]

    /// Lower ends of the ranges of waits.
    private static let waitsUs: [Int64] = [0, 1, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000]

    private struct Key: Hashable, Comparable {
        var isHedge: Bool
        var attempt: Int
        var wait: Int

        static func < (left: Key, right: Key) -> Bool {
            (left.isHedge ? 1 : 0, left.attempt, left.wait) < (right.isHedge ? 1 : 0, right.attempt, right.wait)
        }
    }

    private struct Tally {
        var tried = 0
        var succeeded = 0
        var decided = 0
        var wasted = 0

        mutating func add(_ outcome: Outcome, isWasted: Bool) {
            tried += 1
            if outcome != .cancelled { decided += 1 }
            if outcome == .success { succeeded += 1 }
            if isWasted { wasted += 1 }
        }

        var cells: [ReportTable.Cell] {
            let share = Proportion(hits: Double(succeeded), trials: Double(decided))
            return [
                .count(tried), .count(succeeded), .real(share.estimate), .real(share.interval().lowerBound),
                .real(share.interval().upperBound), .count(wasted),
            ]
        }
    }

    private static func rows(of attempts: AttemptColumns) -> [[ReportTable.Cell]] {
        let states = Availability(attempts).smoothed
        var all = Tally()
        var parts: [Key: Tally] = [:]
        for row in 0..<attempts.count where attempts.attempt[row] > 1 {
            let isWasted = states.probeUpProbability[row] < 0.5 && attempts.outcome[row] != .success
            let wait = waitsUs.lastIndex { $0 <= attempts.waitUs[row] } ?? 0
            let key = Key(isHedge: attempts.hedge[row], attempt: Int(attempts.attempt[row]), wait: wait)
            all.add(attempts.outcome[row], isWasted: isWasted)
            parts[key, default: Tally()].add(attempts.outcome[row], isWasted: isWasted)
        }
        let firsts = attempts.attempt.count { $0 == 1 }
        let extra = firsts > 0 ? Double(all.tried) / Double(firsts) : nil
        var rows: [[ReportTable.Cell]] = [
            [.text(attempts.route), .text("all"), .none, .none, .none] + all.cells + [.real(extra)]
        ]
        for (key, tally) in parts.sorted(by: { $0.key < $1.key }) {
            let toUs = key.wait + 1 < waitsUs.count ? waitsUs[key.wait + 1] : nil
            rows.append(
                [
                    .text(attempts.route), .text(key.isHedge ? "hedge" : "retry"), .count(key.attempt),
                    .integer(waitsUs[key.wait]), .us(toUs),
                ] + tally.cells + [.none])
        }
        return rows
    }
}
