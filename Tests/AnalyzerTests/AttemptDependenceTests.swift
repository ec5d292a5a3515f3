import Retry
import TestSupport
import Testing

@testable import Analyzer

@Suite struct AttemptDependenceTests {
    /// Requests 1 s apart under a 100 ms limit whose timeouts are retried once; big ones are slow every time.
    private func log(
        requests: Int, big: Double, straggler: Double, isRetried: Bool = true, seed: UInt64 = 1
    ) -> AttemptColumns {
        var generator = SeededGenerator(seed: seed)
        var list: [Attempt] = []
        for request in 0..<requests {
            let isBig = generator.unit() < big
            var startUs = Int64(request) * 1_000_000
            for number in 1...2 {
                let isSlow = isBig || generator.unit() < straggler
                list.append(
                    Attempt(
                        startUs: startUs, durationUs: isSlow ? 100_200 : 5_000, route: "r", host: "a",
                        request: UInt64(request), attempt: number, outcome: isSlow ? .timeout : .success,
                        timeoutUs: 100_000))
                if !isSlow || !isRetried { break }
                startUs += 110_000
            }
        }
        return AttemptColumns(route: "r", attempts: list)
    }

    private func dependence(_ columns: AttemptColumns) -> AttemptDependence {
        AttemptDependence(columns: columns, states: HostStateSmoother().smooth(columns))
    }

    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func `stragglers are independent, big requests dependent`(seed: UInt64) {
        let stragglers = dependence(log(requests: 3_000, big: 0, straggler: 0.04, seed: seed))
        #expect(stragglers.verdict == .independent)
        #expect(stragglers.limitUs == 100_000)
        #expect(agrees(stragglers.slow.estimate ?? .nan, 0.04, 0.02))
        // A big request that times out twice in quiet traffic must not pass for an outage.
        let big = dependence(log(requests: 3_000, big: 0.04, straggler: 0, seed: seed))
        #expect(big.verdict == .dependent)
        #expect(big.slowAfterSlow.estimate == 1)
    }

    @Test func `without retries of slow attempts, or with a few, nothing is identified`() {
        #expect(dependence(log(requests: 3_000, big: 0.04, straggler: 0, isRetried: false)).verdict == .notIdentified)
        #expect(dependence(log(requests: 100, big: 0, straggler: 0.04)).verdict == .notIdentified)
        #expect(dependence(AttemptColumns(route: "r")).verdict == .notIdentified)
    }

    @Test func `an outage that hangs is left out`() {
        var columns = log(requests: 3_000, big: 0, straggler: 0.04)
        let lastUs = columns.startUs[columns.count - 1]
        for request in 0..<60 {
            for number in 1...2 {
                let one = Attempt(
                    startUs: lastUs + Int64(request) * 1_000_000 + Int64(number) * 110_000, durationUs: 100_200,
                    route: "r", request: UInt64(10_000 + request), attempt: number, outcome: .timeout,
                    timeoutUs: 100_000)
                columns.append(one, host: 0, method: 0)
            }
        }
        let found = dependence(columns)
        #expect(found.verdict == .independent)
        #expect(AttemptDependence(columns: columns, states: nil).verdict != .independent)
    }

    @Test func `what a client gave up on a host that was down belongs to the outage`() {
        // Every tenth attempt of the outage is cut off by its client; all others fail.
        let attempts = (0..<2_000).map { index in
            let isDown = (900..<1_000).contains(index)
            let outcome: Outcome = !isDown ? .success : index % 10 == 5 ? .cancelled : .timeout
            return Attempt(
                startUs: Int64(index) * 100_000, durationUs: isDown ? 30_000 : 5_000, route: "r", host: "a",
                request: UInt64(index), outcome: outcome, timeoutUs: 30_000)
        }
        var columns = AttemptColumns(route: "r", attempts: attempts)
        columns.append(
            Attempt(startUs: 200_100_000, durationUs: 30_000, route: "r", request: 9_000, outcome: .cancelled),
            host: 0, method: 0)
        let isOutage = AttemptDependence.outageRows(columns, HostStateSmoother().smooth(columns))
        #expect(isOutage[905..<995].allSatisfy { $0 })
        #expect(!isOutage[2_000])
        #expect(isOutage.count { $0 } <= 100)
    }

    /// Now and then no host answers for a moment, and one request meets it with both attempts: too short for the states
    /// of hosts to show. Neither attempt had an answer when it would still have counted.
    @Test func `what had no answer by the deadline tells of an outage, not of the request`() {
        var generator = SeededGenerator(seed: 3)
        var list: [Attempt] = []
        for request in 0..<6_000 {
            let hangs = request % 100 == 50
            let isSlow = hangs || generator.unit() < 0.02
            let startUs = Int64(request) * 1_000_000
            list.append(
                Attempt(
                    startUs: startUs, durationUs: hangs ? 15_000_000 : isSlow ? 300_000 : 5_000, route: "r", host: "a",
                    request: UInt64(request), outcome: hangs ? .timeout : .success, timeoutUs: 15_000_000))
            if !isSlow { continue }
            var second = list[list.count - 1]
            (second.startUs, second.host, second.attempt, second.hedge) = (startUs + 20_000, "b", 2, true)
            if !hangs { second.durationUs = 5_000 }
            list.append(second)
        }
        let columns = AttemptColumns(route: "r", attempts: list.sorted { $0.startUs < $1.startUs })
        let states = HostStateSmoother().smooth(columns)
        #expect(AttemptDependence(columns: columns, states: states).verdict != .independent)
        let found = AttemptDependence(columns: columns, states: states, deadlineUs: 2_000_000)
        #expect(found.verdict == .independent)
        // A big request that is answered too late is one all the same.
        var big = columns
        for row in big.outcome.indices where big.outcome[row] == .timeout { big.outcome[row] = .success }
        #expect(AttemptDependence(columns: big, states: states, deadlineUs: 2_000_000).verdict != .independent)
    }

