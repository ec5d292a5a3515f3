import Glibc
import Retry
import TestSupport
import Testing

@testable import Analyzer

@Suite struct RateLimitTests {
    private static let epochUs: Int64 = 1_700_000_000_000_000

    /// Poisson arrivals at `wanted` a second for `seconds`, in turn on the hosts, through a bucket of the route's or of
    /// each host, that is written by itself: a debt that time pays off.
    static func log(
        seed: UInt64, wanted: Double, perSecond: Double, burst: Double, seconds: Double = 500, hosts: Int = 2,
        isByHost: Bool = false, timeUnit: Double = 1, delayUs: Int64 = 0, hiddenShare: Double = 0
    ) -> AttemptColumns {
        var dice = SplitMix64(seed: seed, "limit")
        var debts = Array(repeating: 0.0, count: isByHost ? hosts : 1)
        var paid = debts
        var attempts: [Attempt] = []
        var second = 0.0
        while second < seconds {
            second -= log(1 - dice.unit()) / wanted
            let host = Int.random(in: 0..<hosts, using: &dice)
            let place = isByHost ? host : 0
            debts[place] = max(0, debts[place] - (second - paid[place]) * perSecond)
            paid[place] = second
            let isRefused = debts[place] > burst - 1
            if !isRefused { debts[place] += 1 }
            // Another client's attempts are in no log.
            if dice.unit() < hiddenShare { continue }
            let onTheWayUs = delayUs > 0 ? Int64.random(in: 0..<delayUs, using: &dice) : 0
            let offsetUs = Int64(second * 1e6 * timeUnit) + onTheWayUs
            attempts.append(
                Attempt(
                    startUs: epochUs + offsetUs, durationUs: isRefused ? 1000 : 5000, route: "r", host: "h\(host)",
                    request: UInt64(attempts.count + 1), outcome: isRefused ? .rateLimited : .success,
                    status: isRefused ? 429 : 200, method: "GET"))
        }
        return AttemptColumns(route: "r", attempts: attempts.sorted { $0.startUs < $1.startUs })
    }

    private static func log(_ value: Double) -> Double { Glibc.log(value) }

    @Test(arguments: [(42.0, 40.0, 20.0), (5, 5, 3), (300, 320, 50), (10, 12, 4)], 1...2 as ClosedRange<UInt64>)
    func findsTheBucketThatRefused(law: (perSecond: Double, wanted: Double, burst: Double), seed: UInt64) throws {
        let columns = Self.log(seed: seed, wanted: law.wanted, perSecond: law.perSecond, burst: law.burst)
        let limit = try #require(RateLimit(columns))
        #expect(abs(limit.perSecond / law.perSecond - 1) < 0.005)
        #expect(abs(limit.burst - law.burst) < 0.5)
        #expect(!limit.isByHost)
        #expect(limit.unexplainedShare < 0.03)
    }

    @Test func ofOneTokenOnlyTheGapIsKnown() throws {
        // Ten a second, one at a time, serves whoever comes 100 ms after the last; so does a little slower and larger.
        let limit = try #require(RateLimit(Self.log(seed: 1, wanted: 4, perSecond: 10, burst: 1)))
        #expect(limit.unexplainedShare == 0)
        #expect(abs(limit.perSecond * 0.1 + limit.burst - 2) < 0.01)
    }

    @Test func findsTheBucketsOfHosts() throws {
        let columns = Self.log(seed: 3, wanted: 60, perSecond: 20, burst: 8, hosts: 3, isByHost: true)
        let limit = try #require(RateLimit(columns))
        #expect(limit.isByHost)
        #expect(abs(limit.perSecond / 20 - 1) < 0.005 && abs(limit.burst - 8) < 0.5)
        #expect(limit.buckets(hosts: 3).count == 3)
    }

