import Retry
import TestSupport
import Testing

@testable import Collector

/// Lines as Envoy writes them, made for one question each. Times are in seconds with six decimals.
enum EnvoyText {
    static func attempt(
        _ id: String?, _ start: String, _ end: String, code: Int = 200, flags: String = "-", limit: String? = nil,
        count: String? = nil, more: String = ""
    ) -> String {
        """
        {"cl":"up","code":\(code),"dl":\(quoted(limit)),"fl":"\(flags)","host":"h","k":\(quoted(count)),"route":"main",\
        "t0":"\(start)","t1":"\(end)","typ":"UpstreamEnd","uid":\(quoted(id)),"v":"a1"\(more)}
        """
    }

    static func request(
        _ id: String?, _ start: String, _ end: String, count: Int?, code: Int = 200, flags: String = "-",
        detail: String? = "via_upstream", host: String? = "h"
    ) -> String {
        """
        {"cl":"up","code":\(code),"det":\(quoted(detail)),"fl":"\(flags)","host":\(quoted(host)),"m":"PUT",\
        "n":\(count.map(String.init) ?? "null"),"route":"main","t0":"\(start)","t1":"\(end)","uid":\(quoted(id)),"v":"r1"}
        """
    }

    private static func quoted(_ text: String?) -> String { text.map { "\"\($0)\"" } ?? "null" }
}

@Suite struct EnvoyJoinTests {
    private func imported(_ lines: [String]) throws -> (ImportReport, [Attempt]) {
        let target = MemoryTarget()
        let report = try ImportSupport.run(lines.map { $0 + "\n" }.joined(), .envoy, into: target)
        #expect(report.isClosed)
        #expect(report.firstRejects == [])
        return (report, target.attempts)
    }

    @Test func `a client that leaves writes its request's line first, and both are joined`() throws {
        let (report, attempts) = try imported([
            EnvoyText.request(
                "a", "100.000000", "100.150000", count: 1, code: 0, flags: "DC",
                detail: "downstream_remote_disconnect"),
            EnvoyText.attempt("a", "100.000100", "100.150500", code: 0),
        ])
        #expect(report.requestLinesJoined == 1)
        #expect(attempts.map(\.outcome) == [.cancelled])
        #expect(attempts.map(\.method) == ["PUT"])
    }

    @Test func `a per-try timeout right at the client's leaving is the client's, one before it is not`() throws {
        func outcome(leavesAt end: String) throws -> Outcome? {
            try imported([
                EnvoyText.attempt("a", "100.000000", "100.100000", code: 0, flags: "UT", limit: "100"),
                EnvoyText.request(
                    "a", "99.999900", end, count: 1, code: 0, flags: "DC", detail: "downstream_remote_disconnect"),
            ]).1.first?.outcome
        }
        #expect(try outcome(leavesAt: "100.100200") == .cancelled)
        #expect(try outcome(leavesAt: "100.140000") == .timeout)
    }

    @Test func `a reset beats a timeout flag, a response beats both`() throws {
        let (_, attempts) = try imported([
            EnvoyText.attempt("a", "100.000000", "100.100000", code: 0, flags: "UT,UC"),
            EnvoyText.attempt("a", "100.050000", "100.120000", code: 404, flags: "UT"),
            EnvoyText.request("a", "99.999900", "100.120100", count: 2, code: 404),
        ])
        #expect(attempts.map(\.outcome) == [.reset, .success])
        #expect(attempts.map(\.hedge) == [false, true])
    }

    @Test(arguments: [
        (0, Outcome.success), (1, .errorStatus), (2, .errorStatus), (4, .errorStatus), (5, .success), (8, .rateLimited),
        (13, .errorStatus), (14, .errorStatus),
    ])
    func `a gRPC status beside HTTP 200 decides`(status: Int, outcome: Outcome) throws {
        let (_, attempts) = try imported([
            EnvoyText.attempt("a", "100.000000", "100.100000", more: ",\"grpc\":\(status)")
        ])
        #expect(attempts.map(\.outcome) == [outcome])
        #expect(attempts.map(\.status) == [status])
        #expect(attempts.map(\.isGRPC) == [true])
    }

    @Test func `beside an HTTP error a gRPC status decides nothing`() throws {
        let (_, attempts) = try imported([
            EnvoyText.attempt("a", "100.000000", "100.100000", code: 503, more: ",\"grpc\":\"0\"")
        ])
        #expect(attempts.map(\.outcome) == [.errorStatus])
        #expect(attempts.map(\.status) == [503])
        #expect(attempts.map(\.isGRPC) == [false])
    }

