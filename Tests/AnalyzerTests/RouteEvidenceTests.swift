import Retry
import Testing

@testable import Analyzer

@Suite struct RouteEvidenceTests {
    private func evidence(
        _ columns: AttemptColumns, configuration: Configuration? = SampleLog.configuration()
    ) throws -> RouteEvidence {
        let setting = RouteSetting(route: "r", configuration: configuration, present: nil, columns: columns)
        return try #require(RouteEvidence(columns, setting: setting))
    }

    @Test func everyRequestIsCountedOnceAndItsRecordedCostAddsUp() throws {
        let columns = SampleLog.columns(isDown: SampleLog.routeOutages)
        let facts = try evidence(columns).facts
        #expect(facts.requestCount == Double(columns.count))
        #expect(facts.arrivals.reduce(0) { $0 + $1.count } == Int64(columns.count))
        #expect(facts.failed.count == columns.outcome.count { $0 == .errorStatus })
        let objective = Objective()
        let expected = (0..<columns.count).reduce(Int64(0)) { sum, row in
            let failed = columns.outcome[row] != .success
            return sum + objective.costUs(latencyUs: columns.durationUs[row], failed: failed, attempts: 1)
        }
        #expect(facts.recorded.costUs.reduce(0, +) == Double(expected))
        #expect(facts.recorded.extra.allSatisfy { $0 == 0 })
    }

    @Test func aRequestThatWasRetriedEndsWithItsLastAttempt() throws {
        var attempts = (0..<200).map { index in
            Attempt(
                startUs: SampleLog.epochUs + Int64(index) * 100_000, durationUs: 1000, route: "r", host: "h",
                request: UInt64(index) + 1, outcome: .success, method: "GET")
        }
        attempts[100].outcome = .reset
        attempts.append(
            Attempt(
                startUs: attempts[100].startUs + 50_000, durationUs: 3000, route: "r", host: "h", request: 101,
                attempt: 2, waitUs: 49_000, outcome: .success, method: "GET"))
        let facts = try evidence(AttemptColumns(route: "r", attempts: attempts)).facts
        #expect(facts.requestCount == 200)
        #expect(facts.recorded.extra.reduce(0, +) == 1)
        // 199 × 1 ms, and 53 ms plus one extra attempt at 50 ms.
        let expectedUs: Double = 199_000 + 53_000 + 50_000
        #expect(facts.recorded.costUs.reduce(0, +) == expectedUs)
        #expect(facts.recorded.successes.reduce(0, +) == 200)
    }

    /// A queue of all hosts that fills once a minute for five seconds: each time is one piece of evidence, not five.
    @Test func stretchesInWhichAllHostsAreSlowAreOneUnitEach() throws {
        func log(isSlow: (Int) -> Bool) -> AttemptColumns {
            AttemptColumns(
                route: "r",
                attempts: (0..<6_000).map { index in
                    let isLong = isSlow(index)
                    return Attempt(
                        startUs: SampleLog.epochUs + Int64(index) * 50_000,
                        durationUs: isLong ? 900_000 : 4000 + Int64(index % 7) * 100, route: "r", host: "h\(index % 2)",
                        request: UInt64(index) + 1, outcome: .success, timeoutUs: 2_000_000, method: "GET")
                })
        }
        let queued = try evidence(log { $0 % 1200 >= 600 && $0 % 1200 < 700 })
        #expect(queued.origin.isCommon)
        let usual = try evidence(log { _ in false })
        // A block that the stretch only just touches may stand by itself.
        let slowUnits = Dictionary(grouping: queued.facts.slow.filter { $0.durationUs > 800_000 }, by: \.unit)
        #expect(slowUnits.values.count { $0.count > 50 } == 5)
        #expect(queued.facts.units < usual.facts.units)
        #expect(queued.facts.requestCount == usual.facts.requestCount)
    }

    /// Now and then a request and the attempt beside it on another host get no answer in 15 s. Whether that may be a
    /// request that needs longer depends on whether anybody would have waited for it.
    @Test func onlyADeadlineThatWasGivenMakesUnansweredAttemptsNoEvidence() throws {
        var list: [Attempt] = []
        for request in 0..<3_000 {
            let hangs = request % 100 == 50
            let isSlow = hangs || request % 40 == 7
            let startUs = SampleLog.epochUs + Int64(request) * 1_000_000
            list.append(
                Attempt(
                    startUs: startUs, durationUs: hangs ? 15_000_000 : isSlow ? 300_000 : 5_000, route: "r", host: "a",
                    request: UInt64(request) + 1, outcome: hangs ? .timeout : .success, timeoutUs: 15_000_000,
                    method: "GET"))
            if !isSlow { continue }
            var second = list[list.count - 1]
            (second.startUs, second.host, second.attempt, second.hedge) = (startUs + 20_000, "b", 2, true)
            if !hangs { second.durationUs = 5_000 }
            list.append(second)
        }
        let columns = AttemptColumns(route: "r", attempts: list.sorted { $0.startUs < $1.startUs })
        #expect(try evidence(columns).dependence.verdict == .independent)
        var configuration = SampleLog.configuration()
        configuration.routes[0].isDeadlineGiven = false
        #expect(try evidence(columns, configuration: configuration).dependence.verdict != .independent)
    }

