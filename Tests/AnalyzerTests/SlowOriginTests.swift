import Retry
import TestSupport
import Testing

@testable import Analyzer

/// Logs in which it is known why attempts are slow: 100 requests a second dealt to hosts by lot, 5 ms each.
@Suite struct SlowOriginTests {
    private enum Cause { case hosts, requests, service }

    /// Hosts stop one at a time for 0.3 s; or one request in 20 takes 0.1 to 0.3 s; or all hosts stop at once.
    private func log(_ cause: Cause, hosts: Int = 3, seed: UInt64, isBursty: Bool = false) -> AttemptColumns {
        var generator = SeededGenerator(seed: seed)
        let list = (0..<20_000).map { index in
            let startUs = Int64(index) * 10_000 + Int64(generator.unit() * 9_000)
            let host = Int(generator.unit() * Double(hosts))
            var durationUs = 4_000 + Int64(generator.unit() * 2_000)
            let (place, phaseUs) = (startUs / 2_000_000, startUs % 2_000_000)
            let leftUs = 800_000 - phaseUs
            switch cause {
            case .hosts where place % Int64(hosts) == Int64(host) && (0..<300_000).contains(leftUs):
                durationUs += leftUs
            case .service where (0..<300_000).contains(leftUs):
                durationUs += leftUs
            case .requests where generator.unit() < (isBursty ? (place % 2 == 0 ? 0.1 : 0) : 0.05):
                durationUs = 100_000 + Int64(generator.unit() * 200_000)
            default: break
            }
            return Attempt(
                startUs: startUs, durationUs: durationUs, route: "r", host: "h\(host)", request: UInt64(index) + 1,
                outcome: .success, status: 200, method: "GET")
        }
        return AttemptColumns(route: "r", attempts: list)
    }

    private func origin(_ columns: AttemptColumns) -> SlowOrigin {
        SlowOrigin(columns: columns, usualUs: 5_000, nineInTenUs: 6_000)
    }

    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func `what hosts make slow is told from what requests ask for`(seed: UInt64) {
        let columns = log(.hosts, seed: seed)
        let hosts = origin(columns)
        #expect(hosts.isIdentified)
        #expect(!hosts.isCommon)
        let slow = (0..<columns.count).filter { columns.durationUs[$0] > 50_000 }
        #expect(slow.count > 300)
        #expect(slow.reduce(0) { $0 + Double(hosts.ownShare[$1]) } < 0.1 * Double(slow.count))
        // Nothing is said for attempts that were not slow.
        #expect(hosts.ownShare[columns.durationUs.firstIndex { $0 < 6_000 } ?? 0] == 1)
    }

    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func `big requests are nobody's fault but their own, also when they come in bursts`(seed: UInt64) {
        for isBursty in [false, true] {
            let columns = log(.requests, seed: seed, isBursty: isBursty)
            let found = origin(columns)
            #expect(!found.isIdentified)
            #expect(!found.isCommon)
            #expect(found.ownShare.allSatisfy { $0 == 1 })
        }
    }

    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func `what slows all hosts at once is common and no host's`(seed: UInt64) {
        let found = origin(log(.service, seed: seed))
        #expect(found.isCommon)
        #expect(!found.isIdentified)
    }

    /// Answers from a cache take 2 ms, others 30; four in ten are of the second kind, at any time and on any host.
    @Test(arguments: [1, 2, 3] as [UInt64], [5_000, 1_000] as [Int64])
    func `a route with two kinds of requests is not taken for overloaded`(seed: UInt64, gapUs: Int64) throws {
        var generator = SeededGenerator(seed: seed)
        let list = (0..<20_000).map { index in
            Attempt(
                startUs: Int64(index) * gapUs + Int64(generator.unit() * Double(gapUs)),
                durationUs: (generator.unit() < 0.4 ? 30_000 : 2_000) + Int64(generator.unit() * 500), route: "r",
                host: "h\(Int(generator.unit() * 3))", request: UInt64(index) + 1, outcome: .success, status: 200,
                method: "GET")
        }
        let found = SlowOrigin(
            columns: AttemptColumns(route: "r", attempts: list), usualUs: 2_300, nineInTenUs: 30_400)
        #expect(found.octaves.dropFirst(2).reduce(0) { $0 + $1.other.trials } > 1_000)
        #expect(!found.isCommon && !found.isIdentified)
    }

