import NIOCore
import NIOHTTP1
import Retry
import Testing

@testable import Proxy

private let get = "GET / HTTP/1.1\r\nhost: a\r\n\r\n"
private let post = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nbody"

/// Each way in which an attempt can end: what the client gets, and what is logged.
@Suite(.timeLimit(.minutes(1)))
struct OutcomeTests {
    @Test("A host that never answers is cut off at the per-try limit: timeout, 504")
    func timeout() async throws {
        let upstream = try await ScriptedUpstream.start { _ in [.request] }
        try await withProxy(hosts: [upstream.name], rule: retrying(0, perTryTimeoutUs: 30_000)) { proxy async throws in
            let response = try await proxy.ask(get)
            #expect(response.status == 504)
            #expect(response["x-meantime-verdict"] == "no_retries")
            #expect(response.text.contains("timeout"))
            let attempt = try #require(await proxy.sink.attempts(1).first)
            #expect(attempt.outcome == .timeout)
            #expect(attempt.status == 0)
            #expect(attempt.timeoutUs == 30_000)
            #expect(attempt.durationUs >= 30_000)
        }
        await upstream.stop()
    }

    @Test("A host that closes without an answer is a reset: 502", arguments: [true, false])
    func reset(byRST: Bool) async throws {
        let upstream = try await ScriptedUpstream.start { _ in [.request, byRST ? .reset : .close] }
        try await withProxy(hosts: [upstream.name], rule: retrying(0)) { proxy async throws in
            let response = try await proxy.ask(get)
            #expect(response.status == 502)
            #expect(response.text.contains("reset"))
            #expect(await proxy.sink.attempts(1).map(\.outcome) == [.reset])
        }
        await upstream.stop()
    }

    @Test("A host where nobody listens is a connect failure: 503")
    func connectFailure() async throws {
        let dead = try DeadHost()
        try await withProxy(hosts: [dead.name], rule: retrying(0)) { proxy async throws in
            let response = try await proxy.ask(get)
            #expect(response.status == 503)
            #expect(response.text.contains("connect_failure"))
            #expect(response["connection"] == nil)
            #expect(await proxy.sink.attempts(1).map(\.outcome) == [.connectFailure])
        }
        withExtendedLifetime(dead) {}
    }

    @Test("A name that does not resolve is a connect failure")
    func unknownName() async throws {
        try await withProxy(hosts: ["no-such-name.invalid:80"], rule: retrying(0)) { proxy async throws in
            #expect(try await proxy.ask(get).status == 503)
            #expect(await proxy.sink.attempts(1).map(\.outcome) == [.connectFailure])
        }
    }

    @Test("A response that fails by its status goes through with its body and its own status")
    func errorStatus() async throws {
        let upstream = try await ScriptedUpstream.start { _ in
            [.request, .send(answer(500, "sorry", fields: "x-own: 1\r\n"))]
        }
        try await withProxy(hosts: [upstream.name], rule: retrying(0)) { proxy async throws in
            let response = try await proxy.ask(get)
            #expect(response.status == 500)
            #expect(response.text == "sorry")
            #expect(response["x-own"] == "1")
            #expect(response["x-meantime-verdict"] == "no_retries")
            let attempt = try #require(await proxy.sink.attempts(1).first)
            #expect(attempt.outcome == .errorStatus)
            #expect(attempt.status == 500)
        }
        await upstream.stop()
    }

    @Test("429 is rate limited, its Retry-After is logged, and it is the least wait")
    func rateLimited() async throws {
        let upstream = try await ScriptedUpstream.start { request in
            [.request, .send(request.number == 0 ? answer(429, fields: "retry-after: 1\r\n") : answer(200, "ok"))]
        }
        try await withProxy(hosts: [upstream.name], rule: retrying(1)) { proxy async throws in
            // A POST: what was refused for load was not executed.
            let response = try await proxy.ask(post, method: "POST")
            #expect(response.status == 200)
            let attempts = await proxy.sink.attempts(2)
            #expect(attempts.map(\.outcome) == [.rateLimited, .success])
            #expect(attempts[0].retryAfterUs == 1_000_000)
            #expect(attempts[1].waitUs >= 1_000_000)
            #expect(attempts[0].request == attempts[1].request)
            #expect(attempts.map(\.attempt) == [1, 2])
        }
        await upstream.stop()
    }

