import NIOHTTP1
import Retry
import Testing

@testable import Proxy

@Suite(.timeLimit(.minutes(1)))
struct ProxyServerTests {
    @Test("A request goes to the route's host and its answer comes back, and the attempt is logged")
    func passesThrough() async throws {
        let upstream = try await ScriptedUpstream.start { _ in [.request, .send(answer(200, "hello"))] }
        try await withProxy(hosts: [upstream.name], rule: retrying(1)) { proxy async throws in
            let response = try await proxy.ask("GET /x?y=1 HTTP/1.1\r\nhost: a.example:80\r\n\r\n")
            #expect(response.status == 200)
            #expect(response.text == "hello")
            let attempt = try #require(await proxy.sink.attempts(1).first)
            #expect(attempt.outcome == .success)
            #expect(attempt.status == 200)
            #expect(attempt.route == "r")
            #expect(attempt.host == upstream.name)
            #expect(attempt.attempt == 1)
            #expect(attempt.method == "GET")
            #expect(attempt.ruleVersion == 7)
            #expect(attempt.timeoutUs == 20_000_000)
            let request = await upstream.whole(0)
            #expect(request.head.uri == "/x?y=1")
            #expect(request.head.headers["host"] == ["a.example:80"])
            #expect(request.head.headers["x-forwarded-for"] == ["127.0.0.1"])
        }
        await upstream.stop()
    }

    @Test("A retryable failure is retried on the host that was not tried")
    func retriesElsewhere() async throws {
        let bad = try await ScriptedUpstream.start { _ in [.request, .send(answer(503, "no"))] }
        let good = try await ScriptedUpstream.start { _ in [.request, .send(answer(200, "yes"))] }
        try await withProxy(hosts: [bad.name, good.name], rule: retrying(1)) { proxy async throws in
            for _ in 0..<4 {
                let response = try await proxy.ask("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
                #expect(response.status == 200)
                #expect(response.text == "yes")
            }
            let attempts = await proxy.sink.attempts(6)
            #expect(
                attempts.filter { $0.host == bad.name }.allSatisfy { $0.outcome == .errorStatus && $0.status == 503 })
            #expect(attempts.filter { $0.host == good.name }.count == 4)
            #expect(bad.requests.count == 2)
        }
        await bad.stop()
        await good.stop()
    }
}
