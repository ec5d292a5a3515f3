import Retry
import TestSupport
import Testing

@testable import Analyzer

struct RunsReportTests {
    /// A host's outcomes in order, ten seconds apart: `+` success, `-` failure, `c` cancelled.
    private static func log(_ route: String, _ hosts: [String]) -> AttemptColumns {
        var list: [Attempt] = []
        for (host, outcomes) in hosts.enumerated() {
            for (index, one) in outcomes.enumerated() {
                list.append(
                    Attempt(
                        startUs: Int64(index) * 10_000_000 + Int64(host), durationUs: 1_000, route: route,
                        host: "h\(host)", request: UInt64(list.count),
                        outcome: one == "+" ? .success : one == "-" ? .reset : .cancelled))
            }
        }
        return AttemptColumns(route: route, attempts: list)
    }

    private static func counts(_ table: ReportTable, route: String) -> [[ReportTable.Cell]] {
        table.rows.filter { $0[0] == .text(route) }.map { Array($0[1...4]) }
    }

    @Test func `by hand: runs of one, two and an open one of three`() throws {
        let source = ListedAttempts(columns: [Self.log("pay", ["+-+--c+-c--"])])
        let table = try RunsReport.table(of: source)
        // After one failure: +, -, -; after two: +, -; the third failure of the last run has nothing after it.
        #expect(
            Self.counts(table, route: "pay") == [
                [.count(1), .count(3), .count(1), .real(1.0 / 3)], [.count(2), .count(2), .count(1), .real(0.5)],
            ])
        #expect(table.rows.allSatisfy { $0[0] == .text("pay") })
    }

    @Test func `each host has its own runs, and routes come together first`() throws {
        let source = ListedAttempts(columns: [Self.log("a", ["-+", "--+"]), Self.log("b", ["-+"])])
        let table = try RunsReport.table(of: source)
        #expect(
            Self.counts(table, route: "all routes") == [
                [.count(1), .count(3), .count(2), .real(2.0 / 3)], [.count(2), .count(1), .count(1), .real(1)],
            ])
        #expect(Self.counts(table, route: "b") == [[.count(1), .count(1), .count(1), .real(1)]])
        let alone = try RunsReport.table(of: source, scope: SummaryScope(route: "a"))
        #expect(!alone.rows.contains { $0[0] == .text("all routes") })
    }

    @Test func `the next attempt's time is told to a bin of the grid`() throws {
        let table = try RunsReport.table(of: ListedAttempts(columns: [Self.log("pay", ["-+-+-+"])]))
        guard case .integer(let us) = table.rows[0][7] else {
            Issue.record("no gap")
            return
        }
        #expect(us <= 10_000_000 && us > 10_000_000 * 7 / 8)
    }

    @Test func `without a failure, or nothing after it, there is nothing to tell`() throws {
        for outcomes in ["++++", "+++-"] {
            let table = try RunsReport.table(of: ListedAttempts(columns: [Self.log("pay", [outcomes])]), isDrawn: true)
            #expect(table.rows.isEmpty && table.figures.isEmpty)
            #expect(table.notes.contains("No failure was followed by another attempt."))
        }
    }

    @Test func `blips mixed with long outages make the share fall, and the picture shows the table's shares`() throws {
        var outcomes = ""
        for round in 0..<60 { outcomes += "+++" + String(repeating: "-", count: round % 3 == 0 ? 20 : 1) }
        let source = ListedAttempts(columns: [Self.log("pay", [outcomes + "+"])])
        let table = try RunsReport.table(of: source, isDrawn: true)
        let shares = table.rows.compactMap { row -> Double? in
            if case .real(let share) = row[4] { share } else { nil }
        }
        #expect(agrees(shares[0], 2.0 / 3, 1e-12) && shares[1] == 0)
        #expect(table.figures.first?.marks.map(\.y) == shares)
    }
}
