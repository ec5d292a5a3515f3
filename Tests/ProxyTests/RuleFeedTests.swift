import Logging
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Retry
import Testing

@testable import Proxy

/// When the rule file is read.
struct RuleFileWatchTests {
    private let first = FileSignature(inode: 1, size: 10, modifiedSecond: 1, modifiedNanosecond: 0)
    private let second = FileSignature(inode: 1, size: 4, modifiedSecond: 1, modifiedNanosecond: 5)
    private let third = FileSignature(inode: 1, size: 12, modifiedSecond: 1, modifiedNanosecond: 9)

    @Test("The first look reads at once, later ones only what changed and then kept still for a look")
    func settles() {
        var watch = RuleFileWatch()
        let seen = [first, first, second, third, third, third, first]
        #expect(seen.map { watch.next($0) } == [.load, .nothing, .nothing, .nothing, .load, .nothing, .nothing])
        #expect(watch.next(first) == .load)
    }

    @Test("A change that is taken back before it kept still is no change until it keeps still")
    func takenBack() {
        var watch = RuleFileWatch()
        #expect([first, second, first, first].map { watch.next($0) } == [.load, .nothing, .nothing, .load])
    }

    @Test("A missing file is told once, and read when it comes and keeps still")
    func missing() {
        var watch = RuleFileWatch()
        #expect(watch.next(nil) == .reportMissing)
        #expect(watch.next(nil) == .nothing)
        #expect(watch.next(first) == .nothing)
        #expect(watch.next(first) == .load)
        #expect(watch.next(nil) == .reportMissing)
    }
}

/// The file that is watched.
struct RuleFeedTests {
    @Test("A file that cannot be read for a while is read as soon as it can be, and the trouble is told once")
    func transientFailure() throws {
        let log = KeepingLog()
        let core = ProxyCore(
            table: try RouteTable([RouteConfiguration(name: "r", hosts: ["h:1"])]), limits: ProxyLimits(),
            sink: KeepingSink(), logger: Logger(label: "t") { _ in log }, firstRequest: 1)
        let looks = Counter()
        // Any file that is there and does not change; its bytes come from the closure.
        let feed = RuleFeed(path: "/proc/self/exe", core: core) { (path: String) throws(FileError) -> [UInt8] in
            looks.add()
            if looks.value <= 3 { throw FileError(file: path, reason: "cannot be read: too many open files") }
            return Array("version: 4\nroutes: {}\n".utf8)
        }
        for look in 1...3 {
            feed.look()
            #expect(looks.value == look)
            #expect(core.rules.set == nil)
        }
        #expect(feed.problem != nil)
        feed.look()
        #expect(core.rules.set?.version == 4)
        #expect(feed.problem == nil)
        feed.look()
        #expect(looks.value == 4)
        #expect(log.lines.count { $0.contains("rules refused") } == 1)
        #expect(core.metrics.rulesRefused.value == 1)
    }
}

/// The rules that requests begin under.
struct RulesInForceTests {
    private func set(_ version: Int, _ rules: [String: Rule]) -> RuleSet {
        RuleSet(version: version, createdUs: 0, routes: rules.mapValues { RuleSet.Entry(rule: $0) })
    }

    @Test("A budget whose policy stays keeps what it has counted, another begins anew")
    func budgets() throws {
        let rules = RulesInForce(routes: ["r"])
        let policy = BudgetPolicy(ratio: 0, minPerSecond: 1, windowUs: 1_000_000)
        rules.put(set(1, ["r": Rule(budget: policy)]))
        let before = try #require(rules.rule(at: 0).budget)
        #expect(before.withdraw(nowUs: 5_000_000))
        rules.put(set(2, ["r": Rule(timeoutUs: 9, budget: policy)]))
        let kept = try #require(rules.rule(at: 0).budget)
        #expect(kept === before)
        #expect(!kept.withdraw(nowUs: 5_000_000))
        rules.put(set(3, ["r": Rule(budget: BudgetPolicy(ratio: 0, minPerSecond: 2, windowUs: 1_000_000))]))
        #expect(rules.rule(at: 0).budget?.withdraw(nowUs: 5_000_000) == true)
    }

    @Test("What of a set has no effect is told")
    func warnings() {
        let rules = RulesInForce(routes: ["a", "b"])
        let hedged = Rule(hedge: HedgePolicy(delayUs: 1, max: 1), ejectionUs: 5)
        let lines = rules.put(set(1, ["a": hedged, "gone": Rule()]))
        #expect(lines.count == 4)
        #expect(lines.contains { $0.contains("'gone'") && $0.contains("no such route") })
        #expect(lines.contains { $0.contains("'b' has no rule") })
        #expect(lines.contains { $0.contains("hedge is not enforced by this version") })
        #expect(lines.contains { $0.contains("ejection is not enforced by this version") })
        #expect(rules.rule(at: 1).rule == DefaultRules.none)
        #expect(rules.rule(at: 1).version == 1)
    }
}
