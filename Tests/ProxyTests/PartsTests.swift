import NIOCore
import NIOEmbedded
import NIOHTTP1
import Retry
import Testing

@testable import Proxy

/// The small parts, each by itself.
struct PartsTests {
    @Test(
        "Retry-After is seconds or a date, and never more than an hour",
        arguments: [
            ("5", 5_000_000), (" 0 ", 0), ("3600", 3_600_000_000), ("99999999999999999999", 3_600_000_000), ("-1", 0),
            ("soon", 0), ("", 0), ("Sun, 06 Nov 1994 08:49:47 GMT", 10_000_000), ("Sun, 06 Nov 1994 08:49:27 GMT", 0),
            ("Mon, 07 Nov 1994 08:49:37 GMT", 3_600_000_000), ("Sun, 06 Foo 1994 08:49:47 GMT", 0),
        ])
    func retryAfter(text: String, us: Int64) {
        // 1994-11-06T08:49:37Z
        #expect(RetryAfter.parse(text, wallUs: 784_111_777_000_000) == us)
    }

    @Test(
        "A head is classified by its status",
        arguments: [
            (200, nil, nil, Outcome.success, 200, false), (404, nil, nil, .success, 404, false),
            (429, nil, nil, .rateLimited, 429, false), (500, nil, nil, .errorStatus, 500, false),
            (200, "application/grpc", "0", .success, 0, true),
            (200, "application/grpc+proto", "14", .errorStatus, 14, true),
            (200, "application/grpc", "8", .rateLimited, 8, true), (200, "application/grpc", "5", .success, 5, true),
            (200, "text/plain", "14", .success, 200, false), (503, "application/grpc", "14", .errorStatus, 503, false),
        ] as [(Int, String?, String?, Outcome, Int, Bool)])
    func classification(http: Int, type: String?, grpc: String?, outcome: Outcome, status: Int, isGRPC: Bool) {
        var head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: http))
        if let type { head.headers.add(name: "content-type", value: type) }
        if let grpc { head.headers.add(name: "grpc-status", value: grpc) }
        let wanted = Classification(outcome: outcome, status: status, isGRPC: isGRPC, retryAfterUs: 0)
        #expect(ResponseClassifier.classify(head, wallUs: { 0 }) == wanted)
    }

    @Test("Samples of a family stand together under one head, and labels are escaped")
    func metricsText() {
        let text = MetricsText.write([
            Metric("a_total", .counter, help: "An \\ A.\nTwo", labels: [.init("l", "x\"\\\ny")], value: 1),
            Metric("b", .gauge, help: "B.", value: 0.25), Metric("a_total", .counter, help: "", value: 1e6),
            Metric("h", .histogram, help: "H.", suffix: "_bucket", labels: [.init("le", "+Inf")], value: .infinity),
        ])
        #expect(
            text == """
                # HELP a_total An \\\\ A.\\nTwo
                # TYPE a_total counter
                a_total{l="x\\"\\\\\\ny"} 1
                a_total 1000000
                # HELP b B.
                # TYPE b gauge
                b 0.25
                # HELP h H.
                # TYPE h histogram
                h_bucket{le="+Inf"} +Inf

                """)
    }

    @Test("A histogram's buckets add up and a time on a bound belongs below it")
    func histogram() {
        let metrics = RouteMetrics()
        for us: Int64 in [500, 501, 29_999_999, 30_000_001] {
            metrics.requestEnded(status: 200, verdict: .success, latencyUs: us)
        }
        let samples = metrics.samples(route: "r").filter { $0.kind == .histogram }
        func bucket(_ bound: String) -> Double? { samples.first { $0.labels.last?.value == bound }?.value }
        #expect(bucket("0.0005") == 1)
        #expect(bucket("0.001") == 2)
        #expect(bucket("10.0") == 2)
        #expect(bucket("30.0") == 3)
        #expect(bucket("+Inf") == 4)
        #expect(samples.last?.value == 4)
        #expect(samples.dropLast().last?.value == 60.001001)
    }

    @Test("The replay copy is whole up to its limit and gone beyond, but never while it is the only one")
    func replay() {
        var replay = RequestReplay(limit: 4)
        replay.append(ByteBuffer(string: "abc"), isForwarded: true)
        #expect(replay.isWhole && !replay.isFull)
        replay.append(ByteBuffer(string: "d"), isForwarded: true)
        #expect(replay.isWhole && replay.isFull)
        #expect(String(buffer: replay.takeForSending()) == "abcd")
        #expect(replay.isWhole)
        replay.append(ByteBuffer(string: "e"), isForwarded: true)
        #expect(!replay.isWhole)
        #expect(replay.body.readableBytes == 0)

        var unsent = RequestReplay(limit: 4)
        unsent.append(ByteBuffer(string: "abcdef"), isForwarded: false)
        #expect(unsent.isWhole && unsent.isFull)
        #expect(String(buffer: unsent.takeForSending()) == "abcdef")
        #expect(!unsent.isWhole)
    }

    @Test(
        "A target names host, path and what the host is sent",
        arguments: [
            ("/a?b", ["X:80"], "x", "/a", "/a?b"), ("http://Y:8/c?d", ["x"], "y", "/c", "/c?d"),
            ("HTTPS://y?d", ["x"], "y", "/", "/?d"), ("*", ["x"], "x", "/", "*"),
            ("/a", ["[::1]:8080"], "[::1]", "/a", "/a"),
            ("/http://z/", ["x"], "x", "/http://z/", "/http://z/"),
        ])
    func target(uri: String, hosts: [String], host: String, path: String, sent: String) throws {
        let head = HTTPRequestHead(
            version: .http1_1, method: .GET, uri: uri, headers: HTTPHeaders(hosts.map { ("host", $0) }))
        let target = try #require(RequestTarget(head))
        #expect(target.host == host)
        #expect(target.path == path)
        #expect(target.uri == sent)
    }

    @Test(
        "A target that could mean two things is none",
        arguments: [
            ("/", [String]()), ("/", ["a", "b"]), ("a:443", ["a"]), ("http://u@a/", ["a"]),
            ("/", [""]), ("/", ["a/b"]), ("/", ["a?b"]), ("/a#b", ["a"]), ("http:///a", ["a"]), ("http://b/", [""]),
            ("/", [":80"]), ("/", ["a, b"]),
        ])
    func noTarget(uri: String, hosts: [String]) {
        let head = HTTPRequestHead(
            version: .http1_1, method: .GET, uri: uri, headers: HTTPHeaders(hosts.map { ("host", $0) }))
        #expect(RequestTarget(head) == nil)
    }

    @Test("First attempts go round; retries draw from what was not tried, then from all but the last")
    func picks() throws {
        let hosts = ["a:1", "b:1", "c:1"]
        let route = try RouteTable([RouteConfiguration(name: "r", hosts: hosts)]).routes[0]
        #expect((0..<6).map { _ in route.pick(.any, tried: [], unit: { 0.9 }) } == [0, 1, 2, 0, 1, 2])
        #expect(route.pick(.other, tried: [1], unit: { 0 }) == 0)
        #expect(route.pick(.other, tried: [1], unit: { 0.999 }) == 2)
        #expect(route.pick(.other, tried: [1, 0], unit: { 0.5 }) == 2)
        #expect(route.pick(.other, tried: [1, 0, 2], unit: { 0 }) == 0)
        #expect(route.pick(.other, tried: [1, 0, 2], unit: { 0.999 }) == 1)
        #expect(route.pick(.any, tried: [1], unit: { 0.5 }) == 1)
        #expect(route.pick(.any, tried: [], unit: { 0 }) == 0)
    }

    @Test("A timer that is put off fires once, at the last instant it was given")
    func timer() {
        let loop = EmbeddedEventLoop()
        let timer = LoopTimer(loop: loop)
        var fired: [Int64] = []
        timer.onDue = { fired.append(loop.nowUs) }
        timer.arm(100)
        timer.arm(300)
        loop.advanceTime(by: .microseconds(299))
        #expect(fired.isEmpty)
        loop.advanceTime(by: .microseconds(1))
        #expect(fired == [300])
        timer.arm(900)
        timer.arm(400)
        loop.advanceTime(by: .microseconds(100))
        #expect(fired == [300, 400])
        timer.arm(500)
        timer.arm(nil)
        loop.advanceTime(by: .microseconds(1000))
        #expect(fired == [300, 400])
        timer.arm(2000)
        timer.stop()
        loop.advanceTime(by: .microseconds(5000))
        #expect(fired == [300, 400])
    }

    @Test(
        "An endpoint is address and port",
        arguments: [
            ("10.0.0.1:80", "10.0.0.1", 80), ("[::1]:0", "::1", 0), ("name.example:65535", "name.example", 65_535),
        ])
    func endpoint(text: String, address: String, port: Int) throws {
        let endpoint = try #require(Endpoint(text))
        #expect(endpoint.address == address)
        #expect(endpoint.port == port)
    }

    @Test("What is no endpoint is none", arguments: ["10.0.0.1", ":80", "a:65536", "a:-1", "[]:1", ""])
    func noEndpoint(text: String) { #expect(Endpoint(text) == nil) }
}
