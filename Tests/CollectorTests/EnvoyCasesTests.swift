import Retry
import Testing

@testable import Collector

/// Each failure mode that a real Envoy 1.40 was made to show, judged by hand.
@Suite struct EnvoyCasesTests {
    struct Expected: CustomTestStringConvertible {
        /// The line in `cases_attempts.jsonl`.
        var line: Int
        var outcome: Outcome
        var status = 0
        var attempt = 1
        var hedge = false
        /// `nil`: the announced limit as it stands in the line.
        var limitUs: Int64?

        var testDescription: String { "line \(line)" }
    }

    /// Lines 52 and 53 (`0 UO`) reached no host and are no attempts.
    static let expected: [Expected] = [
        // One answer.
        Expected(line: 1, outcome: .success, status: 200),
        // 503, 503, then success; four times 503.
        Expected(line: 2, outcome: .errorStatus, status: 503),
        Expected(line: 3, outcome: .errorStatus, status: 503, attempt: 2),
        Expected(line: 4, outcome: .success, status: 200, attempt: 3),
        Expected(line: 5, outcome: .errorStatus, status: 503),
        Expected(line: 6, outcome: .errorStatus, status: 503, attempt: 2),
        Expected(line: 7, outcome: .errorStatus, status: 503, attempt: 3),
        Expected(line: 8, outcome: .errorStatus, status: 503, attempt: 4),
        // RST, then success; FIN, then success.
        Expected(line: 9, outcome: .reset),
        Expected(line: 10, outcome: .success, status: 200, attempt: 2),
        Expected(line: 11, outcome: .reset),
        Expected(line: 12, outcome: .success, status: 200, attempt: 2),
        // Cut in mid-body: `200 UPE`.
        Expected(line: 13, outcome: .reset, status: 200),
        // RST four times.
        Expected(line: 14, outcome: .reset),
        Expected(line: 15, outcome: .reset, attempt: 2),
        Expected(line: 16, outcome: .reset, attempt: 3),
        Expected(line: 17, outcome: .reset, attempt: 4),
        Expected(line: 18, outcome: .errorStatus, status: 503),
        Expected(line: 19, outcome: .reset),
        // Per-try timeout of 100 ms, then success; three times.
        Expected(line: 20, outcome: .timeout, limitUs: 100_000),
        Expected(line: 21, outcome: .success, status: 200, attempt: 2),
        Expected(line: 22, outcome: .timeout, limitUs: 100_000),
        Expected(line: 23, outcome: .timeout, attempt: 2, limitUs: 100_000),
        Expected(line: 24, outcome: .timeout, attempt: 3, limitUs: 100_000),
        // Per-try idle timeout (`SI`): the limit that fired is announced nowhere, the attempt ran as long.
        Expected(line: 25, outcome: .timeout, limitUs: 101_037),
        Expected(line: 26, outcome: .success, status: 200, attempt: 2),
        Expected(line: 27, outcome: .timeout, limitUs: 100_776),
        Expected(line: 28, outcome: .timeout, attempt: 2, limitUs: 101_159),
        Expected(line: 29, outcome: .timeout, attempt: 3, limitUs: 97_994),
        // Route timeout of 250 ms while an attempt runs (`0 -`, response_timeout); during the wait after three 503.
        Expected(line: 30, outcome: .timeout, limitUs: 250_000),
        Expected(line: 31, outcome: .errorStatus, status: 503),
        Expected(line: 32, outcome: .errorStatus, status: 503, attempt: 2),
        Expected(line: 33, outcome: .errorStatus, status: 503, attempt: 3),
        // Two per-try timeouts, then the route timeout 13 ms after the third began.
        Expected(line: 34, outcome: .timeout, limitUs: 100_000),
        Expected(line: 35, outcome: .timeout, attempt: 2, limitUs: 100_000),
        Expected(line: 36, outcome: .timeout, attempt: 3, limitUs: 13_000),
        Expected(line: 37, outcome: .success, status: 200),
        // The first hangs, the hedge wins: `0 UT` is a lost sibling here. Its own limit ends when the hedge's does:
        // 787,158 + 4,892,000 − 677,884.
        Expected(line: 38, outcome: .cancelled, limitUs: 5_001_274),
        Expected(line: 39, outcome: .success, status: 200, attempt: 2, hedge: true),
        // The first wins past its per-try limit (`200 UT`), the hedge is cut off (`0 -`).
        Expected(line: 40, outcome: .cancelled, attempt: 2, hedge: true),
        Expected(line: 41, outcome: .success, status: 200, limitUs: 5_000_641),
        // All hang until the route timeout: three times `0 UT` with response_timeout.
        Expected(line: 42, outcome: .timeout, limitUs: 5_000_439),
        Expected(line: 43, outcome: .timeout, attempt: 2, hedge: true, limitUs: 4_876_759),
        Expected(line: 44, outcome: .timeout, attempt: 3, hedge: true, limitUs: 4_729_000),
        // The first hangs, the hedge gets 503 and its retry wins beside the first.
        Expected(line: 45, outcome: .errorStatus, status: 503, attempt: 2, hedge: true),
        Expected(line: 46, outcome: .cancelled, limitUs: 5_000_495),
        Expected(line: 47, outcome: .success, status: 200, attempt: 3, hedge: true),
        // A late 503 after the hedge began (`503 UT`), the hedge decides.
        Expected(line: 48, outcome: .errorStatus, status: 503, limitUs: 5_000_980),
        Expected(line: 49, outcome: .success, status: 200, attempt: 2, hedge: true),
        // Connection refused, twice.
        Expected(line: 50, outcome: .connectFailure),
        Expected(line: 51, outcome: .connectFailure, attempt: 2),
        // The two beside the overflow.
        Expected(line: 54, outcome: .success, status: 200),
        Expected(line: 55, outcome: .success, status: 200),
        // Retry overflow (`UO` on the request only): the attempt's own outcome.
        Expected(line: 56, outcome: .errorStatus, status: 503),
        Expected(line: 57, outcome: .errorStatus, status: 503),
        // 429 with Retry-After.
        Expected(line: 58, outcome: .rateLimited, status: 429),
        Expected(line: 59, outcome: .success, status: 200, attempt: 2),
        Expected(line: 60, outcome: .rateLimited, status: 429),
        Expected(line: 61, outcome: .success, status: 200, attempt: 2),
        Expected(line: 62, outcome: .errorStatus, status: 503),
        Expected(line: 63, outcome: .errorStatus, status: 503, attempt: 2),
        Expected(line: 64, outcome: .success, status: 200, attempt: 3),
        // The client went away: `0 -`, and its line comes after the request's.
        Expected(line: 65, outcome: .cancelled),
        Expected(line: 66, outcome: .errorStatus, status: 503),
        Expected(line: 67, outcome: .success, status: 200, attempt: 2),
        // Connect timeout, twice; RST with no retry allowed; per-try timeout, then success.
        Expected(line: 68, outcome: .connectFailure),
        Expected(line: 69, outcome: .connectFailure, attempt: 2),
        Expected(line: 70, outcome: .reset),
        Expected(line: 71, outcome: .timeout, limitUs: 100_000),
        Expected(line: 72, outcome: .success, status: 200, attempt: 2),
    ]

