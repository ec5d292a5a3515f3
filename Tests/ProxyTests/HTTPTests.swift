import NIOCore
import NIOHTTP1
import Retry
import Testing

@testable import Proxy

private let get = "GET / HTTP/1.1\r\nhost: a\r\n\r\n"

/// HTTP/1.1 between two connections: framing, fields, keep-alive.
@Suite(.timeLimit(.minutes(1)))
struct HTTPTests {
    @Test("Connections are kept on both sides and used again")
    func keepAlive() async throws {
        let upstream = try await ScriptedUpstream.start { _ in [.request, .send(answer(200, "x"))] }
        try await withProxy(hosts: [upstream.name], rule: retrying(0)) { proxy async throws in
            let wire = try await proxy.client()
            for _ in 0..<5 { #expect(try await wire.ask(get).status == 200) }
            #expect(upstream.connections == 1)
            #expect(upstream.requests.count == 5)
            let host = "host=\"\(upstream.name)\""
            #expect(try await proxy.metric("meantime_upstream_connects_total{\(host)}") == 1)
            #expect(try await proxy.metric("meantime_upstream_connections_idle{\(host)}") == 1)
        }
        await upstream.untilNoConnection()
        await upstream.stop()
    }

    @Test("A pooled connection that the host closed meanwhile is not used")
    func stalePooled() async throws {
        let upstream = try await ScriptedUpstream.start { _ in [.request, .send(answer(200, "x")), .close] }
        try await withProxy(hosts: [upstream.name], rule: retrying(0)) { proxy async throws in
            let wire = try await proxy.client()
            for _ in 0..<20 {
                #expect(try await wire.ask(get).status == 200)
                await upstream.untilNoConnection()
            }
            #expect(upstream.connections == 20)
            #expect(await proxy.sink.attempts(20).allSatisfy { $0.outcome == .success })
        }
        await upstream.stop()
    }

    @Test("A host that says more than its answer is not used again")
    func unsolicited() async throws {
        let upstream = try await ScriptedUpstream.start { request in
            [.request, .send(answer(200, "\(request.number)") + answer(200, "poison"))]
        }
        try await withProxy(hosts: [upstream.name], rule: retrying(0)) { proxy async throws in
            let wire = try await proxy.client()
            for number in 0..<5 { #expect(try await wire.ask(get).text == "\(number)") }
            #expect(upstream.connections == 5)
        }
        await upstream.stop()
    }

    @Test("A chunked body passes both ways with its trailers")
    func chunked() async throws {
        let upstream = try await ScriptedUpstream.start { _ in
            [
                .request,
                .send(
                    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
                        + "3\r\nabc\r\n4\r\ndefg\r\n0\r\nx-sum: 7\r\n\r\n"
                ),
            ]
        }
        try await withProxy(hosts: [upstream.name], rule: retrying(0)) { proxy async throws in
            let wire = try await proxy.client()
            try await wire.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n")
            await upstream.untilRequests(1)
            try await wire.send("6\r\n world\r\n0\r\nx-end: yes\r\n\r\n")
            let response = try await wire.response()
            #expect(response.text == "abcdefg")
            #expect(response.trailers == [.init(name: "x-sum", value: "7")])
            let request = await upstream.whole(0)
            #expect(String(buffer: request.body) == "hello world")
            #expect(request.trailers?["x-end"] == ["yes"])
            #expect(request.head.headers["transfer-encoding"] == ["chunked"])
            #expect(try await wire.ask(get).text == "abcdefg")
        }
        await upstream.stop()
    }

    @Test("HEAD, 204 and 304 have no body, and the connection goes on")
    func noBodies() async throws {
        let upstream = try await ScriptedUpstream.start { request in
            switch request.head.uri {
            case "/204": [.request, .send("HTTP/1.1 204 No\r\n\r\n")]
            case "/304": [.request, .send("HTTP/1.1 304 Not\r\ncontent-length: 9\r\n\r\n")]
            default: [.request, .send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n")]
            }
        }
        try await withProxy(hosts: [upstream.name], rule: retrying(0)) { proxy async throws in
            let wire = try await proxy.client()
            let head = try await wire.ask("HEAD / HTTP/1.1\r\nhost: a\r\n\r\n", method: "HEAD")
            #expect(head.status == 200)
            #expect(head["content-length"] == "9")
            let none = try await wire.ask("GET /204 HTTP/1.1\r\nhost: a\r\n\r\n")
            #expect(none.status == 204)
            #expect(none["transfer-encoding"] == nil)
            #expect(none["content-length"] == nil)
            let same = try await wire.ask("GET /304 HTTP/1.1\r\nhost: a\r\n\r\n")
            #expect(same.status == 304)
            #expect(wire.seen.bytes.isEmpty)
            #expect(upstream.connections == 1)
        }
        await upstream.stop()
    }

    @Test("A body that ends with the host's connection becomes chunks")
    func endsWithConnection() async throws {
        let upstream = try await ScriptedUpstream.start { _ in
            [.request, .send("HTTP/1.1 200 OK\r\n\r\nuntil the end"), .close]
        }
        try await withProxy(hosts: [upstream.name], rule: retrying(0)) { proxy async throws in
            let wire = try await proxy.client()
            let response = try await wire.ask(get)
            #expect(response.text == "until the end")
            #expect(response["transfer-encoding"] == "chunked")
            #expect(try await wire.ask(get).text == "until the end")
            #expect(await proxy.sink.attempts(2).allSatisfy { $0.outcome == .success })
        }
        await upstream.stop()
    }

    @Test("A client of HTTP/1.0 gets no chunks: its body ends with the connection, unless it has a length")
    func http10() async throws {
        let upstream = try await ScriptedUpstream.start { request in
            [
                .request,
                .send(
                    request.head.uri == "/length"
                        ? answer(200, "sized")
                        : "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
            ]
        }
        try await withProxy(hosts: [upstream.name], rule: retrying(0)) { proxy async throws in
            let kept = try await proxy.client()
            let sized = try await kept.ask("GET /length HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
            #expect(sized.text == "sized")
            #expect(sized["connection"] == "keep-alive")
            let rest = try await kept.ask("GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
            #expect(rest.text == "abc")
            #expect(rest["transfer-encoding"] == nil)
            #expect(rest["connection"] == "close")
            let plain = try await proxy.client()
            #expect(try await plain.ask("GET /length HTTP/1.0\r\n\r\n").text == "sized")
            await plain.untilClosed()
            #expect(upstream.requests[0].head.version == .http1_1)
        }
        await upstream.stop()
    }

    @Test("Connection: close is honoured on both sides")
    func connectionClose() async throws {
        let upstream = try await ScriptedUpstream.start { _ in
            [.request, .send(answer(200, "x", fields: "connection: close\r\n"))]
        }
        try await withProxy(hosts: [upstream.name], rule: retrying(0)) { proxy async throws in
            let wire = try await proxy.client()
            #expect(try await wire.ask(get)["connection"] == nil)
            let last = try await wire.ask("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            #expect(last["connection"] == "close")
            await wire.untilClosed()
            #expect(upstream.connections == 2)
        }
        await upstream.untilNoConnection()
        await upstream.stop()
    }

    @Test("Pipelined requests are answered in their order")
    func pipelined() async throws {
        let upstream = try await ScriptedUpstream.start { request in [.request, .send(answer(200, request.head.uri))] }
        try await withProxy(hosts: [upstream.name], rule: retrying(0)) { proxy async throws in
            let wire = try await proxy.client()
            try await wire.send((0..<50).map { "GET /\($0) HTTP/1.1\r\nhost: a\r\n\r\n" }.joined())
            for number in 0..<50 { #expect(try await wire.response().text == "/\(number)") }
        }
        await upstream.stop()
    }

    @Test("Two thousand pipelined requests that no route matches are all refused")
    func pipelinedRefusals() async throws {
        let routes = [RouteConfiguration(name: "r", match: RouteMatch(host: "b"), hosts: ["127.0.0.1:1"])]
        try await withProxy(routes: routes) { proxy async throws in
            let wire = try await proxy.client()
            try await wire.send(String(repeating: get, count: 2000))
            for _ in 0..<2000 { #expect(try await wire.response().status == 404) }
            #expect(try await proxy.metric("meantime_unrouted_requests_total") == 2000)
        }
    }

    @Test("The last answer of a connection arrives, however much the client has sent behind its request")
    func bytesBehindLastRequest() async throws {
        let upstream = try await ScriptedUpstream.start { _ in [.request, .send(answer(200, "there"))] }
        try await withProxy(hosts: [upstream.name], rule: retrying(0)) { proxy async throws in
            for _ in 0..<50 {
                let wire = try await proxy.client()
                try await wire.send(
                    "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n" + String(repeating: get, count: 8000))
                #expect(try await wire.response().text == "there")
                await wire.untilClosed()
            }
            #expect(upstream.requests.count == 50)
        }
        await upstream.stop()
    }

    @Test("100 Continue comes from the host, and the body goes only then")
    func continues() async throws {
        let upstream = try await ScriptedUpstream.start { _ in
            [.send("HTTP/1.1 100 Continue\r\n\r\n"), .request, .send(answer(200, "thanks"))]
        }
        try await withProxy(hosts: [upstream.name], rule: retrying(0)) { proxy async throws in
            let wire = try await proxy.client()
            try await wire.send(
                "PUT / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n")
            #expect(try await wire.response().status == 100)
            try await wire.send("body")
            #expect(try await wire.response().text == "thanks")
            #expect(upstream.requests[0].head.headers["expect"] == ["100-continue"])
        }
        await upstream.stop()
    }

    @Test("A host that refuses before the body is heard at once, and the connection is closed")
    func refusesBeforeBody() async throws {
        let upstream = try await ScriptedUpstream.start { _ in [.send(answer(413, "too large"))] }
        try await withProxy(hosts: [upstream.name], rule: retrying(1)) { proxy async throws in
            let wire = try await proxy.client()
            try await wire.send(
                "PUT / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4000000\r\n\r\n")
            let response = try await wire.response()
            #expect(response.status == 413)
            #expect(response["connection"] == "close")
            await wire.untilClosed()
        }
        await upstream.untilNoConnection()
        await upstream.stop()
    }

    @Test("Early hints reach the client before the answer")
    func earlyHints() async throws {
        let upstream = try await ScriptedUpstream.start { _ in
            [.request, .send("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + answer(200, "x"))]
        }
        try await withProxy(hosts: [upstream.name], rule: retrying(0)) { proxy async throws in
            let wire = try await proxy.client()
            let hints = try await wire.ask(get)
            #expect(hints.status == 103)
            #expect(hints["link"] == "</a>")
            #expect(try await wire.response().text == "x")
        }
        await upstream.stop()
    }

    @Test("Fields for this hop only go no further, and the client cannot name others away")
    func hopByHop() async throws {
        let upstream = try await ScriptedUpstream.start { _ in
            [
                .request,
                .send(
                    answer(200, "x", fields: "connection: x-own\r\nx-own: 1\r\nkeep-alive: timeout=5\r\nx-all: 2\r\n")),
            ]
        }
        try await withProxy(hosts: [upstream.name], rule: retrying(0)) { proxy async throws in
            let response = try await proxy.ask(
                "GET / HTTP/1.1\r\nhost: a\r\nConnection: x-mine, content-length, host\r\nX-Mine: 1\r\nTE: trailers\r\n"
                    + "X-Forwarded-For: 10.0.0.9\r\ncontent-length: 2\r\n\r\nhi")
            #expect(response["x-own"] == nil)
            #expect(response["keep-alive"] == nil)
            #expect(response["x-all"] == "2")
            let request = await upstream.whole(0)
            #expect(request.head.headers["x-mine"].isEmpty)
            #expect(request.head.headers["te"].isEmpty)
            #expect(request.head.headers["host"] == ["a"])
            #expect(request.head.headers["x-forwarded-for"] == ["10.0.0.9, 127.0.0.1"])
            #expect(String(buffer: request.body) == "hi")
        }
        await upstream.stop()
    }

    @Test("An upgrade is not taken: the request goes on without it, and the connection ends with the answer")
    func upgrade() async throws {
        let upstream = try await ScriptedUpstream.start { _ in [.request, .send(answer(200, "plain"))] }
        try await withProxy(hosts: [upstream.name], rule: retrying(0)) { proxy async throws in
            let wire = try await proxy.client()
            let response = try await wire.ask(
                "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
            #expect(response.text == "plain")
            #expect(response["connection"] == "close")
            await wire.untilClosed()
            #expect(upstream.requests[0].head.headers["upgrade"].isEmpty)
        }
        await upstream.stop()
    }

    @Test(
        "What is no proper request is refused with its status and the connection closed",
        arguments: [
            ("GARBAGE\r\n\r\n", 400), ("GET / HTTP/1.1\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabc", 400),
            ("GET / HTTP/1.1\r\nhost: a\r\nx : y\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nhost:\r\n\r\n", 400), ("GET / HTTP/1.1\r\nhost: a/b\r\n\r\n", 400),
            ("GET /#x HTTP/1.1\r\nhost: a\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n\r\n0\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400),
            ("CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n", 501),
            ("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
            ("GET / HTTP/1.1\r\nhost: a\r\nx: \(String(repeating: "y", count: 70_000))\r\n\r\n", 431),
        ])
    func refused(request: String, status: Int) async throws {
        let upstream = try await ScriptedUpstream.start { _ in [.request, .send(answer(200))] }
        try await withProxy(hosts: [upstream.name], rule: retrying(0)) { proxy async throws in
            let wire = try await proxy.client()
            let response = try await wire.ask(request)
            #expect(response.status == status)
            #expect(response["connection"] == "close")
            await wire.untilClosed()
            #expect(upstream.requests.isEmpty)
            #expect(try await proxy.metric("meantime_bad_requests_total") == 1)
        }
        await upstream.stop()
    }

    @Test("Routes match by host, path and method, the first in the file wins")
    func routes() async throws {
        let upstream = try await ScriptedUpstream.start { _ in [.request, .send(answer(200))] }
        let routes = [
            RouteConfiguration(
                name: "pay", match: RouteMatch(host: "shop", pathPrefix: "/pay", methods: ["POST"]),
                hosts: [upstream.name]),
            RouteConfiguration(name: "shop", match: RouteMatch(host: "shop"), hosts: [upstream.name]),
        ]
        try await withProxy(routes: routes) { proxy async throws in
            let wire = try await proxy.client()
            for request in [
                "POST /pay?x HTTP/1.1\r\nhost: SHOP:80\r\ncontent-length: 0\r\n\r\n",
                "GET /pay HTTP/1.1\r\nhost: shop\r\n\r\n",
                "POST /payments HTTP/1.1\r\nhost: shop\r\ncontent-length: 0\r\n\r\n",
                "GET http://shop/abs?y HTTP/1.1\r\nhost: other\r\n\r\n",
            ] {
                #expect(try await wire.ask(request).status == 200)
            }
            #expect(await proxy.sink.attempts(4).map(\.route) == ["pay", "shop", "shop", "shop"])
            let absolute = await upstream.whole(3)
            #expect(absolute.head.uri == "/abs?y")
            #expect(absolute.head.headers["host"] == ["shop"])
            let none = try await wire.ask("GET / HTTP/1.1\r\nhost: elsewhere\r\n\r\n")
            #expect(none.status == 404)
            #expect(none.text.contains("no route"))
        }
        await upstream.stop()
    }
}