    @Test func `the route is the cluster where it has no name, and the rule's number is read from its name`() throws {
        let lines = [
            #"{"v":"a1","cl":"c","route":null,"code":200,"t0":"1.0","t1":"1.000001","rule":"v12","rid":"a"}"#,
            #"{"v":"a1","cl":"c","route":"r","code":200,"t0":"2.5","t1":"2.5000019","rule":"7","rid":"b"}"#,
            #"{"v":"a1","cl":"c","code":200,"t0":"3","t1":"3","rule":"vx","rid":"c"}"#,
        ]
        let (_, attempts) = try imported(lines)
        #expect(attempts.map(\.route) == ["c", "r", "c"])
        #expect(attempts.map(\.ruleVersion) == [12, 7, 0])
        #expect(attempts.map(\.startUs) == [1_000_000, 2_500_000, 3_000_000])
        #expect(attempts.map(\.durationUs) == [1, 1, 0])
    }

    @Test func `a client's id on several requests joins each with its own attempts`() throws {
        func lines(_ second: Int) -> [String] {
            [
                EnvoyText.attempt(nil, "\(second).000100", "\(second).010000", code: 503, more: ",\"rid\":\"mine\""),
                EnvoyText.request(nil, "\(second).000000", "\(second).010100", count: 1, code: 503)
                    .replacing("\"v\"", with: "\"rid\":\"mine\",\"v\""),
            ]
        }
        let (report, attempts) = try imported(lines(100) + lines(101) + lines(102))
        #expect(report.requestLinesJoined == 3)
        #expect(attempts.map(\.attempt) == [1, 1, 1])
        #expect(Set(attempts.map(\.request)).count == 3)
    }

    @Test func `an attempt waits five minutes for its request's line and no longer`() throws {
        let early = EnvoyText.attempt("a", "100.000000", "101.000000", code: 503)
        func joined(after second: Int) throws -> (Int, [String]) {
            let (report, attempts) = try imported([
                early, EnvoyText.attempt("x", "\(second - 1).000000", "\(second).000000"),
                EnvoyText.request("x", "\(second - 1).000000", "\(second).000100", count: 1),
                EnvoyText.request("a", "100.000000", "\(second).000200", count: 1, code: 503),
            ])
            return (
                report.leftOut["attempt_lines_missing"] ?? report.leftOut["request_still_open"] ?? 0,
                attempts.map(\.method)
            )
        }
        let inTime = try joined(after: 400)
        #expect(inTime.0 == 0)
        #expect(inTime.1 == ["PUT", "PUT"])
        let late = try joined(after: 402)
        #expect(late.0 == 1)
        #expect(late.1.sorted() == ["", "PUT"])
    }

    @Test func `one line with a clock that is wrong ends no request that is under way`() throws {
        let (report, attempts) = try imported([
            EnvoyText.attempt("a", "100.000000", "100.100000", code: 503),
            EnvoyText.attempt("x", "9999999.000000", "9999999.100000"),
            EnvoyText.request("x", "9999999.000000", "9999999.100100", count: 1)
                .replacing("9999999.100100", with: "100.150000").replacing("9999999", with: "99"),
            EnvoyText.attempt("a", "100.110000", "100.200000"),
            EnvoyText.request("a", "99.999900", "100.200100", count: 2),
        ])
        #expect(report.requestLinesJoined == 2)
        let own = attempts.filter { $0.startUs < 200_000_000 }
        #expect(own.map(\.attempt) == [1, 2] && own.map(\.method) == ["PUT", "PUT"])
        #expect(Set(own.map(\.request)).count == 1)
    }

    @Test func `repeated lines are found among very many of one request`() throws {
        let lines = (0..<2_000).map { EnvoyText.attempt("a", "100.000000", "100.10\(1_000 + $0)", code: 503) }
        let (report, attempts) = try imported(lines + lines.reversed())
        #expect(attempts.count == 2_000)
        #expect(report.leftOut == ["repeated_line": 2_000])
    }

    @Test func `a request that may not be over when the log ends is left for the next import`() throws {
        let over = [
            EnvoyText.attempt("x", "100.000000", "100.100000"),
            EnvoyText.request("x", "100.000000", "100.100100", count: 1),
        ]
        let open = EnvoyText.attempt("a", "100.050000", "100.200000", code: 503)
        let (report, attempts) = try imported(over + [open])
        #expect(attempts.count == 1)
        #expect(report.leftOut == ["request_still_open": 1])
        let (alone, all) = try imported([open])
        #expect(alone.leftOut.isEmpty)
        #expect(all.count == 1)
    }

    @Test func `missing attempt lines are told, and the header keeps the number right`() throws {
        let (report, attempts) = try imported([
            EnvoyText.attempt("a", "100.000000", "100.100000", code: 503, count: "2"),
            EnvoyText.attempt("a", "100.200000", "100.300000", count: "3"),
            EnvoyText.request("a", "99.000000", "100.300100", count: 3),
            EnvoyText.request("b", "99.000000", "100.300200", count: 1),
            EnvoyText.attempt("x", "120.000000", "120.100000"),
            EnvoyText.request("x", "120.000000", "120.100100", count: 1),
        ])
        let ordered = attempts.sorted { $0.startUs < $1.startUs }
        #expect(ordered.map(\.attempt) == [2, 3, 1])
        #expect(ordered.map(\.waitUs) == [0, 100_000, 0])
        #expect(report.requestsWithMissingAttempts == 1)
        #expect(report.leftOut == ["attempt_lines_missing": 1])
    }

