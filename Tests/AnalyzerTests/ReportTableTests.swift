import Retry
import TestSupport
import Testing

@testable import Analyzer

/// Attempts in memory.
private struct ListedAttempts: AttemptSource {
    var columns: [AttemptColumns]
    var missing = 0

    func routes(fromUs: Int64?, toUs: Int64?) throws -> [RouteSummary] {
        columns.map {
            RouteSummary(
                route: $0.route, attempts: $0.count, firstStartUs: $0.startUs.first ?? 0,
                lastStartUs: $0.startUs.last ?? 0)
        }
    }

    func attempts(route: String, fromUs: Int64?, toUs: Int64?) throws -> AttemptColumns {
        let all = columns.first { $0.route == route } ?? AttemptColumns(route: route)
        let kept = (0..<all.count).filter { all.startUs[$0] >= fromUs ?? .min && all.startUs[$0] < toUs ?? .max }
        return AttemptColumns(route: route, attempts: kept.map { all[$0] })
    }

    func missingAttempts(fromUs: Int64?, toUs: Int64?) throws -> Int { missing }
}

@Suite struct ReportTableTests {
    /// One attempt a second on two hosts in turn; host a fails from 600 to 640 s, each failure is retried after 10 ms.
    private func source(missing: Int = 0) -> ListedAttempts {
        var list: [Attempt] = []
        for second in 0..<2_000 {
            let isDown = second % 2 == 0 && (600..<640).contains(second)
            let startUs = Int64(second) * 1_000_000
            list.append(
                Attempt(
                    startUs: startUs, durationUs: isDown ? 500 : 5_000 + Int64(second % 100) * 10, route: "pay",
                    host: second % 2 == 0 ? "a" : "b", request: UInt64(second),
                    outcome: isDown ? .errorStatus : .success))
            if isDown {
                let isSecond = second % 4 == 0
                list.append(
                    Attempt(
                        startUs: startUs + 10_500, durationUs: 5_000, route: "pay", host: isSecond ? "b" : "a",
                        request: UInt64(second), attempt: 2, waitUs: 10_000,
                        outcome: isSecond ? .success : .errorStatus))
            }
        }
        return ListedAttempts(columns: [AttemptColumns(route: "pay", attempts: list)], missing: missing)
    }

    private func value(_ table: ReportTable, _ row: Int, _ column: String) -> ReportTable.Cell? {
        table.columns.firstIndex { $0.name == column }.map { table.rows[row][$0] }
    }

    /// Cells fit their columns, names are unique.
    private func check(_ table: ReportTable) {
        #expect(Set(table.columns.map(\.name)).count == table.columns.count)
        for row in table.rows {
            #expect(row.count == table.columns.count)
            for (cell, column) in zip(row, table.columns) {
                switch (cell, column.kind) {
                case (.none, _), (.text, .text), (.integer, .count), (.integer, .durationUs), (.integer, .timeUs),
                    (.real, .number):
                    break
                case (.real(let value), .probability): #expect((0...1).contains(value), "\(column.name)")
                default: Issue.record("\(column.name) of kind \(column.kind) holds \(cell)")
                }
            }
        }
    }

    @Test func `failure times: one outage of 39 s, 30 failures`() throws {
        let table = try FailureTimesReport.table(of: source())
        check(table)
        #expect(table.rows.count == 2)
        #expect(value(table, 0, "failures") == .integer(30))
        #expect(value(table, 0, "outages") == .integer(1))
        #expect(value(table, 0, "blips") == .integer(0))
        #expect(value(table, 1, "outcome") == .text("error_status"))
        guard case .integer(let lengthUs) = value(table, 0, "outage_p50") else {
            Issue.record("no median outage")
            return
        }
        // Seen down from 600 to 638.01 s, up at 598 s and at 640 s.
        #expect((38_000_000...42_000_000).contains(lengthUs))
        #expect(value(table, 0, "outage_p50_high") == ReportTable.Cell.none)
    }

    @Test func `recovery: the other host at once, the same one not within a second`() throws {
        let table = try RecoveryReport.table(of: source())
        check(table)
        #expect(table.rows.count == 2 * RecoveryCurve.Request.series.count)
        for (row, cells) in table.rows.enumerated() {
            guard case .integer(let afterUs) = value(table, row, "after"),
                case .real(let recovered) = value(table, row, "recovered")
            else {
                Issue.record("row \(row) lacks a value: \(cells)")
                continue
            }
            let isSame = value(table, row, "place") == .text("same host")
            if isSame && afterUs <= 1_000_000 { #expect(recovered < 0.1) }
            if isSame && afterUs >= 60_000_000 { #expect(agrees(recovered, 1, 1e-6)) }
            if !isSame && afterUs >= 2_000_000 { #expect(agrees(recovered, 1, 1e-6)) }
        }
    }

    @Test func `latency: a row for the route and each host, quantiles of successes`() throws {
        let table = try LatencyReport.table(of: source())
        check(table)
        #expect(table.rows.count == 3)
        guard case .integer(let p50) = value(table, 0, "p50"), case .integer(let p99) = value(table, 0, "p99") else {
            Issue.record("no quantiles")
            return
        }
        #expect((5_400...5_600).contains(p50))
        #expect((5_900...5_990).contains(p99))
        #expect(value(table, 0, "slow_again") == .text("not identified"))
    }

    @Test func `retries: half succeeded, half were sent to the host that was down`() throws {
        let table = try RetriesReport.table(of: source())
        check(table)
        #expect(table.rows.count == 2)
        #expect(value(table, 0, "tried") == .integer(20))
        #expect(value(table, 0, "succeeded") == .integer(10))
        #expect(value(table, 0, "wasted") == .integer(10))
        #expect(value(table, 0, "extra_per_request") == .real(0.01))
        #expect(value(table, 1, "wait_from") == .integer(10_000))
        #expect(value(table, 1, "wait_to") == .integer(100_000))
    }

    @Test func `every report says what is missing, keeps to its scope, and repeats itself`() throws {
        let reports: [(any AttemptSource, SummaryScope) throws -> ReportTable] = [
            { try FailureTimesReport.table(of: $0, scope: $1) }, { try RecoveryReport.table(of: $0, scope: $1) },
            { try LatencyReport.table(of: $0, scope: $1) }, { try RetriesReport.table(of: $0, scope: $1) },
        ]
        for report in reports {
            let whole = try report(source(missing: 7), SummaryScope())
            #expect(whole.notes.contains { $0.hasPrefix("7 attempts are known to be missing") })
            #expect(try report(source(missing: 7), SummaryScope()) == whole)
            #expect(try !report(source(), SummaryScope()).notes.contains { $0.contains("missing") })
            let other = try report(source(), SummaryScope(route: "none"))
            #expect(other.rows.isEmpty)
            #expect(other.notes.contains("No attempts of route 'none' in the asked range."))
            let before = try report(source(), SummaryScope(toUs: 0))
            #expect(before.rows.isEmpty)
            check(try report(source(), SummaryScope(fromUs: 500_000_000, toUs: 500_000_001)))
        }
    }
}
