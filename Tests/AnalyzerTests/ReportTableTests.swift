import Retry
import TestSupport
import Testing

@testable import Analyzer

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
        // From a tenth of the shortest time seen (10 ms to the retry) to a step past the longest (the outage).
        #expect(value(table, 0, "after") == .integer(1_000))
        #expect(value(table, table.rows.count - 1, "after") == .integer(60_000_000))
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
            { try OutagesReport.table(of: $0, scope: $1) }, { try RunsReport.table(of: $0, scope: $1) },
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

    @Test func `pictures change no number, and hold the table's`() throws {
        let draw: [(ListedAttempts, Bool) throws -> ReportTable] = [
            { try FailureTimesReport.table(of: $0, isDrawn: $1) }, { try RecoveryReport.table(of: $0, isDrawn: $1) },
            { try LatencyReport.table(of: $0, isDrawn: $1) }, { try RetriesReport.table(of: $0, isDrawn: $1) },
            { try OutagesReport.table(of: $0, isDrawn: $1) }, { try RunsReport.table(of: $0, isDrawn: $1) },
        ]
        for report in draw {
            let drawn = try report(source(), true)
            var plain = drawn
            plain.figures = []
            #expect(try report(source(), false) == plain)
            #expect(!drawn.figures.isEmpty && drawn.figures.allSatisfy { $0.route == "pay" })
            for figure in drawn.figures {
                #expect(figure.lines.isEmpty != figure.lanes.isEmpty || !figure.marks.isEmpty, "\(figure.title)")
            }
        }
        let recovery = try draw[1](source(), true)
        let line = try #require(recovery.figures.first?.lines.first { $0.label == "same host" })
        for row in recovery.rows where row[1] == .text("same host") {
            guard case .integer(let afterUs) = row[5], case .real(let share) = row[6], case .real(let low) = row[7],
                case .real(let high) = row[8]
            else {
                Issue.record("a cell is missing: \(row)")
                continue
            }
            #expect(line.points.contains(.init(x: Double(afterUs), y: share, low: low, high: high)))
        }
    }

    @Test func `a retry that its host's recovery met is not wasted`() throws {
        var list: [Attempt] = []
        for second in 0..<400 {
            let isDown = (200..<230).contains(second)
            list.append(
                Attempt(
                    startUs: Int64(second) * 1_000_000, durationUs: 500, route: "pay", host: "a",
                    request: UInt64(second), outcome: isDown ? .errorStatus : .success))
        }
        func retry(at startUs: Int64, lasting durationUs: Int64) -> Attempt {
            Attempt(
                startUs: startUs, durationUs: durationUs, route: "pay", host: "a", request: 200, attempt: 2,
                outcome: .timeout)
        }
        // One within the outage, one that waits until long after it.
        let columns = AttemptColumns(
            route: "pay",
            attempts: list + [retry(at: 210_500_000, lasting: 1_000_000), retry(at: 220_500_000, lasting: 60_000_000)])
        let table = try RetriesReport.table(of: ListedAttempts(columns: [columns]))
        #expect(value(table, 0, "tried") == .integer(2))
        #expect(value(table, 0, "wasted") == .integer(1))
    }
}