    /// Every ten seconds no host answers for two: attempts begun then are given up after half a second, later than any
    /// answer would count. Whether answers came late before that tells a queue from an outage.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func `an outage in which nothing answers is no overload`(seed: UInt64) {
        func found(areLate: Bool, deadlineUs: Int64) -> SlowOrigin {
            var generator = SeededGenerator(seed: seed)
            let list = (0..<20_000).map { index in
                let phaseUs = Int64(index) * 5_000 % 10_000_000
                let hangs = phaseUs >= 8_000_000
                let lateUs = areLate ? max(0, phaseUs - 7_000_000) / 3 : 0
                return Attempt(
                    startUs: Int64(index) * 5_000,
                    durationUs: hangs ? 500_000 : 4_000 + lateUs + Int64(generator.unit() * 1_000), route: "r",
                    host: "h\(Int(generator.unit() * 3))", request: UInt64(index) + 1,
                    outcome: hangs ? .timeout : .success, timeoutUs: 500_000, method: "GET")
            }
            return SlowOrigin(
                columns: AttemptColumns(route: "r", attempts: list), usualUs: 5_000, nineInTenUs: 6_000,
                deadlineUs: deadlineUs)
        }
        #expect(!found(areLate: false, deadlineUs: 400_000).isCommon)
        #expect(found(areLate: true, deadlineUs: 400_000).isCommon)
        // With time left for an answer, what is cut off may be a queue.
        #expect(found(areLate: false, deadlineUs: 2_000_000).isCommon)
    }

    /// A batch client is pinned to one host: what is slow there is big, and would be as slow elsewhere.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func `a host that only ever serves big requests is no evidence`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var list: [Attempt] = []
        for index in 0..<20_000 {
            let isBig = index % 50 == 0
            list.append(
                Attempt(
                    startUs: Int64(index) * 2_000 + Int64(generator.unit() * 2_000),
                    durationUs: isBig ? 100_000 + Int64(generator.unit() * 200_000) : 5_000, route: "r",
                    host: isBig ? "h2" : "h\(Int(generator.unit() * 2))", request: UInt64(index) + 1,
                    outcome: .success, status: 200, method: "GET"))
        }
        let found = origin(AttemptColumns(route: "r", attempts: list))
        #expect(!found.isIdentified && !found.isCommon)
        #expect(found.ownShare.allSatisfy { $0 == 1 })
    }

    @Test func `where the usual answer is unknown nothing is slow`() {
        let found = SlowOrigin(columns: log(.hosts, seed: 1), usualUs: nil, nineInTenUs: nil)
        #expect(!found.isIdentified && !found.isCommon && found.thresholdUs == .max)
        #expect(found.ownShare.allSatisfy { $0 == 1 })
    }

    @Test func `one host tells nothing, and names do not matter`() {
        let alone = origin(log(.hosts, hosts: 1, seed: 1))
        #expect(!alone.isIdentified && !alone.isCommon)
        #expect(alone.ownShare.allSatisfy { $0 == 1 })
        let columns = log(.hosts, seed: 1)
        var swapped = columns
        swapped.host = columns.host.map { 2 - $0 }
        #expect(origin(swapped).octaves == origin(columns).octaves)
        #expect(!origin(AttemptColumns(route: "r")).isIdentified)
    }

    @Test func `a slower clock leaves the shares as they are`() {
        let columns = log(.hosts, seed: 2)
        var slower = columns
        slower.startUs = columns.startUs.map { $0 * 8 }
        slower.durationUs = columns.durationUs.map { $0 * 8 }
        let found = SlowOrigin(columns: slower, usualUs: 40_000, nineInTenUs: 48_000)
        #expect(found.octaves == origin(columns).octaves)
    }

    private func tune(_ columns: AttemptColumns) throws -> RouteTuning {
        let set = RuleSet(version: 1, createdUs: 0, routes: ["r": RuleSet.Entry(rule: Rule(timeoutUs: 2_000_000))])
        let tuner = Tuner(configuration: SampleLog.configuration(), present: set, replicates: 100)
        return try #require(tuner.tune(columns))
    }

    /// Blips, for without failures nothing is tuned.
    private func withBlips(_ columns: AttemptColumns) -> AttemptColumns {
        var blipping = columns
        for row in stride(from: 7, to: columns.count, by: 101) where columns.durationUs[row] < 10_000 {
            blipping.outcome[row] = .errorStatus
            blipping.status[row] = 503
        }
        return blipping
    }

    @Test func `a host that stops is left by a limit, a big request is not`() throws {
        let hosts = try tune(withBlips(log(.hosts, seed: 3)))
        let limit = try #require(hosts.chosen.rule.perTryTimeoutUs)
        #expect((6_000..<60_000).contains(limit))
        #expect(hosts.chosen.rule.retry?.on.contains(.outcome(.timeout)) == true)
        for cause in [Cause.requests, .service] {
            let other = try tune(withBlips(log(cause, seed: 3)))
            #expect(other.isChanged)
            #expect(other.chosen.rule.perTryTimeoutUs == nil)
        }
    }
}