    @Test func anotherUnitOfTimeChangesTheRateAndNothingElse() throws {
        let one = try #require(RateLimit(Self.log(seed: 4, wanted: 40, perSecond: 42, burst: 20)))
        let other = try #require(
            RateLimit(Self.log(seed: 4, wanted: 40, perSecond: 42, burst: 20, timeUnit: 16)))
        #expect(abs(other.perSecond * 16 / one.perSecond - 1) < 1e-3)
        #expect(abs(other.burst - one.burst) < 0.05)
    }

    @Test func delaysOnTheWayLeaveMostOfItExplained() throws {
        let limit = try #require(RateLimit(Self.log(seed: 5, wanted: 40, perSecond: 42, burst: 20, delayUs: 1000)))
        #expect(abs(limit.perSecond / 42 - 1) < 0.005 && abs(limit.burst - 20) < 1)
        #expect(limit.unexplainedShare < 0.03)
    }

    @Test func whatOthersLoadTooIsNotKnown() {
        #expect(RateLimit(Self.log(seed: 6, wanted: 80, perSecond: 84, burst: 20, hiddenShare: 0.5)) == nil)
    }

    @Test func refusalsThatComeByChanceOrInSpellsAreNoBucket() {
        func columns(_ isRefused: (Int, inout SplitMix64) -> Bool) -> AttemptColumns {
            var dice = SplitMix64(seed: 7, "limit")
            let attempts = (0..<20_000).map { index in
                let refused = isRefused(index, &dice)
                return Attempt(
                    startUs: Self.epochUs + Int64(index) * 20_000 + Int64.random(in: 0..<20_000, using: &dice),
                    durationUs: 1000, route: "r", host: "h0", request: UInt64(index + 1),
                    outcome: refused ? .rateLimited : .success, status: refused ? 429 : 200, method: "GET")
            }
            return AttemptColumns(route: "r", attempts: attempts)
        }
        #expect(RateLimit(columns { _, dice in dice.unit() < 0.05 }) == nil)
        #expect(RateLimit(columns { index, _ in index % 1000 < 40 }) == nil)
        #expect(RateLimit(columns { index, dice in index % 2500 < 300 && dice.unit() < 0.7 }) == nil)
    }

    @Test func aFewRefusalsTellNothing() {
        var columns = Self.log(seed: 8, wanted: 40, perSecond: 42, burst: 20)
        var left = RateLimit.leastRefusals - 1
        for row in 0..<columns.count where columns.outcome[row] == .rateLimited {
            if left == 0 { columns.outcome[row] = .success }
            left = max(0, left - 1)
        }
        #expect(RateLimit(columns) == nil)
    }

    @Test func itIsSaidInThreeDigits() {
        let limit = RateLimit(perSecond: 41.999_6, burst: 20.02, unexplainedShare: 0.014)
        #expect(
            limit.assumption.hasPrefix("refusals follow a limit of 42 attempts a second with bursts of 20 (98 % of"))
        let other = RateLimit(perSecond: 1234.4, burst: 1.055, isByHost: true)
        #expect(other.assumption.contains("a limit at each host of 1234 attempts a second with bursts of 1.06 (100 %"))
        #expect(
            RateLimit(perSecond: 12.34, burst: 7.5).assumption.contains("of 12.3 attempts a second with bursts of 7.5"))
    }

    @Test func whatFoundNoConnectionReachesNoLimiter() {
        #expect(!RateLimit.isReached(by: .connectFailure))
        #expect(Outcome.allCases.allSatisfy { $0 == .connectFailure || RateLimit.isReached(by: $0) })
    }

    @Test func aLogWithoutRefusalsHasNoLimiter() {
        #expect(RateLimit(AttemptColumns(route: "r", attempts: [])) == nil)
        #expect(RateLimit(SampleLog.columns(isDown: SampleLog.hostOutages)) == nil)
    }

    @Test func clocksThatCountInMillisecondsHideNoLimiter() throws {
        for (perSecond, burst) in [(42.0, 20.0), (500, 40)] {
            var columns = Self.log(
                seed: 13, wanted: 0.98 * perSecond, perSecond: perSecond, burst: burst, seconds: 30_000 / perSecond)
            columns.startUs = columns.startUs.map { $0 / 1000 * 1000 }
            let limit = try #require(RateLimit(columns))
            #expect(abs(limit.perSecond / perSecond - 1) < 0.005 && abs(limit.burst - burst) < 1)
        }
    }

    @Test func ofALongLogTheStretchWithMostRefusalsTellsTheRateAndTheWholeTheBurst() throws {
        // Calm, then an overload of more than is fitted: how full the bucket was shows only where it begins.
        let calm = Self.log(seed: 14, wanted: 20, perSecond: 42, burst: 20, seconds: 300)
        let overload = Self.log(seed: 15, wanted: 80, perSecond: 42, burst: 20, seconds: 1100)
        #expect(overload.count > 80_000)
        let attempts =
            (0..<calm.count).map { calm[$0] }
            + (0..<overload.count).map { row in
                var attempt = overload[row]
                attempt.startUs += 310_000_000
                return attempt
            }
        let limit = try #require(RateLimit(AttemptColumns(route: "r", attempts: attempts)))
        #expect(abs(limit.perSecond / 42 - 1) < 0.005 && abs(limit.burst - 20) < 0.5)
    }

    @Test func outagesStandAloneBetweenBlocks() {
        // Two minutes of a request every 50 ms; one host, down for two seconds after each half minute.
        let attempts = (0..<2400).map { index in
            let offsetUs = Int64(index) * 50_000
            let isDown = offsetUs % 30_000_000 >= 20_000_000 && offsetUs % 30_000_000 < 22_000_000
            return Attempt(
                startUs: Self.epochUs + offsetUs, durationUs: 1000, route: "r", host: "h0", request: UInt64(index + 1),
                outcome: isDown ? .errorStatus : .success, status: isDown ? 503 : 200, method: "GET")
        }
        let columns = AttemptColumns(route: "r", attempts: attempts)
        let outages = Outages(columns: columns, states: HostStateSmoother().smooth(columns))
        let units = Array(outages.units.indices)
        #expect(outages.outages.count == 4)
        let limit = RateLimit(perSecond: 40, burst: 20)
        let joined = limit.blocks(units, outages)
        for unit in units where outages.units[unit].isOutage {
            #expect(joined.count { $0 == joined[unit] } == 1)
        }
        #expect(Set(joined).count < units.count / 3)
        #expect(zip(joined, joined.dropFirst()).allSatisfy { $1 == $0 || $1 == $0 + 1 })
    }

    @Test func whatIsRefusedByAnotherCauseAsWellIsNotKnown() {
        var dice = SplitMix64(seed: 15, "limit")
        var columns = Self.log(seed: 15, wanted: 40, perSecond: 42, burst: 20)
        let refusals = columns.outcome.count { $0 == .rateLimited }
        #expect(RateLimit(columns) != nil)
        // One more for four.
        for _ in 0..<refusals / 4 { columns.outcome[Int.random(in: 0..<columns.count, using: &dice)] = .rateLimited }
        #expect(RateLimit(columns) == nil)
    }

    @Test func aRateThatWasNeverPutToTheTestIsNotKnown() {
        // Thirty at once every 750 ms: any bucket of twenty that fills in between refuses the same ten.
        let attempts = (0..<6000).map { index in
            let isRefused = index % 30 >= 20
            return Attempt(
                startUs: Self.epochUs + Int64(index / 30) * 750_000 + Int64(index % 30), durationUs: 1000, route: "r",
                host: "h0", request: UInt64(index + 1), outcome: isRefused ? .rateLimited : .success,
                status: isRefused ? 429 : 200, method: "GET")
        }
        #expect(RateLimit(AttemptColumns(route: "r", attempts: attempts)) == nil)
    }

    @Test func blocksLastLongAgainstWhatABucketRemembers() throws {
        // The longest of 1/τ = (c − λ)²/2λ + π²λ/2b² over all loads λ.
        let limit = RateLimit(perSecond: 40, burst: 30)
        let longest = stride(from: 1.0, to: 100, by: 0.001).map { asked in
            1 / ((40 - asked) * (40 - asked) / (2 * asked) + Double.pi * Double.pi * asked / 1800)
        }.max()
        #expect(abs(limit.memorySeconds - (longest ?? 0)) < 1e-6)
        let columns = Self.log(seed: 16, wanted: 40, perSecond: 40, burst: 30, seconds: 600)
        var smoother = HostStateSmoother()
        smoother.skipsRefusals = true
        let outages = Outages(columns: columns, states: smoother.smooth(columns))
        let units = Array(outages.units.indices)
        let joined = limit.blocks(units, outages)
        let leastUs = Int64(RateLimit.blockMemories * limit.memorySeconds * 1e6)
        #expect(joined.count == units.count && (8..<20).contains(Set(joined).count))
        let begins = (0..<units.count).filter { $0 == 0 || joined[$0] != joined[$0 - 1] }.map {
            outages.units[$0].beginUs
        }
        let ends = begins.dropFirst() + [outages.units[units.count - 1].endUs]
        for (beginUs, endUs) in zip(begins, ends) {
            #expect(endUs - beginUs >= leastUs && endUs - beginUs < 2 * leastUs)
        }
        // A bucket of a billion that is never full again leaves one block.
        let endless = RateLimit(perSecond: 1e-3, burst: 1e9)
        #expect(endless.memorySeconds.isFinite && endless.blocks(units, outages) == units.map { _ in 0 })
        // What was one unit stays one, and where the bucket forgets at once nothing is joined.
        #expect(limit.blocks(units.map { _ in 0 }, outages) == units.map { _ in 0 })
        #expect(RateLimit(perSecond: 40, burst: 1).blocks(units, outages) == units)
    }
}
