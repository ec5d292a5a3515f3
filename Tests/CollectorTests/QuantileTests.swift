import TestSupport
import Testing

@testable import Collector

@Suite struct QuantileTests {
    @Test(arguments: [1, 2, 3, 100, 1_000, 200_000])
    func `it is the value of that rank among all, in order`(count: Int) {
        var random = SeededGenerator(seed: UInt64(count))
        let values = (0..<count).map { _ in Int64.random(in: -500...90_000, using: &random) }
        var quantile = Quantile()
        for value in values { quantile.add(value) }
        let sorted = values.sorted()
        for p in [0, 0.01, 0.07, 0.25, 0.5, 0.55, 0.9, 0.99, 1] {
            let value = quantile.value(p)
            guard case .integer(let found) = value else { return #expect(Bool(false), "\(String(describing: value))") }
            // At least a share p does not exceed it, and no smaller value has that: in whole hundredths, for 0.07 and
            // 0.55 are more than that as binary fractions.
            let hundredths = Int((p * 100).rounded())
            #expect(100 * sorted.count { $0 <= found } >= hundredths * count, "\(p)")
            #expect(100 * sorted.count { $0 < found } < max(hundredths * count, 1), "\(p)")
        }
    }

    @Test func `whole numbers and others mix, and nothing has no quantile`() {
        var quantile = Quantile()
        #expect(quantile.value(0.5) == nil)
        for value in [3, -2, 8] as [Int64] { quantile.add(value) }
        for value in [-2.5, 0.25, -0.0] { quantile.add(value) }
        let all = [-2.5, -2, 0, 0.25, 3, 8]
        for (index, value) in all.enumerated() {
            #expect(quantile.value(Double(index + 1) / 6) == .real(value))
        }
    }

    @Test func `in SQL it is an aggregate, and times can be read by people`() throws {
        try withTemporaryDirectory { folder in
            let store = try AttemptStore.open(path: folder + "/store.db", mode: .readWrite)
            try store.append(Sample.attempts(500, seed: 4, extremes: false))
            let exact = try store.query(
                """
                SELECT route, quantile(duration_us, 0.9) FROM attempts GROUP BY route
                EXCEPT SELECT route, duration_us FROM (
                  SELECT route, duration_us, row_number() OVER (PARTITION BY route ORDER BY duration_us) AS n,
                    count(*) OVER (PARTITION BY route) AS of_all FROM attempts)
                WHERE n = (9 * of_all + 9) / 10
                """)
            #expect(exact.rows.isEmpty)
            #expect(
                try store.query("SELECT quantile(NULL, 0.5), quantile(1.5, 1), iso(1790000000000001), iso(NULL)").rows
                    == [[.null, .real(1.5), .text("2026-09-21T14:13:20.000001Z"), .null]])
            for (sql, words) in [
                ("SELECT quantile(status, attempt / 10.0) FROM attempts", "same for all values"),
                ("SELECT quantile(status, 99) FROM attempts", "from 0 to 1"), ("SELECT iso('now')", "whole number"),
                ("SELECT quantile(route, 0.5) FROM attempts", "must be numbers"),
            ] {
                #expect {
                    try store.query(sql)
                } throws: {
                    ($0 as? StoreError)?.message.contains(words) ?? false
                }
            }
        }
    }
}
