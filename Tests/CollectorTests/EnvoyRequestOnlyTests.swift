import Retry
import Testing

@testable import Collector

/// Logs without `upstream_log`: a line a request is all there is.
@Suite struct EnvoyRequestOnlyTests {
    private func imported(_ lines: [String]) throws -> (ImportReport, [Attempt]) {
        let target = MemoryTarget()
        let report = try ImportSupport.run(lines.map { $0 + "\n" }.joined(), .envoy, into: target)
        #expect(report.isClosed)
        #expect(report.rejects == 0)
        return (report, target.attempts)
    }

    @Test func `a request of one attempt is that attempt, as far as the line knows it`() throws {
        let (report, attempts) = try imported([EnvoyText.request("a", "100.000000", "100.010000", count: 1, code: 503)])
        #expect(report.attemptsFromRequestLines == 1)
        let attempt = try #require(attempts.first)
        #expect(attempt.startUs == 100_000_000)
        #expect(attempt.durationUs == 10_000)
        #expect(attempt.outcome == .errorStatus)
        #expect(attempt.status == 503)
        #expect(attempt.method == "PUT")
        #expect(attempt.attempt == 1)
    }

    @Test(arguments: [
        (504, "URX,UT", "upstream_per_try_timeout", Outcome.timeout), (504, "UT", "response_timeout", .timeout),
        (503, "URX,UF", "upstream_reset_before_response_started{remote_connection_failure}", .connectFailure),
        (503, "UC", "upstream_reset_before_response_started{connection_termination}", .reset),
        (503, "UO,UC", "upstream_reset_before_response_started{connection_termination}", .reset),
        (503, "UO", "via_upstream", .errorStatus),
        (200, "UPE", "upstream_reset_after_response_started{protocol_error}", .reset),
        (0, "DC", "downstream_remote_disconnect", .cancelled), (200, "UT", "via_upstream", .success),
        (429, "-", "via_upstream", .rateLimited),
    ])
    func `the line's flags and details judge the attempt`(
        code: Int, flags: String, detail: String, outcome: Outcome
    ) throws {
        let (_, attempts) = try imported([
            EnvoyText.request("a", "100.000000", "100.010000", count: 1, code: code, flags: flags, detail: detail)
        ])
        #expect(attempts.map(\.outcome) == [outcome])
        // Envoy's own 503 and 504 to its client are no host's status.
        #expect(attempts.map(\.status) == [outcome == .errorStatus || code < 500 ? code : 0])
    }

    @Test func `what one line cannot tell is left out by name, not invented`() throws {
        let (report, attempts) = try imported([
            EnvoyText.request("a", "100.000000", "100.010000", count: 3),
            EnvoyText.request("b", "100.000000", "100.010000", count: nil),
            EnvoyText.request(
                "c", "100.000000", "100.010000", count: 0, code: 404, flags: "NR",
                detail: "route_not_found", host: nil),
            EnvoyText.request(
                "d", "100.000000", "100.010000", count: 1, code: 503, flags: "UO",
                detail: "upstream_reset_before_response_started{overflow}"),
            EnvoyText.request(nil, "100.000000", "100.010000", count: 1),
        ])
        #expect(attempts.count == 1)
        #expect(report.leftOut == ["several_attempts_in_one_line": 1, "attempt_count_unknown": 1])
        #expect(report.requestsWithoutAttempts == ["NR": 1, "UO": 1])
        #expect(report.requestLinesJoined == 2)
    }

    @Test func `of the recorded cases those of one attempt are taken, and again nothing the second time`() throws {
        let lines = try ImportSupport.lines(ImportSupport.log("cases_requests.jsonl"))
        let target = MemoryTarget()
        let text = lines.joined(separator: "\n")
        let report = try ImportSupport.run(text, .envoy, into: target)
        let several = lines.filter { Int(ImportSupport.value("attempt", of: $0) ?? "") ?? 0 > 1 }.count
        #expect(report.leftOut == ["several_attempts_in_one_line": several])
        // No host, direct answer, and twice the proxy's own refusal.
        #expect(report.requestsWithoutAttempts == ["UH": 1, "direct_response": 1, "UO": 2])
        #expect(report.attemptsImported == 39 - several - 4)
        #expect(report.isClosed)
        let again = try ImportSupport.run(text, .envoy, into: target)
        #expect(again.attemptsImported == 0)
    }

    @Test func `ten thousand request lines show that there are no attempt lines, later ones are noted`() throws {
        let requests = (0..<EnvoyJoin.candidatesMax + 500).map { index in
            EnvoyText.request("a\(index)", "\(100 + index).000000", "\(100 + index).010000", count: 1)
        }
        let (report, attempts) = try imported(requests)
        #expect(attempts.count == requests.count)
        #expect(report.problems.isEmpty)
        let (mixed, _) = try imported(requests + [EnvoyText.attempt("z", "90000.000000", "90000.010000")])
        #expect(mixed.problems.count == 1)
    }

    @Test func `the first attempt line shows that request lines are no attempts`() throws {
        let requests = (0..<20).map { index in
            EnvoyText.request("a\(index)", "\(100 + index).000000", "\(100 + index).010000", count: 1)
        }
        let (report, attempts) = try imported(
            requests + [
                EnvoyText.attempt("z", "300.000000", "300.010000"),
                EnvoyText.request("z", "300.000000", "300.010100", count: 1),
            ])
        #expect(attempts.count == 1)
        #expect(report.leftOut == ["attempt_lines_missing": 20])
    }
}
