import Glibc
import Retry
import Testing

@testable import MeshDay

@Suite struct MeshDayTests {
    private static let rows = Array(MeshDay(attempts: 300_000, seed: 1))

    @Test func `a day has as many attempts as asked, in order of their starts, within the day`() throws {
        let rows = Self.rows
        #expect(rows.count == 300_000)
        #expect(zip(rows, rows.dropFirst()).allSatisfy { ($0.startUs, $0.attempt) <= ($1.startUs, $1.attempt) })
        let first = try #require(rows.first).startUs - MeshDay.beginUs
        let last = try #require(rows.last).startUs - MeshDay.beginUs
        #expect(first >= 0 && first < 60_000_000)
        // The number is exact, so the end is not: the sum of 300,000 gaps is within 1 % of the day.
        #expect(abs(last - MeshDay.dayUs) < MeshDay.dayUs / 100)
    }

    @Test func `the same seed makes the same day, another seed another`() {
        #expect(Array(MeshDay(attempts: 5000, seed: 7)) == Array(MeshDay(attempts: 5000, seed: 7)))
        #expect(Array(MeshDay(attempts: 5000, seed: 7)) != Array(MeshDay(attempts: 5000, seed: 8)))
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `two attempts in a hundred fail`(seed: UInt64) {
        let day = MeshDay(attempts: 400_000, seed: seed)
        #expect(abs(day.expectedFailures - 0.02) < 1e-4)
        let failed = day.reduce(0) { $0 + ($1.outcome.isFailure ? 1 : 0) }
        let share = Double(failed) / 400_000
        #expect((0.018...0.022).contains(share), "\(share)")
    }

    @Test func `requests are numbered in order of their first attempts`() {
        let firsts = Self.rows.filter { $0.attempt == 1 }.map(\.request)
        #expect(firsts == Array(1...UInt64(firsts.count)))
    }

    @Test func `a retry follows its failure after its wait on another host of the route`() throws {
        var last: [UInt64: MeshRow] = [:]
        var retries = 0
        for row in Self.rows {
            defer { last[row.request] = row }
            guard row.attempt > 1 else {
                #expect(row.waitUs == 0 && last[row.request] == nil)
                continue
            }
            retries += 1
            let before = try #require(last[row.request])
            #expect(before.outcome.isFailure)
            #expect(row.attempt == before.attempt + 1 && row.attempt <= 4)
            #expect(row.startUs == before.startUs + before.durationUs + row.waitUs)
            #expect(row.route == before.route && row.method == before.method)
            #expect(row.host != before.host && row.host / 4 == row.route)
        }
        #expect(retries > 2000)
    }

    @Test func `routes have Zipf popularity`() {
        var counts = [Int](repeating: 0, count: 1000)
        for row in Self.rows where row.attempt == 1 { counts[Int(row.route)] += 1 }
        let all = Double(counts.reduce(0, +))
        let harmonic = (1...1000).reduce(0) { $0 + 1 / Double($1) }
        for rank in [1, 2, 10, 100] {
            let expected = all / (Double(rank) * harmonic)
            // Five standard deviations of a count.
            #expect(abs(Double(counts[rank - 1]) - expected) < 5 * expected.squareRoot(), "rank \(rank)")
        }
    }

    @Test func `outcomes, statuses and limits agree`() {
        for row in Self.rows {
            switch row.outcome {
            case .success:
                #expect(row.durationUs < MeshDay.perTryLimitUs)
                #expect(row.isGRPC ? row.status == 0 : (200..<500).contains(row.status))
            case .errorStatus: #expect(row.isGRPC ? [2, 13, 14].contains(row.status) : row.status >= 500)
            case .rateLimited: #expect(row.status == (row.isGRPC ? 8 : 429))
            case .timeout:
                #expect(row.durationUs >= MeshDay.perTryLimitUs && row.durationUs < MeshDay.perTryLimitUs + 512)
            default: #expect(row.status == 0)
            }
            if row.outcome != .rateLimited { #expect(row.retryAfterUs == 0) }
        }
        let kinds = Set(Self.rows.map(\.outcome))
        #expect(kinds.count == 6)
        #expect(Self.rows.contains { $0.retryAfterUs > 0 })
    }

    @Test func `routes and outages do not depend on how busy the mesh is`() {
        let (few, many) = (MeshDay(attempts: 1000, seed: 3), MeshDay(attempts: 1_000_000, seed: 3))
        #expect(few.expectedFailures == many.expectedFailures)
        #expect(few.hostNames == many.hostNames && Set(few.hostNames).count == 4000)
        #expect(few.routeNames.count == 1000)
    }

    @Test func `what a row told is counted column by column`() throws {
        var day = MeshDay(attempts: 200_000, seed: 1)
        var counts: [Int32: Int] = [:]
        var firsts = 0.0
        while let row = day.next() {
            if row.attempt == 1 {
                counts[row.route, default: 0] += 1
                firsts += 1
            }
        }
        let entropy = day.entropy
        // Hosts: two bits for a first attempt, log2 3 for a retry.
        #expect(abs(entropy.host - 2 * firsts - (200_000 - firsts) * log2(3.0)) < 0.001, "\(entropy)")
        // Routes: the entropy of Zipf's law over 1,000, 7.4 bits, within the noise of 200,000 draws.
        let harmonic = (1...1000).reduce(0) { $0 + 1 / Double($1) }
        let zipf = (1...1000).reduce(0) { sum, rank in
            let share = 1 / (Double(rank) * harmonic)
            return sum - share * log2(share)
        }
        #expect(abs(entropy.route / firsts - zipf) < 0.05)
        #expect(entropy.byColumn.count == 15)
        #expect(entropy.total > entropy.start + entropy.duration)
    }

    @Test func `the bits of durations are those of the log-normal law`() {
        // With the law of one route alone: h = log2(sigma · sqrt(2 pi e)) + log2 e · mean of the logarithm.
        var dice = SplitMix64(seed: 4)
        let route = MeshRoute(using: &dice)
        var normal = NormalDraw()
        var entropy = MeshEntropy()
        let answers = MeshAnswers()
        var answered = 0.0
        var before = 0.0
        for _ in 0..<200_000 {
            before = entropy.duration
            let end = answers.end(route, kind: nil, using: &dice, normal: &normal, entropy: &entropy)
            if end.outcome == .success { answered += 1 } else { entropy.duration = before }
        }
        let expected = log2(route.sigma * (2 * Double.pi * exp(1.0)).squareRoot()) + route.logMedian / log(2.0)
        #expect(abs(entropy.duration / answered - expected) < 0.05)
    }
}
