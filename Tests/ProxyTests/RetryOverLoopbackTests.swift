import NIOCore
import NIOHTTP1
import Retry
import Testing

@testable import Proxy

private let get = "GET / HTTP/1.1\r\nhost: a\r\n\r\n"
private let post = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nbody"

/// Retries, and each reason for which one is refused: the client gets the last real answer.
@Suite(.timeLimit(.minutes(1)))
struct RetryOverLoopbackTests {
    private func verdicts(_ proxy: RunningProxy, _ verdict: RetryMachine.Verdict) async throws -> Double? {
        try await proxy.metric("meantime_verdicts_total{route=\"r\",verdict=\"\(verdict.rawValue)\"}")
    }

    @Test("A POST that may have been executed is not retried")
    func notIdempotent() async throws {
        let upstream = try await ScriptedUpstream.start { _ in [.request, .send(answer(503, "first"))] }
        try await withProxy(hosts: [upstream.name], rule: retrying(3)) { proxy async throws in
            let response = try await proxy.ask(post, method: "POST")
            #expect(response.status == 503)
            #expect(response.text == "first")
            #expect(response["x-meantime-verdict"] == "not_idempotent")
            #expect(try await verdicts(proxy, .notIdempotent) == 1)
            #expect(proxy.sink.attempts.count == 1)
        }
        await upstream.stop()
    }

    @Test("A POST on a route that says it is idempotent is retried, body and all")
    func idempotentRoute() async throws {
        let upstream = try await ScriptedUpstream.start { request in
            [.request, .send(request.number == 0 ? answer(503) : answer(200, "second"))]
        }
        try await withProxy(hosts: [upstream.name], idempotent: true, rule: retrying(3)) { proxy async throws in
            let response = try await proxy.ask(post, method: "POST")
            #expect(response.text == "second")
            #expect(response["x-meantime-verdict"] == nil)
            #expect(String(buffer: await upstream.whole(1).body) == "body")
            #expect(try await verdicts(proxy, .success) == 1)
            #expect(try await proxy.metric("meantime_retries_total{route=\"r\"}") == 1)
        }
        await upstream.stop()
    }

    @Test("A POST that was never sent is retried on the other host")
    func neverSent() async throws {
        let good = try await ScriptedUpstream.start { _ in [.request, .send(answer(201, "made"))] }
        let dead = try DeadHost()
        try await withProxy(hosts: [dead.name, good.name], rule: retrying(1)) { proxy async throws in
            #expect(try await proxy.ask(post, method: "POST").status == 201)
            let attempts = await proxy.sink.attempts(2)
            #expect(attempts.map(\.outcome) == [.connectFailure, .success])
            #expect(attempts.map(\.host) == [dead.name, good.name])
        }
        withExtendedLifetime(dead) {}
        await good.stop()
    }

    @Test("A failure that the rule does not name is not retried")
    func notRetryable() async throws {
        let upstream = try await ScriptedUpstream.start { _ in [.request, .send(answer(501, "never"))] }
        try await withProxy(hosts: [upstream.name], rule: retrying(3, on: [.http(503)])) { proxy async throws in
            let response = try await proxy.ask(get)
            #expect(response.text == "never")
            #expect(response["x-meantime-verdict"] == "not_retryable")
            #expect(try await verdicts(proxy, .notRetryable) == 1)
        }
        await upstream.stop()
    }

    @Test("When all retries are used the client gets the last answer")
    func retriesExhausted() async throws {
        let upstream = try await ScriptedUpstream.start { request in
            [.request, .send(answer(503, "answer \(request.number)"))]
        }
        try await withProxy(hosts: [upstream.name], rule: retrying(2)) { proxy async throws in
            let response = try await proxy.ask(get)
            #expect(response.text == "answer 2")
            #expect(response["x-meantime-verdict"] == "retries_exhausted")
            #expect(try await verdicts(proxy, .retriesExhausted) == 1)
        }
        await upstream.stop()
    }

    @Test("When the last attempt gives no answer the client gets the last real one, whole")
    func lastRealAnswer() async throws {
        let upstream = try await ScriptedUpstream.start { request in
            request.number == 0
                ? [.request, .send(answer(503, "the real one", fields: "x-own: 1\r\n"))] : [.request, .reset]
        }
        try await withProxy(hosts: [upstream.name], rule: retrying(1)) { proxy async throws in
            let response = try await proxy.ask(get)
            #expect(response.status == 503)
            #expect(response.text == "the real one")
            #expect(response["x-own"] == "1")
            #expect(response["x-meantime-verdict"] == "retries_exhausted")
            #expect(await proxy.sink.attempts(2).map(\.outcome) == [.errorStatus, .reset])
        }
        await upstream.stop()
    }