    @Test func `lines of other moments and repeated lines are counted by name`() throws {
        let line = EnvoyText.attempt("a", "100.000000", "100.100000")
        let (report, attempts) = try imported([
            line.replacing("UpstreamEnd", with: "UpstreamPoolReady"), line, line,
            EnvoyText.request("a", "100.000000", "100.100100", count: 1),
        ])
        #expect(attempts.count == 1)
        #expect(report.leftOut["not_an_end"] == 1)
        #expect(report.leftOut.values.reduce(0, +) + report.requestLinesJoined == 3)
    }

    @Test func `memory is bounded: the oldest open request is finished when too many wait`() throws {
        var join = EnvoyJoin(openLinesMax: 10)
        var report = ImportReport()
        var ready: [Reading] = []
        var parser = EnvoyLineParser()
        for index in 0..<50 {
            let text = Array(EnvoyText.attempt("a\(index)", "100.000000", "100.1000\(10 + index)", code: 503).utf8)
            let parsed = try text.withUnsafeBytes { (bytes) throws(LineFault) in try parser.parse(bytes) }
            guard case .line(let line) = parsed else { continue }
            join.accept(line, &report, &ready)
            #expect(index + 1 - ready.count <= 10)
        }
        #expect(ready.count == 40)
        join.end(&report, &ready)
        #expect(ready.count == 50)
    }

    @Test func `rotated logs given together are read in the order of their times`() throws {
        let lines = try ImportSupport.lines(ImportSupport.log("loop.jsonl"))
        let parts = [lines[1200...], lines[..<501], lines[501..<1200]].map { $0.joined(separator: "\n") }
        let whole = MemoryTarget()
        _ = try ImportSupport.run(lines.joined(separator: "\n"), .envoy, into: whole)
        let target = MemoryTarget()
        let report = try ImportSupport.withPipe(Array(parts[0].utf8)) { first in
            try ImportSupport.withPipe(ImportSupport.gzip(Array(parts[1].utf8))) { second in
                try ImportSupport.withPipe(Array(parts[2].utf8)) { third in
                    let inputs = [first, second, third].map { ImportInput.descriptor($0, name: "part") }
                    return try AttemptImporter(format: .envoy).run(inputs: inputs, into: target)
                }
            }
        }
        #expect(report.lines == lines.count)
        #expect(report.isClosed)
        #expect(Set(target.attempts) == Set(whole.attempts))
    }

    @Test(arguments: [
        (
            #"{"t0":"1.0","t1":"2.0","code":200}"#,
            "neither v (a1 or r1) nor type (UpstreamEnd or DownstreamEnd) says what the line is"
        ),
        (#"{"v":"a2","t0":"1.0","t1":"2.0","code":200}"#, "v: is unknown: 'a2'; a1 (an attempt) or r1 (a request)"),
        (#"{"type":"Tcp","start":"1.0","emit":"2.0"}"#, "type: is unknown: 'Tcp'; UpstreamEnd or DownstreamEnd"),
        (
            #"{"v":"a1","t1":"2.0","code":200,"cl":"c"}"#,
            "t0: is missing; log \"%START_TIME(%s.%6f)%\", a text of seconds like \"1795376004.802539\""
        ),
        (
            #"{"v":"a1","t0":"2026-11-22T19:08:47.690Z","t1":"2.0","code":200,"cl":"c"}"#,
            "t0: must be a text of seconds like \"1795376004.802539\" (\"%START_TIME(%s.%6f)%\"), found '2026-11-22T19:08:47.690Z'"
        ),
        (#"{"v":"a1","t0":1.0,"t1":"2.0","code":200,"cl":"c"}"#, "t0: must be a string, found 1.0"),
        (
            #"{"v":"a1","t0":"2.0","t1":"1.0","code":200,"cl":"c"}"#,
            "the line ends before it starts (t1 < t0): the clock was set back"
        ),
        (#"{"v":"a1","t0":"1.0","t1":"2.0","cl":"c"}"#, "code: is missing; log \"%RESPONSE_CODE%\""),
        (#"{"v":"a1","t0":"1.0","t1":"2.0","code":1000,"cl":"c"}"#, "code: must be from 0 to 999, found 1000"),
        (
            #"{"v":"a1","t0":"1.0","t1":"2.0","code":200,"cl":"c","dl":"5s"}"#,
            "dl: must be a whole number from 0 to 2592000000, found '5s'"
        ),
        (
            #"{"v":"a1","t0":"1.0","t1":"2.0","code":200}"#,
            "neither route (\"%ROUTE_NAME%\") nor cl (\"%UPSTREAM_CLUSTER%\") names the attempt's route"
        ),
    ])
    func `a line that is no line of Envoy's is refused with what would be right`(line: String, reason: String) throws {
        let report = try ImportSupport.run(line, .envoy)
        #expect(report.firstRejects.first?.reason == reason + " (the input ends in this line)")
        #expect(report.isClosed)
    }
}