    @Test func withoutAMethodNothingIsTakenAsIdempotent() throws {
        let columns = SampleLog.columns(method: "", isDown: SampleLog.hostOutages)
        let read = try evidence(columns)
        #expect(read.facts.failed.allSatisfy { !$0.isIdempotent })
        #expect(read.assumptions.contains { $0.contains("idempotent: true") })
        var configuration = SampleLog.configuration()
        configuration.routes[0].idempotent = true
        #expect(try evidence(columns, configuration: configuration).facts.failed.allSatisfy(\.isIdempotent))
    }

    @Test func retriesOfSlowAttemptsThatWereNeverSeenAreNotCountedOn() throws {
        let read = try evidence(SampleLog.columns(isDown: SampleLog.routeOutages))
        #expect(!read.areSlowRetriesFast)
        #expect(read.assumptions.contains { $0.contains("timeouts are left alone") })
    }

    @Test func aLogWithoutFirstAttemptsSaysNothing() {
        var attempt = SampleLog.columns(seconds: 1, isDown: { _, _ in false })[0]
        attempt.attempt = 2
        let columns = AttemptColumns(route: "r", attempts: [attempt])
        let setting = RouteSetting(route: "r", configuration: nil, present: nil, columns: columns)
        #expect(RouteEvidence(columns, setting: setting) == nil)
    }

    @Test func aLogThatSpansCenturiesNeedsNoMoreRoom() throws {
        var attempts = (0..<300).map { index in
            Attempt(
                startUs: SampleLog.epochUs + Int64(index) * 10_000, durationUs: 1000, route: "r", host: "h",
                request: UInt64(index) + 1, outcome: index % 10 == 0 ? .reset : .success, method: "GET")
        }
        attempts[0].startUs = 1
        let facts = try evidence(AttemptColumns(route: "r", attempts: attempts)).facts
        #expect(facts.arrivals.count == 300)
        #expect(facts.requestCount == 300)
    }

    @Test func aHedgedRequestIsAnsweredWhenEitherAttemptIs() throws {
        var attempts = (0..<100).map { index in
            Attempt(
                startUs: SampleLog.epochUs + Int64(index) * 100_000, durationUs: 3000, route: "r", host: "h",
                request: UInt64(index) + 1, outcome: .success, method: "GET")
        }
        attempts.append(
            Attempt(
                startUs: attempts[50].startUs + 2000, durationUs: 1000, route: "r", host: "h", request: 51, attempt: 2,
                outcome: .cancelled, method: "GET", hedge: true))
        let facts = try evidence(AttemptColumns(route: "r", attempts: attempts)).facts
        #expect(facts.recorded.successes.reduce(0, +) == 100)
        // 100 × 3 ms and one extra attempt.
        #expect(facts.recorded.costUs.reduce(0, +) == 350_000)
    }

    @Test func whatAHedgeCouldShortenIsPlayedAndSumsStayTheSame() throws {
        // Every other request takes longer than the hedge's delay, so many that only some are played.
        let attempts = (0..<50_000).map { (index: Int) -> Attempt in
            let durationUs = index % 2 == 0 ? 1000 : 5000 + index % 977
            return Attempt(
                startUs: SampleLog.epochUs + Int64(index) * 10_000, durationUs: Int64(durationUs), route: "r",
                host: "h", request: UInt64(index) + 1, outcome: index % 1000 == 3 ? .reset : .success, method: "GET")
        }
        let columns = AttemptColumns(route: "r", attempts: attempts)
        func facts(_ asked: [Rule]) throws -> RouteFacts {
            let setting = RouteSetting(
                route: "r", configuration: SampleLog.configuration(), present: nil, columns: columns, asked: asked)
            return try #require(RouteEvidence(columns, setting: setting)).facts
        }
        let hedged = try facts([Rule(hedge: HedgePolicy(delayUs: 3000, max: 1))])
        let usual = try facts([Rule()])
        #expect(hedged.slowFromUs == 3000 && usual.slowFromUs > 5000 && hedged.answered.isEmpty)
        #expect(hedged.slow.count <= 2 * RouteEvidence.mostPlayedRows && hedged.slow.count > usual.slow.count)
        #expect(zip(hedged.slow, hedged.slow.dropFirst()).allSatisfy { $0.startUs <= $1.startUs })
        for unit in 0..<usual.units {
            func costUs(_ facts: RouteFacts) -> Double {
                facts.slow.reduce(facts.fixedCostUs[unit]) {
                    $1.unit == unit ? $0 + $1.weight * Double($1.durationUs) : $0
                }
            }
            func count(_ facts: RouteFacts) -> Double {
                facts.slow.reduce(facts.fixedSuccesses[unit]) { $1.unit == unit ? $0 + $1.weight : $0 }
            }
            #expect(abs(costUs(hedged) - costUs(usual)) < 1e-6 * costUs(usual))
            #expect(count(hedged) == count(usual))
        }
        // Where hosts rest, every request counts.
        let ejecting = try facts([Rule(ejectionUs: 1_000_000)])
        #expect(ejecting.answered.count + ejecting.slow.count + ejecting.failed.count == 50_000)
        #expect(ejecting.answered.map(\.startUs) == ejecting.answered.map(\.startUs).sorted())
    }

