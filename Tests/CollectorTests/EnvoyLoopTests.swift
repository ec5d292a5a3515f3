import Retry
import TestSupport
import Testing

@testable import Collector

/// The logs of a whole working day of an Envoy, in short: both kinds of lines in one file, three rules in turn.
@Suite struct EnvoyLoopTests {
    private func imported(_ name: String) throws -> (ImportReport, [Attempt]) {
        let target = MemoryTarget()
        let report = try AttemptImporter(format: .envoy)
            .run(inputs: [.file(ImportSupport.log(name))], into: target)
        return (report, target.attempts)
    }

    @Test func `every line of the loop is accounted for`() throws {
        let lines = try ImportSupport.lines(ImportSupport.log("loop.jsonl"))
        let (report, attempts) = try imported("loop.jsonl")
        #expect(report.lines == lines.count)
        #expect(report.attemptsImported == lines.filter { $0.hasSuffix("\"v\":\"a1\",\"why\":null}") }.count)
        #expect(report.attemptsImported + report.requestLinesJoined + report.rejects == lines.count)
        #expect(report.requestLinesJoined == 803)
        #expect(report.requestsWithoutAttempts == ["NC": 1])
        #expect(report.leftOut.isEmpty)
        #expect(report.isClosed)
        #expect(attempts.allSatisfy { $0.method == "GET" && $0.route == "main" })
    }

    @Test func `the rules' success rates are those of the request lines`() throws {
        var fromLines: [Int: (requests: Int, good: Int)] = [:]
        for line in try ImportSupport.lines(ImportSupport.log("loop.jsonl")) {
            guard ImportSupport.value("v", of: line) == "r1", ImportSupport.value("n", of: line) != "0" else {
                continue
            }
            let version = ["v1": 1, "v2": 2][ImportSupport.value("rule", of: line) ?? ""] ?? 0
            let isGood = ImportSupport.value("code", of: line) == "200"
            fromLines[version, default: (0, 0)].requests += 1
            fromLines[version, default: (0, 0)].good += isGood ? 1 : 0
        }
        let (_, attempts) = try imported("loop.jsonl")
        var fromAttempts: [Int: (requests: Int, good: Int)] = [:]
        for group in Dictionary(grouping: attempts, by: \.request).values {
            let last = try #require(group.max { $0.attempt < $1.attempt })
            #expect(Set(group.map(\.ruleVersion)).count == 1)
            fromAttempts[last.ruleVersion, default: (0, 0)].requests += 1
            fromAttempts[last.ruleVersion, default: (0, 0)].good += last.outcome == .success ? 1 : 0
        }
        #expect(fromLines.keys.sorted() == [0, 1, 2])
        #expect(fromAttempts.keys.sorted() == [0, 1, 2])
        for version in 0...2 {
            #expect(fromAttempts[version]?.requests == fromLines[version]?.requests)
            #expect(fromAttempts[version]?.good == fromLines[version]?.good)
        }
        #expect(fromAttempts[1]?.good == 306)
        #expect(fromAttempts[1]?.requests == 463)
        #expect(fromAttempts[2]?.good == 332)
        #expect(fromAttempts[2]?.requests == 338)
    }

    @Test func `the waits of 480 retries are recovered to the microsecond`() throws {
        let (report, attempts) = try imported("jitter.jsonl")
        #expect(report.attemptsImported == 560)
        #expect(report.requestLinesJoined == 80)
        #expect(report.isClosed)
        let first = try #require(attempts.min { $0.startUs < $1.startUs })
        let request = attempts.filter { $0.request == first.request }.sorted { $0.attempt < $1.attempt }
        #expect(request.map(\.waitUs) == [0, 86_405, 168_380, 243_420, 47, 361_243, 621_846])
        let waits = attempts.filter { $0.attempt > 1 }
        #expect(waits.count == 480)
        for attempt in waits {
            // Whole milliseconds below min(100 ms · 2^(k − 2), 1 s), and at most about one more by the timer: the
            // longest seen was 1.6 ms over.
            let capUs = Int64(min(100_000 << (attempt.attempt - 2), 1_000_000))
            #expect((0..<capUs + 2000).contains(attempt.waitUs))
            #expect(!attempt.hedge)
        }
        #expect(attempts.allSatisfy { $0.ruleVersion == 0 && $0.timeoutUs > 0 })
    }

    @Test func `importing again adds nothing, be it plain, packed or piped`() throws {
        let bytes = try ImportSupport.bytes(ImportSupport.log("loop.jsonl"))
        try withTemporaryDirectory { folder in
            let store = try AttemptStore.open(path: folder + "/store.db", mode: .readWrite)
            let importer = AttemptImporter(format: .envoy)
            let first = try importer.run(inputs: [.file(ImportSupport.log("loop.jsonl"))], into: store)
            #expect(first.attemptsImported == 975)
            for piped in [bytes, ImportSupport.gzip(bytes)] {
                let again = try ImportSupport.run(piped, .envoy, into: store)
                #expect(again.attemptsImported == 0)
                #expect(again.attemptsAlreadyThere == 975)
                #expect(again.isClosed)
            }
            try store.seal()
            let sealed = try importer.run(inputs: [.file(ImportSupport.log("loop.jsonl"))], into: store)
            #expect(sealed.attemptsImported == 0)
            #expect(try store.attempts(route: "main", fromUs: nil, toUs: nil).count == 975)
        }
    }

    @Test(arguments: [2, 3, 4, 499, 500, 501, 502, 503, 1200, 1777])
    func `a log that has grown gives what it has grown by, wherever it was cut`(cut: Int) throws {
        let lines = try ImportSupport.lines(ImportSupport.log("loop.jsonl"))
        let whole = MemoryTarget()
        _ = try ImportSupport.run(lines.joined(separator: "\n") + "\n", .envoy, into: whole)
        let grown = MemoryTarget()
        let early = try ImportSupport.run(lines[..<cut].joined(separator: "\n") + "\n", .envoy, into: grown)
        #expect(early.isClosed)
        let late = try ImportSupport.run(lines.joined(separator: "\n") + "\n", .envoy, into: grown)
        #expect(late.isClosed)
        #expect(late.attemptsAlreadyThere == early.attemptsImported)
        #expect(grown.attempts.count == 975)
        #expect(Set(grown.attempts) == Set(whole.attempts))
    }
}