    @Test("A real answer that is too long to keep still gives its status")
    func answerTooLong() async throws {
        let upstream = try await ScriptedUpstream.start { request in
            if request.number > 0 { return [.request, .reset] }
            return [.request, .send("HTTP/1.1 503 Long\r\ncontent-length: 1000000\r\n\r\n"), .stream(1_000_000)]
        }
        try await withProxy(hosts: [upstream.name], rule: retrying(1)) { proxy async throws in
            let response = try await proxy.ask(get)
            #expect(response.status == 503)
            #expect(response.text.contains("retries_exhausted"))
            await upstream.untilNoConnection()
        }
        await upstream.stop()
    }

    @Test("A budget that is used up refuses, and the client gets the real answer")
    func budgetExhausted() async throws {
        let upstream = try await ScriptedUpstream.start { _ in [.request, .send(answer(503, "no"))] }
        let budget = BudgetPolicy(ratio: 0.5, minPerSecond: 0, windowUs: 3_600_000_000)
        try await withProxy(hosts: [upstream.name], rule: retrying(1, budget: budget)) { proxy async throws in
            var seen: [String?] = []
            for _ in 0..<10 { seen.append(try await proxy.ask(get)["x-meantime-verdict"]) }
            // After n requests floor(n / 2) retries are allowed in all.
            #expect(seen.count { $0 == "retries_exhausted" } == 5)
            #expect(seen.count { $0 == "budget_exhausted" } == 5)
            #expect(seen.first == "budget_exhausted")
            #expect(upstream.requests.count == 15)
            #expect(try await verdicts(proxy, .budgetExhausted) == 5)
        }
        await upstream.stop()
    }

    @Test("A retry that would begin after the deadline is not waited for")
    func deadline() async throws {
        let upstream = try await ScriptedUpstream.start { _ in
            [.request, .send(answer(503, "later", fields: "retry-after: 100\r\n"))]
        }
        try await withProxy(hosts: [upstream.name], rule: retrying(1)) { proxy async throws in
            let response = try await proxy.ask(get)
            #expect(response.text == "later")
            #expect(response["retry-after"] == "100")
            #expect(response["x-meantime-verdict"] == "deadline")
            #expect(try await verdicts(proxy, .deadline) == 1)
            #expect(proxy.sink.attempts.first?.retryAfterUs == 100_000_000)
        }
        await upstream.stop()
    }

    @Test("A body of 64 KiB is replayed, one byte more is forwarded and not retried", arguments: [65_536, 65_537])
    func replayLimit(size: Int) async throws {
        let upstream = try await ScriptedUpstream.start { request in
            [.request, .send(request.number == 0 ? answer(503, "real") : answer(200, "second"))]
        }
        try await withProxy(hosts: [upstream.name], rule: retrying(1)) { proxy async throws in
            let wire = try await proxy.client()
            try await wire.send("PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: \(size)\r\n\r\n")
            try await wire.send(ByteBuffer(repeating: 122, count: size))
            let response = try await wire.response()
            #expect(await upstream.whole(0).body.readableBytes == size)
            if size == 65_536 {
                #expect(response.text == "second")
                #expect(await upstream.whole(1).body == ByteBuffer(repeating: 122, count: size))
            } else {
                #expect(response.text == "real")
                #expect(response["x-meantime-verdict"] == "body_not_replayable")
                #expect(try await verdicts(proxy, .bodyNotReplayable) == 1)
            }
        }
        await upstream.stop()
    }

    @Test("A large body whose first host does not even connect is not lost")
    func largeBodyNeverSent() async throws {
        let good = try await ScriptedUpstream.start { _ in [.request, .send(answer(200, "took it"))] }
        let dead = try DeadHost()
        try await withProxy(hosts: [dead.name, good.name], rule: retrying(1)) { proxy async throws in
            let wire = try await proxy.client()
            try await wire.send("PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 300000\r\n\r\n")
            try await wire.send(ByteBuffer(repeating: 122, count: 300_000))
            #expect(try await wire.response().text == "took it")
            #expect(good.bodyBytes == 300_000)
        }
        withExtendedLifetime(dead) {}
        await good.stop()
    }

    @Test("A rule without retries says so")
    func noRetries() async throws {
        let upstream = try await ScriptedUpstream.start { _ in [.request, .send(answer(503))] }
        try await withProxy(hosts: [upstream.name], rule: Rule(timeoutUs: 5_000_000)) { proxy async throws in
            #expect(try await proxy.ask(get)["x-meantime-verdict"] == "no_retries")
            #expect(try await verdicts(proxy, .noRetries) == 1)
        }
        await upstream.stop()
    }
}
