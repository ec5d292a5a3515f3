import Retry
import TestSupport
import Testing

@testable import Collector

/// The same attempts, read in different company: an attempt is kept once.
@Suite struct ImportKeyTests {
    private let whole: [String]
    /// The lines of attempts, and those of requests.
    private let up: [String]
    private let req: [String]

    init() throws {
        whole = try ImportSupport.lines(ImportSupport.log("loop.jsonl"))
        up = whole.filter { $0.contains("\"v\":\"a1\"") }
        req = whole.filter { $0.contains("\"v\":\"r1\"") }
    }

    /// Imports the logs one after the other, each as one input, and checks that every line is accounted for.
    private func importing(_ logs: [[String]], into target: any ImportTarget) throws -> [ImportReport] {
        try logs.map { lines in
            let report = try ImportSupport.run(lines.joined(separator: "\n") + "\n", .envoy, into: target)
            #expect(report.lines == lines.count)
            #expect(report.rejects == 0)
            #expect(report.isClosed)
            return report
        }
    }

    /// Imports into a store, sealed in between or not, that must end with exactly the attempts of the loop.
    private func expectTheLoop(_ logs: [[String]], added: [Int]) throws {
        for sealAfterRows in [100, 1_000_000] {
            try withTemporaryDirectory { folder in
                let store = try AttemptStore.open(
                    path: folder + "/store.db", mode: .readWrite, sealAfterRows: sealAfterRows)
                let reports = try importing(logs, into: store)
                #expect(reports.map(\.attemptsImported) == added)
                let kept = try store.attempts(route: "main", fromUs: nil, toUs: nil)
                #expect(kept.count == 975)
                let starts = (0..<kept.count).map { "\(kept[$0].startUs) \(kept[$0].request) \(kept[$0].host)" }
                #expect(Set(starts).count == 975)
            }
        }
    }

    @Test func `both logs together, then the attempt lines alone`() throws {
        try expectTheLoop([up + req, up], added: [975, 0])
        try expectTheLoop([whole, up], added: [975, 0])
    }

    @Test func `the attempt lines alone, then the request lines alone`() throws {
        try expectTheLoop([up, req, req], added: [975, 0, 0])
        try expectTheLoop([whole, req], added: [975, 0])
    }

    @Test(arguments: [1, 2, 300, 600, 900, 901, 902, 903, 904, 1500, 1777])
    func `the beginning, then the end, then all`(cut: Int) throws {
        let target = MemoryTarget()
        let reports = try importing([Array(whole[..<cut]), Array(whole[cut...]), whole], into: target)
        #expect(reports.reduce(0) { $0 + $1.attemptsImported } == 975)
        #expect(target.attempts.count == 975)
    }

    @Test func `what was read first stays as it was read`() throws {
        let target = MemoryTarget()
        _ = try importing([up, whole], into: target)
        #expect(target.attempts.count == 975)
        #expect(target.attempts.allSatisfy { $0.method.isEmpty })
    }

    @Test func `request lines of other requests are new, whatever the store has at their times`() throws {
        let target = MemoryTarget()
        let (first, second) = (
            EnvoyText.request("a", "100.000000", "100.010000", count: 1),
            EnvoyText.request("b", "100.000000", "100.010000", count: 1)
        )
        let reports = try importing([[first], [first, second]], into: target)
        #expect(reports.map(\.attemptsImported) == [1, 1])
        #expect(reports.map(\.attemptsAlreadyThere) == [0, 1])
    }

    @Test func `every column of the identity counts, and what company decides does not`() {
        let plain = Attempt(startUs: 1, durationUs: 2, route: "r", host: "h", request: 3, outcome: .success)
        let own: [(inout Attempt) -> Void] = [
            { $0.startUs = 9 }, { $0.durationUs = 9 }, { $0.route = "s" }, { $0.host = "i" }, { $0.request = 9 },
            { $0.status = 9 }, { $0.isGRPC = true }, { $0.retryAfterUs = 9 }, { $0.ruleVersion = 9 },
        ]
        let ofCompany: [(inout Attempt) -> Void] = [
            { $0.attempt = 9 }, { $0.waitUs = 9 }, { $0.outcome = .reset }, { $0.timeoutUs = 9 }, { $0.method = "PUT" },
            { $0.hedge = true },
        ]
        #expect(own.count + ofCompany.count == Column.allCases.count)
        var seen: Set = [plain.importKeys[0]]
        for change in own {
            var other = plain
            change(&other)
            #expect(seen.insert(other.importKeys[0]).inserted)
        }
        for change in ofCompany {
            var other = plain
            change(&other)
            #expect(other.importKeys == plain.importKeys)
        }
    }
}