    /// Both files, in either order.
    private func imported(_ names: [String]) throws -> (ImportReport, [Attempt]) {
        let target = MemoryTarget()
        let inputs = names.map { ImportInput.file(ImportSupport.log($0)) }
        let report = try AttemptImporter(format: .envoy).run(inputs: inputs, into: target)
        return (report, target.attempts)
    }

    @Test func `every recorded failure mode is judged as by hand`() throws {
        let lines = try ImportSupport.lines(ImportSupport.log("cases_attempts.jsonl"))
        let (_, attempts) = try imported(["cases_attempts.jsonl", "cases_requests.jsonl"])
        #expect(attempts.count == Self.expected.count)
        for expected in Self.expected {
            let line = lines[expected.line - 1]
            let start = try #require(ImportSupport.value("start", of: line))
            let end = try #require(ImportSupport.value("emit", of: line))
            let startUs = try #require(Int64(start.filter { $0 != "." }))
            let endUs = try #require(Int64(end.filter { $0 != "." }))
            let found = attempts.filter { $0.startUs == startUs && $0.endUs == endUs }
            #expect(found.count == 1, "line \(expected.line)")
            let attempt = try #require(found.first)
            let announcedMs = try #require(ImportSupport.value("expected_ms", of: line).flatMap { Int64($0) })
            #expect(attempt.outcome == expected.outcome, "line \(expected.line)")
            #expect(attempt.status == expected.status, "line \(expected.line)")
            #expect(attempt.attempt == expected.attempt, "line \(expected.line)")
            #expect(attempt.hedge == expected.hedge, "line \(expected.line)")
            #expect(attempt.timeoutUs == expected.limitUs ?? announcedMs * 1000, "line \(expected.line)")
            #expect(attempt.host == ImportSupport.value("host", of: line))
            #expect(attempt.route == ImportSupport.value("route", of: line))
            #expect(attempt.method == ImportSupport.value("method", of: line))
            #expect(!attempt.isGRPC)
        }
    }

