import Retry
import TestSupport
import Testing

@testable import Analyzer

struct OutagesReportTests {
    /// An attempt a second on each host; a host is down in its ranges of seconds.
    private static func log(
        _ hosts: [(name: String, down: [Range<Int>])], seconds: Int = 2_000, failure: Outcome = .errorStatus
    ) -> ListedAttempts {
        var list: [Attempt] = []
        for second in 0..<seconds {
            for (index, host) in hosts.enumerated() {
                let isDown = host.down.contains { $0.contains(second) }
                list.append(
                    Attempt(
                        startUs: Int64(second) * 1_000_000 + Int64(index) * 1_000, durationUs: 500, route: "pay",
                        host: host.name, request: UInt64(list.count), outcome: isDown ? failure : .success))
            }
        }
        return ListedAttempts(columns: [AttemptColumns(route: "pay", attempts: list)])
    }

    private static func us(_ table: ReportTable, _ row: Int, _ column: String) throws -> Int64 {
        let index = try #require(table.columns.firstIndex { $0.name == column })
        guard case .integer(let value) = table.rows[row][index] else {
            throw Missing(what: "\(column) of row \(row): \(table.rows[row][index])")
        }
        return value
    }

    private struct Missing: Error { var what: String }

    private static func cell(_ table: ReportTable, _ row: Int, _ column: String) -> ReportTable.Cell? {
        table.columns.firstIndex { $0.name == column }.map { table.rows[row][$0] }
    }

    @Test func `mean times of a host that was down twice, for 40 and for 60 s`() throws {
        let table = try OutagesReport.table(of: Self.log([("a", [500..<540, 1_000..<1_060]), ("b", [])]))
        #expect(table.rows.count == 3)
        #expect(Self.cell(table, 0, "host") == .text("all"))
        #expect(Self.cell(table, 1, "outages") == .integer(2) && Self.cell(table, 1, "cut") == .integer(0))
        // Each end lies between two attempts a second apart.
        let mttr = try Self.us(table, 1, "mttr")
        #expect(abs(mttr - 50_000_000) <= 1_000_000)
        let mtbf = try Self.us(table, 1, "mtbf")
        #expect(abs(mtbf - (1_999 - 100) / 2 * 1_000_000) <= 1_000_000)
        #expect(try Self.us(table, 1, "mttr_least") <= 49_000_000)
        #expect(try Self.us(table, 1, "mttr_most") == 51_000_000)
        #expect(abs(try Self.us(table, 1, "longest") - 60_000_000) <= 1_000_000)
        // The host that never failed adds its time up, and has no outage to tell a mean time from.
        #expect(try Self.us(table, 0, "mtbf") > 2 * mtbf)
        #expect(Self.cell(table, 2, "mtbf") == ReportTable.Cell.none)
        #expect(Self.cell(table, 2, "mttr_low") == ReportTable.Cell.none)
        #expect(try Self.us(table, 2, "mtbf_low") > 500_000_000)
        guard case .real(let share) = Self.cell(table, 1, "up_share") else {
            Issue.record("no share")
            return
        }
        #expect(abs(share - 1_899.0 / 1_999) < 0.001)
    }

    @Test func `what the ends of the log cut counts as watched and not as an event`() throws {
        let table = try OutagesReport.table(of: Self.log([("a", [0..<100, 1_000..<1_100, 1_900..<2_000])]))
        #expect(table.rows.count == 1)
        #expect(Self.cell(table, 0, "outages") == .integer(3) && Self.cell(table, 0, "cut") == .integer(2))
        // 100 + 100 + 99 s down; two ended. 900 + 800 s up; both ended.
        #expect(abs(try Self.us(table, 0, "mttr") - 149_500_000) <= 1_500_000)
        #expect(abs(try Self.us(table, 0, "mtbf") - 850_000_000) <= 1_000_000)
        let ends = (try Self.us(table, 0, "mttr_low"), try Self.us(table, 0, "mttr_high"))
        #expect(ends.0 < 149_000_000 && 150_000_000 < ends.1)
    }

    @Test func `what a known limiter refuses is no outage`() throws {
        let columns = RateLimitTests.log(seed: 11, wanted: 40, perSecond: 42, burst: 20, seconds: 600)
        #expect(columns.outcome.contains(.rateLimited) && HostStateSmoother(for: columns).skipsRefusals)
        let table = try OutagesReport.table(of: ListedAttempts(columns: [columns]))
        for row in table.rows.indices {
            #expect(Self.cell(table, row, "outages") == .integer(0))
            #expect(Self.cell(table, row, "up_share") == .real(1))
        }
        let times = try FailureTimesReport.table(of: ListedAttempts(columns: [columns]))
        #expect(Self.cell(times, 0, "outages") == .integer(0))
        #expect(Availability(columns, isLimited: false).smoothed.parameters(host: 0).outageRatePerSecond > 0)
    }

    @Test func `what is refused and follows no limiter is an outage like any other`() throws {
        let hosts = [("a", [500..<540, 1_000..<1_060, 1_500..<1_501]), ("b", [700..<720])]
        let refused = try OutagesReport.table(of: Self.log(hosts, failure: .rateLimited))
        let failed = try OutagesReport.table(of: Self.log(hosts))
        #expect(refused.rows == failed.rows)
        #expect(Self.cell(refused, 1, "outages") == .integer(2))
    }

    @Test func `pictures: a lane a host, and curves that fall`() throws {
        let source = Self.log([("a", [500..<540, 1_000..<1_060]), ("b", [700..<720])])
        let table = try OutagesReport.table(of: source, isDrawn: true)
        var plain = table
        plain.figures = []
        #expect(try OutagesReport.table(of: source) == plain)
        let calendar = try #require(table.figures.first)
        #expect(calendar.lanes.map(\.label) == ["a", "b"])
        #expect(calendar.lanes.map(\.spans.count) == [2, 1])
        let first = try #require(calendar.lanes.first?.spans.first)
        #expect(abs(first.from - 499.5e6) <= 0.6e6 && abs(first.to - 539.5e6) <= 0.6e6)
        let lasting = try #require(table.figures.first { $0.title == "How long outages last" })
        let points = try #require(lasting.lines.first?.points)
        #expect(zip(points, points.dropFirst()).allSatisfy { $0.y >= $1.y - 1e-9 })
        #expect(points.allSatisfy { $0.low <= $0.y + 1e-9 && $0.y <= $0.high + 1e-9 })
        // The table's median is the mark's.
        let median = try #require(lasting.marks.first { $0.label == "p50" })
        #expect(Int64(median.x) == (try Self.us(table, 0, "outage_p50")))
    }
}