    @Test("A body that stops half way is a reset, and the client's connection is broken off", arguments: [0, 1, 2])
    func halfBody(way: Int) async throws {
        let upstream = try await ScriptedUpstream.start { _ in
            [
                .request, .send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"),
                [.close, .halfClose, .reset][way],
            ]
        }
        try await withProxy(hosts: [upstream.name], rule: retrying(3)) { proxy async throws in
            let wire = try await proxy.client()
            try await wire.send(get)
            await wire.untilClosed()
            let attempt = try #require(await proxy.sink.attempts(1).first)
            #expect(attempt.outcome == .reset)
            #expect(attempt.status == 200)
            #expect(try await proxy.metric("meantime_verdicts_total{route=\"r\",verdict=\"response_started\"}") == 1)
            #expect(proxy.sink.attempts.count == 1)
        }
        await upstream.stop()
    }

    @Test("A chunked body without its last chunk is a reset")
    func unfinishedChunks() async throws {
        let upstream = try await ScriptedUpstream.start { _ in
            [.request, .send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n"), .halfClose]
        }
        try await withProxy(hosts: [upstream.name], rule: retrying(3)) { proxy async throws in
            let wire = try await proxy.client()
            try await wire.send(get)
            let bytes = await wire.untilClosed()
            #expect(!String(decoding: bytes, as: UTF8.self).hasSuffix("0\r\n\r\n"))
            #expect(await proxy.sink.attempts(1).map(\.outcome) == [.reset])
        }
        await upstream.stop()
    }

    @Test(
        "An answer that is no HTTP, or frames its body twice, is a reset",
        arguments: [
            "SSH-2.0-OpenSSH\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n",
        ])
    func notHTTP(text: String) async throws {
        let upstream = try await ScriptedUpstream.start { _ in [.request, .send(text)] }
        try await withProxy(hosts: [upstream.name], rule: retrying(0)) { proxy async throws in
            #expect(try await proxy.ask(get).status == 502)
            #expect(await proxy.sink.attempts(1).map(\.outcome) == [.reset])
        }
        await upstream.stop()
    }

    @Test("A client that goes away cancels the attempt, and the host's connection is closed", arguments: [true, false])
    func clientGone(byRST: Bool) async throws {
        let upstream = try await ScriptedUpstream.start { _ in [.request] }
        try await withProxy(hosts: [upstream.name], rule: retrying(3)) { proxy async throws in
            let wire = try await proxy.client()
            try await wire.send(get)
            _ = await upstream.whole(0)
            if byRST { await wire.reset() } else { await wire.close() }
            let attempts = await proxy.sink.attempts(1)
            #expect(attempts.map(\.outcome) == [.cancelled])
            await upstream.untilNoConnection()
            #expect(try await proxy.metric("meantime_verdicts_total{route=\"r\",verdict=\"client_gone\"}") == 1)
        }
        await upstream.stop()
    }

    @Test("A client that goes away in the middle of an answer cancels it")
    func clientGoneMidBody() async throws {
        let upstream = try await ScriptedUpstream.start { _ in
            [.request, .send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")]
        }
        try await withProxy(hosts: [upstream.name], rule: retrying(3)) { proxy async throws in
            let wire = try await proxy.client()
            try await wire.send(get)
            _ = await wire.until { seen in seen.bytes.count > 20 ? true : nil }
            await wire.close()
            let attempt = try #require(await proxy.sink.attempts(1).first)
            #expect(attempt.outcome == .cancelled)
            #expect(attempt.status == 200)
            await upstream.untilNoConnection()
        }
        await upstream.stop()
    }

    @Test("A gRPC status in the head decides")
    func grpc() async throws {
        let upstream = try await ScriptedUpstream.start { request in
            let status = request.number == 0 ? 14 : 5
            return [
                .request, .send(answer(200, fields: "content-type: application/grpc\r\ngrpc-status: \(status)\r\n")),
            ]
        }
        try await withProxy(hosts: [upstream.name], rule: retrying(1, on: [.grpc(14)])) { proxy async throws in
            #expect(try await proxy.ask(get)["grpc-status"] == "5")
            let attempts = await proxy.sink.attempts(2)
            #expect(attempts.map(\.outcome) == [.errorStatus, .success])
            #expect(attempts.map(\.status) == [14, 5])
            #expect(attempts.allSatisfy { $0.isGRPC })
        }
        await upstream.stop()
    }
}