    @Test func `every line is accounted for, whichever file comes first`() throws {
        let (report, attempts) = try imported(["cases_attempts.jsonl", "cases_requests.jsonl"])
        #expect(report.lines == 72 + 39)
        #expect(report.attemptsImported == 70)
        #expect(report.requestLinesJoined == 39)
        #expect(report.requestsWithoutAttempts == ["UH": 1, "direct_response": 1])
        #expect(report.leftOut == ["local_overflow": 2])
        #expect(report.rejects == 0)
        #expect(report.isClosed)
        let (turned, same) = try imported(["cases_requests.jsonl", "cases_attempts.jsonl"])
        #expect(turned == report)
        #expect(Set(same) == Set(attempts))
    }

    @Test func `what the server asked for is kept in microseconds`() throws {
        let (_, attempts) = try imported(["cases_attempts.jsonl", "cases_requests.jsonl"])
        let asked = attempts.filter { $0.retryAfterUs > 0 }.map { ($0.outcome, $0.retryAfterUs) }
        #expect(asked.map(\.0) == [.rateLimited, .rateLimited])
        #expect(asked.map(\.1) == [1_000_000, 10_000_000])
    }

    @Test func `attempts of one request share its number and nobody else's`() throws {
        let lines = try ImportSupport.lines(ImportSupport.log("cases_attempts.jsonl"))
        let ids = Dictionary(
            grouping: lines.filter { ImportSupport.value("flags", of: $0) != "UO" },
            by: { ImportSupport.value("rid", of: $0) })
        let (_, attempts) = try imported(["cases_attempts.jsonl", "cases_requests.jsonl"])
        let numbers = Dictionary(grouping: attempts, by: \.request)
        #expect(numbers.count == ids.count)
        #expect(numbers.values.map(\.count).sorted() == ids.values.map(\.count).sorted())
        for group in numbers.values { #expect(Set(group.map(\.attempt)) == Set(1...group.count)) }
    }

    @Test func `without the request lines what was cut off is counted and claims nothing`() throws {
        let (report, attempts) = try imported(["cases_attempts.jsonl"])
        #expect(report.attemptsImported == 70)
        #expect(report.isClosed)
        // 30 and 36 (route timeout), 38, 40, 42 to 44 and 46 (hedges), 65 (client gone).
        #expect(report.attemptsCutOffForUnknownCause == 9)
        #expect(attempts.filter { $0.outcome == .cancelled }.count == 9)
    }
}
