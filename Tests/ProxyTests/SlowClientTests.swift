import NIOEmbedded
import Retry
import Testing

@testable import Proxy

private let half = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n1"

/// How slow a client is is no host's failure.
struct SlowClientTests {
    @Test("The per-try limit and the duration run from the moment the whole request was sent")
    func clock() throws {
        let stage = try Stage(rule: retrying(0, perTryTimeoutUs: 100_000))
        try stage.say(half)
        let host = try stage.establish()
        stage.pass(5_000_000)
        #expect(stage.sink.attempts.isEmpty)
        try stage.say("234567890")
        stage.pass(99_999)
        #expect(stage.sink.attempts.isEmpty)
        try stage.say(answer(200, "in time"), to: host)
        #expect(try stage.heard().hasSuffix("in time"))
        let attempt = try #require(stage.sink.attempts.first)
        #expect(attempt.outcome == .success)
        #expect(attempt.durationUs == 99_999)
        #expect(attempt.timeoutUs == 100_000)
        #expect(attempt.startUs == 1_000_005_000_000)
        stage.finish()
    }

    @Test(
        "From the whole request on the per-try limit cuts, and no later than the request's timeout", arguments: [0, 1])
    func cut(way: Int) throws {
        let stage = try Stage(rule: retrying(0, perTryTimeoutUs: 100_000, timeoutUs: way == 0 ? nil : 240_000))
        try stage.say(half)
        _ = try stage.establish()
        stage.pass(200_000)
        try stage.say("234567890")
        let limitUs: Int64 = way == 0 ? 100_000 : 40_000
        stage.pass(limitUs - 1)
        #expect(stage.sink.attempts.isEmpty)
        stage.pass(1)
        #expect(stage.sink.attempts.map(\.outcome) == [.timeout])
        #expect(stage.sink.attempts.map(\.durationUs) == [limitUs])
        #expect(stage.sink.attempts.map(\.timeoutUs) == [limitUs])
        #expect(try stage.heard().hasPrefix("HTTP/1.1 504 "))
        stage.finish()
    }

    @Test("A request that is not whole at its timeout is cancelled, not the host's timeout: 408, no retry")
    func neverWhole() throws {
        let stage = try Stage(rule: retrying(3, perTryTimeoutUs: 50_000, timeoutUs: 150_000))
        try stage.say(half)
        let host = try stage.establish()
        stage.pass(149_999)
        #expect(stage.sink.attempts.isEmpty)
        stage.pass(1)
        #expect(stage.sink.attempts.map(\.outcome) == [.cancelled])
        #expect(stage.sink.attempts.map(\.durationUs) == [150_000])
        #expect(stage.connects.count == 1)
        #expect(!host.isActive)
        let text = try stage.heard()
        #expect(text.hasPrefix("HTTP/1.1 408 "))
        #expect(text.contains("connection: close\r\n"))
        stage.finish()
    }

    @Test("Without a timeout a client must not fall silent in its request, but may be slow")
    func silent() throws {
        let stage = try Stage(rule: retrying(3, timeoutUs: nil), limits: ProxyLimits(clientIdleUs: 100_000))
        try stage.say(half)
        _ = try stage.establish()
        for _ in 0..<5 {
            stage.pass(99_999)
            try stage.say("x")
        }
        #expect(stage.sink.attempts.isEmpty)
        stage.pass(100_000)
        #expect(stage.sink.attempts.map(\.outcome) == [.cancelled])
        #expect(try stage.heard().hasPrefix("HTTP/1.1 408 "))
        stage.finish()
    }

    @Test(
        "A host that does not connect, or does not take the request, is charged all the same", arguments: [true, false])
    func hostSlow(connects: Bool) throws {
        let stage = try Stage(rule: retrying(0, timeoutUs: 150_000))
        try stage.say(half)
        if connects { try stage.establish().isWritable = false }
        stage.pass(150_000)
        #expect(stage.sink.attempts.map(\.outcome) == [.timeout])
        #expect(try stage.heard().hasPrefix("HTTP/1.1 504 "))
        stage.finish()
    }

    @Test(
        "A malformed chunk is the client's doing: 400, cancelled, counted as a bad request", arguments: [true, false])
    func malformedChunk(connects: Bool) throws {
        let stage = try Stage(rule: retrying(3))
        try stage.say("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n")
        let host = connects ? try stage.establish() : nil
        // The parser's error comes to us through the pipeline, not through the writer.
        try? stage.say("zz\r\nabc\r\n")
        let text = try stage.heard()
        #expect(text.hasPrefix("HTTP/1.1 400 "))
        #expect(text.contains("connection: close\r\n"))
        #expect(stage.sink.attempts.map(\.outcome) == [.cancelled])
        #expect(stage.core.metrics.refused.value == 1)
        #expect(stage.core.table.routes[0].metrics.active.value == 0)
        #expect(stage.connects.count == 1)
        if let host { #expect(!host.isActive) }
        stage.finish()
    }

    @Test("A response that its client does not read is cancelled at the request's timeout", arguments: [true, false])
    func notReading(reads: Bool) throws {
        let stage = try Stage(rule: retrying(0, timeoutUs: 150_000))
        try stage.say("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        try stage.say("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf", to: try stage.establish())
        stage.client.isWritable = reads
        stage.pass(150_000)
        #expect(stage.sink.attempts.map(\.outcome) == [reads ? .timeout : .cancelled])
        #expect(!stage.client.isActive)
        stage.finish()
    }
}
