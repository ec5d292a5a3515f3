import Retry
import TestSupport
import Testing

@testable import Collector

@Suite struct ImportAttemptsTests {
    private static let least =
        #"{"start_us":1790000000022384,"duration_us":11553,"route":"checkout","outcome":"success"}"#

    private func attempts(_ text: String) throws -> [Attempt] {
        let target = MemoryTarget()
        let report = try ImportSupport.run(text, .attempts, into: target)
        #expect(report.isClosed)
        #expect(report.firstRejects == [])
        return target.attempts
    }

    private func reason(_ line: String) throws -> String? {
        let report = try ImportSupport.run(line + "\n", .attempts)
        #expect(report.isClosed)
        #expect(report.rejects == 1)
        return report.firstRejects.first?.reason
    }

    @Test func `every column comes through`() throws {
        let line = """
            {"start_us":1790000000022384,"duration_us":11553,"route":"checkout","host":"10.0.0.1:80","request":7,"attempt":2,\
            "wait_us":25000,"outcome":"error_status","status":14,"is_grpc":true,"timeout_us":1000000,\
            "retry_after_us":2000000,"method":"POST","hedge":true,"rule_version":3,"unknown":{"x":[1]}}
            """
        #expect(
            try attempts(line) == [
                Attempt(
                    startUs: 1_790_000_000_022_384, durationUs: 11_553, route: "checkout", host: "10.0.0.1:80",
                    request: 7, attempt: 2, waitUs: 25_000, outcome: .errorStatus, status: 14, isGRPC: true,
                    timeoutUs: 1_000_000, retryAfterUs: 2_000_000, method: "POST", hedge: true, ruleVersion: 3)
            ])
    }

    @Test func `all but four columns may be missing or null`() throws {
        let nulls = Self.least.dropLast() + #","host":null,"request":null,"attempt":null,"status":null,"hedge":null}"#
        let found = try attempts(Self.least + "\n" + nulls)
        #expect(found.count == 2)
        for attempt in found {
            var expected = Attempt(
                startUs: 1_790_000_000_022_384, durationUs: 11_553, route: "checkout", outcome: .success)
            expected.request = attempt.request
            #expect(attempt == expected)
        }
    }

    @Test func `an attempt without a request is a request of its own, the same at every import`() throws {
        let other = Self.least.replacing("11553", with: "11554")
        let found = try attempts(Self.least + "\n" + other)
        #expect(found[0].request != found[1].request)
        #expect(try attempts(Self.least + "\r\n" + other + "\r\n") == found)
    }

    @Test func `a request's name gives one number, a number is itself`() throws {
        func request(_ json: String) throws -> UInt64 {
            try attempts(Self.least.dropLast() + ",\"request\":\(json)}")[0].request
        }
        #expect(try request("\"q1\"") == request(#""\u00711""#))
        #expect(try request("\"q1\"") != request("\"q2\""))
        #expect(try request("18446744073709551615") == UInt64.max)
        #expect(try request("0") == 0)
        // XXH64 of "abc" with seed 0, from the reference implementation: request numbers never change.
        #expect(try request("\"abc\"") == 0x44BC_2CF5_AD77_0999)
    }

    @Test(arguments: Outcome.allCases)
    func `every outcome has its name`(outcome: Outcome) throws {
        #expect(try attempts(Self.least.replacing("success", with: outcome.name))[0].outcome == outcome)
    }

    @Test(arguments: [
        ("start_us", "-1", "start_us: must be from 100000000000000 to 7258118399999999, found -1"),
        ("duration_us", "-11553", "duration_us: must be from 0 to 2592000000000, found -11553"),
        ("duration_us", "2592000000001", "duration_us: must be from 0 to 2592000000000, found 2592000000001"),
        ("timeout_us", "2592000000001", "timeout_us: must be from 0 to 2592000000000, found 2592000000001"),
        (
            "duration_us", "9223372036854775807",
            "duration_us: must be from 0 to 2592000000000, found 9223372036854775807"
        ),
        (
            "duration_us", "99999999999999999999",
            "duration_us: must be a whole number of at most 64 bits, found 99999999999999999999"
        ),
        ("duration_us", "1.5", "duration_us: must be a whole number of at most 64 bits, found 1.5"),
        ("duration_us", "\"1\"", "duration_us: must be a whole number, found '1'"),
        ("duration_us", "null", "duration_us: is missing; start_us, duration_us, route and outcome are required"),
        ("route", "\"\"", "route: is missing; every attempt belongs to a route"),
        ("route", "7", "route: must be a string, found 7"),
        (
            "outcome", "\"ok\"",
            "outcome: is unknown: 'ok'; one of success, error_status, rate_limited, timeout, connect_failure, reset, cancelled"
        ),
        (
            "outcome", "null",
            "outcome: is missing; one of success, error_status, rate_limited, timeout, connect_failure, reset, cancelled"
        ),
        ("attempt", "0", "attempt: must be from 1 to 1000, found 0"),
        ("attempt", "1001", "attempt: must be from 1 to 1000, found 1001"),
        ("status", "1000", "status: must be from 0 to 999, found 1000"),
        ("wait_us", "-1", "wait_us: must be from 0 to 2592000000000, found -1"),
        ("hedge", "1", "hedge: must be true or false, found 1"),
        ("request", "-1", "request: must be a text or a whole number from 0, found -1"),
        ("request", "[1]", "request: must be a text or a whole number from 0, found an array or object"),
        ("rule_version", "2147483648", "rule_version: must be from 0 to 2147483647, found 2147483648"),
    ])
    func `a value that cannot be is refused with what would be right`(key: String, json: String, reason: String) throws
    {
        let known = [
            "start_us": "1790000000022384", "duration_us": "11553", "route": "\"checkout\"", "outcome": "\"success\"",
        ]
        let fields = known.merging([key: json]) { $1 }
        let line = "{" + fields.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
        #expect(try self.reason(line) == reason)
    }

    @Test func `importing again adds nothing, and truly equal lines inside one import are all kept`() throws {
        try withTemporaryDirectory { folder in
            let store = try AttemptStore.open(path: folder + "/store.db", mode: .readWrite)
            let twins = Self.least + "\n" + Self.least + "\n"
            let other = Self.least.replacing("checkout", with: "cart") + "\n"
            let first = try ImportSupport.run(twins + other, .attempts, into: store)
            #expect(first.attemptsImported == 3)
            let again = try ImportSupport.run(twins + other, .attempts, into: store)
            #expect(again.attemptsImported == 0)
            #expect(again.attemptsAlreadyThere == 3)
            let third = try ImportSupport.run(twins + Self.least + "\n" + other, .attempts, into: store)
            #expect(third.attemptsImported == 1)
            #expect(third.attemptsAlreadyThere == 3)
        }
    }

    /// The smallest batches and shortest memory, against counting with multisets.
    @Test(arguments: SeededGenerator.seeds([1, 2, 3, 4, 5, 6, 7, 8]))
    func `what is added is what the input has more than the store had`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        func lines(_ count: Int) -> [String] {
            (0..<count).map { _ in
                let start = Int.random(in: 0..<4, using: &random) * 700_000_000
                return Self.least.replacing("1790000000022384", with: "\(1_790_000_000_000_000 + start)")
            }
        }
        let target = MemoryTarget()
        var held: [String: Int] = [:]
        for _ in 0..<4 {
            let input = lines(Int.random(in: 0..<30, using: &random))
            var importer = AttemptImporter(format: .attempts)
            importer.batchCount = Int.random(in: 1...5, using: &random)
            let text = Array(input.map { $0 + "\n" }.joined().utf8)
            let report = try ImportSupport.withPipe(text) {
                try importer.run(inputs: [.descriptor($0, name: "in")], into: target)
            }
            let counts = Dictionary(input.map { ($0, 1) }, uniquingKeysWith: +)
            let expected = counts.reduce(0) { $0 + max(0, $1.value - held[$1.key, default: 0]) }
            #expect(report.attemptsImported == expected, "\(random)")
            #expect(report.attemptsAlreadyThere == input.count - expected, "\(random)")
            held.merge(counts) { max($0, $1) }
        }
    }

    @Test func `a store that refuses stops the import, and the next one adds the rest`() throws {
        let target = MemoryTarget()
        target.refusesFromCall = 3
        var importer = AttemptImporter(format: .attempts)
        importer.batchCount = 2
        let text = (0..<7).map { Self.least.replacing("11553", with: "\($0)") + "\n" }.joined()
        #expect(throws: ImportError.target(imported: 4, reason: "the disk is full")) {
            try ImportSupport.withPipe(Array(text.utf8)) {
                try importer.run(inputs: [.descriptor($0, name: "in")], into: target)
            }
        }
        target.refusesFromCall = .max
        let rest = try ImportSupport.run(text, .attempts, into: target)
        #expect(rest.attemptsImported == 3)
        #expect(target.attempts.count == 7)
    }

    @Test func `progress tells bytes and lines up to the end`() throws {
        var seen: [ImportProgress] = []
        let text = Array(String(repeating: Self.least + "\n", count: 3).utf8)
        let packed = ImportSupport.gzip(text)
        _ = try ImportSupport.withPipe(packed) {
            try AttemptImporter(format: .attempts).run(
                inputs: [.descriptor($0, name: "in")], into: MemoryTarget()
            ) { seen.append($0) }
        }
        // Gzip from a pipe is copied to a file first, which has a size.
        let size = Int64(packed.count)
        #expect(seen.last == ImportProgress(bytesRead: size, totalBytes: size, lines: 3))
        seen = []
        _ = try ImportSupport.withPipe(text) {
            try AttemptImporter(format: .attempts).run(
                inputs: [.descriptor($0, name: "in")], into: MemoryTarget()
            ) { seen.append($0) }
        }
        #expect(seen.last == ImportProgress(bytesRead: Int64(text.count), totalBytes: nil, lines: 3))
    }
}