    @Test func aClientThatLeftIsARequestAllTheSame() throws {
        var attempts = (0..<100).map { index in
            Attempt(
                startUs: SampleLog.epochUs + Int64(index) * 100_000, durationUs: 3000, route: "r", host: "h",
                request: UInt64(index) + 1, outcome: .success, method: "GET")
        }
        attempts[7].outcome = .cancelled
        let read = try evidence(AttemptColumns(route: "r", attempts: attempts))
        #expect(read.facts.requestCount == 100)
        #expect(read.facts.failed.map(\.outcome) == [.cancelled])
        #expect(read.assumptions.contains { $0.contains("clients that left") })
    }

    @Test func anAttemptThatBrokeAfterItsHeadIsKnown() throws {
        var columns = SampleLog.columns(seconds: 10, isDown: { _, _ in false })
        columns.outcome[100] = .reset
        columns.outcome[200] = .reset
        columns.status[200] = 0
        let facts = try evidence(columns).facts
        #expect(facts.failed.map(\.hasStarted) == [true, false])
    }

    /// Requests every 50 ms under a limit of 100 ms, retried at once; one in ten is big and never answers in time.
    @Test func bigRequestsThatAreRetriedMakeNoOutagesAndAreCutOffAgain() throws {
        var attempts: [Attempt] = []
        for request in 0..<4_000 {
            let isBig = request % 10 == 3
            for number in 1...(isBig ? 3 : 1) {
                attempts.append(
                    Attempt(
                        startUs: SampleLog.epochUs + Int64(request) * 50_000 + Int64(number - 1) * 100_000,
                        durationUs: isBig ? 100_000 : 5_000 + Int64(request % 7) * 300, route: "r",
                        host: "h\((request + number) % 3)", request: UInt64(request), attempt: number,
                        outcome: isBig ? .timeout : .success, timeoutUs: 100_000, method: "GET"))
            }
        }
        let read = try evidence(AttemptColumns(route: "r", attempts: attempts))
        #expect(read.outages == 0)
        #expect(read.isCutShort)
        #expect(read.dependence.verdict == .dependent)
        let cut = read.facts.failed.filter { $0.outcome == .timeout }
        #expect(cut.count == 400)
        #expect(cut.allSatisfy { $0.ownShare > 0.95 && $0.isSeenAgain })
        #expect(read.facts.secondLatency != nil)
        #expect(read.assumptions.contains { $0.contains("not shortened") })
        #expect(read.assumptions.contains { $0.contains("extrapolation") })
        // Rows of an outage are the state's matter.
        let isOutage = [Bool](repeating: true, count: attempts.count)
        let rows = SlowRows(
            AttemptColumns(route: "r", attempts: attempts), isOutage: isOutage, dependence: read.dependence,
            origin: read.origin)
        #expect(rows.ownShare.allSatisfy { $0 == 0 } && !rows.isSeenAgain.contains(true))
    }

    @Test func aKnownLimiterStandsBeforeTheHosts() throws {
        let columns = RateLimitTests.log(seed: 11, wanted: 40, perSecond: 42, burst: 20)
        let limited = try evidence(columns)
        let limit = try #require(limited.facts.rateLimit)
        #expect(limited.assumptions.contains(limit.assumption))
        // Every request is kept, and the hosts are up while attempts are refused.
        #expect(limited.facts.failed.count + limited.facts.slow.count + limited.facts.answered.count == columns.count)
        #expect(limited.outages == 0)
        for first in limited.facts.failed { #expect(limited.facts.answerProbability(first.host, first.startUs) > 0.99) }
        // Quiet time is cut into some two hundred blocks; units last long against the bucket's memory.
        #expect((RuleChoice.leastUnits..<200).contains(limited.facts.units))
        #expect(limited.facts.requestCount == Double(columns.count))
    }

    @Test func refusalsThatNoBucketExplainsAreFailuresOfTheirHosts() throws {
        var columns = SampleLog.columns(isDown: SampleLog.hostOutages)
        for row in 0..<columns.count where columns.outcome[row] == .errorStatus { columns.outcome[row] = .rateLimited }
        let unknown = try evidence(columns)
        #expect(unknown.facts.rateLimit == nil)
        #expect(unknown.outages > 20)
        #expect(unknown.facts.answered.isEmpty)
        #expect(unknown.assumptions.contains(RateLimit.unknown))
    }
}
