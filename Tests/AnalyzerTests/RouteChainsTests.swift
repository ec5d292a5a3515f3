import Retry
import TestSupport
import Testing

@testable import Analyzer

struct RouteChainsTests {
    /// Requests of `front`, 100 ms each, each of which asks `back` `tries` times while it runs.
    private static func routes(_ requests: Int, tries: Int, backFromUs: Int64) -> [AttemptColumns] {
        let front = (0..<requests).map { number in
            Attempt(
                startUs: Int64(number) * 1_000_000, durationUs: 100_000, route: "front", host: "a",
                request: UInt64(number), outcome: .success)
        }
        let back = (0..<requests).flatMap { number in
            (0..<tries).map { attempt in
                Attempt(
                    startUs: Int64(number) * 1_000_000 + backFromUs + Int64(attempt) * 20_000, durationUs: 5_000,
                    route: "back", host: "b", request: UInt64(number), attempt: attempt + 1, outcome: .success)
            }
        }
        return [AttemptColumns(route: "back", attempts: back), AttemptColumns(route: "front", attempts: front)]
    }

    private static func chains(_ routes: [AttemptColumns], oneIn: UInt64 = 1) -> [RouteChains.Chain] {
        RouteChains.chains(routes.map { ($0.route, RouteChains.parts(of: $0, oneIn: oneIn)) })
    }

    @Test func `a chain is told by shared numbers and nested times`() {
        let found = Self.chains(Self.routes(30, tries: 3, backFromUs: 10_000))
        #expect(
            found == [
                RouteChains.Chain(routes: ["front", "back"], requests: 30, firstAttempts: 30, lastAttempts: 90)
            ])
        #expect(found.first?.amplification == 3)
    }

    @Test func `numbers that two proxies count for themselves are no chain`() {
        #expect(Self.chains(Self.routes(30, tries: 3, backFromUs: 500_000)).isEmpty)
    }

    @Test func `few requests are not believed`() {
        #expect(Self.chains(Self.routes(19, tries: 2, backFromUs: 10_000)).isEmpty)
        #expect(Self.chains(Self.routes(20, tries: 2, backFromUs: 10_000)).count == 1)
    }

    @Test func `a sample holds the same requests on every route`() throws {
        let found = Self.chains(Self.routes(4_000, tries: 2, backFromUs: 10_000), oneIn: 8)
        let chain = try #require(found.first)
        #expect(found.count == 1 && chain.amplification == 2)
        // Binomial: 4,000 / 8 ± 5 standard errors of 21.
        #expect((395...605).contains(chain.requests))
    }

    @Test func `the report names the chain, or says why there is none`() throws {
        let source = ListedAttempts(columns: Self.routes(40, tries: 2, backFromUs: 10_000))
        let table = try RetriesReport.table(of: source)
        let row = try #require(table.rows.last)
        #expect(row[0] == .text("front > back") && row[1] == .text("chain"))
        #expect(row[5] == .count(40) && row.last == .real(2))
        #expect(table.notes.contains { $0.hasPrefix("chain: ") })
        let apart = ListedAttempts(columns: Self.routes(40, tries: 2, backFromUs: 500_000))
        let other = try RetriesReport.table(of: apart)
        #expect(!other.rows.contains { $0[1] == .text("chain") })
        #expect(other.notes.contains { $0.hasPrefix("Chains of routes: not identified.") })
        let alone = try RetriesReport.table(of: source, scope: SummaryScope(route: "back"))
        #expect(!alone.notes.contains { $0.contains("hain") })
    }
}