    /// A limit of 1 s that requests exceed now and then, retried once: of big ones that take 0.6 s each time, or of
    /// stragglers whose retry is like any other attempt.
    private func rarelyCut(areBig: Bool, seed: UInt64) -> AttemptColumns {
        var generator = SeededGenerator(seed: seed)
        var list: [Attempt] = []
        for request in 0..<40_000 {
            let isSlow = generator.unit() < 0.05
            let exceeds = isSlow && generator.unit() < 0.2
            let startUs = Int64(request) * 2_000_000
            let firstUs: Int64 = exceeds ? 1_000_000 : isSlow ? 600_000 : 6_000
            for number in 1...(exceeds ? 2 : 1) {
                let durationUs = number == 1 ? firstUs : areBig ? 600_000 : 6_000
                list.append(
                    Attempt(
                        startUs: startUs + Int64(number - 1) * 1_000_000, durationUs: durationUs, route: "r", host: "a",
                        request: UInt64(request), attempt: number,
                        outcome: number == 1 && exceeds ? .timeout : .success, timeoutUs: 1_000_000))
            }
        }
        return AttemptColumns(route: "r", attempts: list)
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `a shorter limit must pass by itself`(seed: UInt64) {
        let big = dependence(rarelyCut(areBig: true, seed: seed))
        // Every retry answers within the limit in force, so at that limit slow attempts look like stragglers ...
        #expect(big.verdict == .independent)
        // ... but at a shorter one the same requests are slow again.
        for limitUs in [10_000, 100_000, 500_000] as [Int64] {
            #expect(big.verdict(atLimitUs: limitUs) == .dependent)
        }
        #expect(big.verdict(atLimitUs: 700_000) == .independent)
        let stragglers = dependence(rarelyCut(areBig: false, seed: seed))
        for limitUs in [10_000, 100_000, 500_000, 1_000_000] as [Int64] {
            #expect(stragglers.verdict(atLimitUs: limitUs) == .independent)
        }
    }

    @Test func `hedges tell at their delay`() {
        var list: [Attempt] = []
        for request in 0..<2_000 {
            let startUs = Int64(request) * 1_000_000
            let isSlow = request % 20 == 0
            list.append(
                Attempt(
                    startUs: startUs, durationUs: isSlow ? 55_000 : 5_000, route: "r", host: "a",
                    request: UInt64(request), outcome: isSlow ? .cancelled : .success))
            if isSlow {
                list.append(
                    Attempt(
                        startUs: startUs + 50_000, durationUs: 5_000, route: "r", host: "b", request: UInt64(request),
                        attempt: 2, outcome: .success, hedge: true))
            }
        }
        let found = dependence(AttemptColumns(route: "r", attempts: list))
        #expect(found.verdict == .independent)
        #expect(found.limitUs == 50_000)
        #expect(found.slowAfterSlow == Proportion(hits: 0, trials: 100))
        #expect(found.slow == Proportion(hits: 100, trials: 2_000))
    }

    @Test func `verdicts at their borders`() {
        func verdict(_ again: (Double, Double), _ usual: (Double, Double)) -> AttemptDependence.Verdict {
            AttemptDependence.verdict(
                slowAfterSlow: Proportion(hits: again.0, trials: again.1),
                slow: Proportion(hits: usual.0, trials: usual.1))
        }
        #expect(verdict((0, 0), (1, 100)) == .notIdentified)
        #expect(verdict((0, 10), (10, 1_000)) == .notIdentified)
        #expect(verdict((0, 100), (10, 1_000)) == .independent)
        #expect(verdict((5, 5), (10, 1_000)) == .dependent)
        #expect(verdict((30, 100), (10, 1_000)) == .dependent)
        #expect(verdict((2, 20), (100, 1_000)) == .notIdentified)
    }

    @Test func `what is slow again by itself is told from chance, and how long second attempts take is known`() throws {
        let big = dependence(log(requests: 3_000, big: 0.04, straggler: 0))
        #expect(big.ownShare(ofDurationUs: 100_000) == 1)
        #expect(try #require(big.secondLaw).observedProbability(withinUs: 99_000) == 0)
        let stragglers = dependence(log(requests: 3_000, big: 0, straggler: 0.04))
        #expect(agrees(stragglers.ownShare(ofDurationUs: 200_000) ?? .nan, 0, 0.05))
        #expect(try #require(stragglers.secondLaw).observedProbability(withinUs: 50_000) > 0.9)
        let mixed = dependence(log(requests: 6_000, big: 0.02, straggler: 0.02))
        #expect(agrees(mixed.ownShare(ofDurationUs: 100_000) ?? .nan, 0.5, 0.15))
        // Too few, or none.
        let few = dependence(log(requests: 100, big: 0, straggler: 0.04))
        #expect(few.secondLaw == nil && few.ownShare(ofDurationUs: 100_000) == nil)
    }
}
