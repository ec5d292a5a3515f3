import Logging
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Retry
import Testing

@testable import Proxy

private let get = "GET / HTTP/1.1\r\nhost: a\r\n\r\n"

/// The shell around the machine, to the microsecond.
struct ExchangeInVirtualTimeTests {
    @Test("Limits, waits and durations are exact, and connecting is part of the attempt")
    func exactTimes() throws {
        let rule = retrying(
            2, waits: [30_000, 70_000], perTryTimeoutUs: 100_000, timeoutUs: 10_000_000)
        let stage = try Stage(rule: rule)
        try stage.say(get)
        stage.pass(40_000)
        let first = try stage.establish()
        #expect(try stage.heard(first).hasPrefix("GET / HTTP/1.1\r\nhost: a\r\n"))
        stage.pass(59_999)
        #expect(stage.sink.attempts.isEmpty)
        stage.pass(1)
        #expect(!first.isActive)
        stage.pass(29_999)
        #expect(stage.connects.count == 1)
        stage.pass(1)
        #expect(stage.connects.count == 2)
        let second = try stage.establish()
        stage.pass(5_000)
        try stage.say(answer(503, "busy"), to: second)
        stage.pass(70_000)
        let third = try stage.establish()
        stage.pass(2_500)
        try stage.say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", to: third)
        stage.pass(1_000_000)
        try stage.say("ok", to: third)
        #expect(try stage.heard().hasSuffix("\r\n\r\nok"))
        let attempts = stage.sink.attempts
        #expect(attempts.map(\.outcome) == [.timeout, .errorStatus, .success])
        #expect(attempts.map(\.durationUs) == [100_000, 5_000, 2_500])
        #expect(attempts.map(\.waitUs) == [0, 30_000, 70_000])
        #expect(attempts.map(\.startUs) == [0, 130_000, 205_000].map { 1_000_000_000_000 + $0 })
        #expect(attempts.map(\.timeoutUs) == [100_000, 100_000, 100_000])
        // Two hosts: each retry goes to the other one.
        #expect(attempts[0].host != attempts[1].host)
        #expect(attempts[2].host == attempts[0].host)
        stage.finish()
    }

    @Test("The request's timeout cuts the last attempt to what is left of it")
    func restOfTimeout() throws {
        let stage = try Stage(
            rule: retrying(5, waits: [10_000], perTryTimeoutUs: 100_000, timeoutUs: 150_000))
        try stage.say(get)
        stage.pass(110_000)
        stage.pass(39_999)
        #expect(stage.sink.attempts.count == 1)
        stage.pass(1)
        #expect(stage.sink.attempts.map(\.timeoutUs) == [100_000, 40_000])
        #expect(stage.sink.attempts.map(\.durationUs) == [100_000, 40_000])
        let text = try stage.heard()
        #expect(text.hasPrefix("HTTP/1.1 504 "))
        #expect(text.contains("x-meantime-verdict: deadline\r\n"))
        stage.finish()
    }

    @Test("A connection that comes after its attempt was cut off serves the next one")
    func lateConnection() throws {
        let stage = try Stage(rule: retrying(1, waits: [50_000], perTryTimeoutUs: 100_000), hosts: ["h1:1"])
        try stage.say(get)
        stage.pass(100_000)
        let late = try stage.establish()
        #expect(try stage.heard(late).isEmpty)
        stage.pass(50_000)
        #expect(stage.connects.count == 1)
        #expect(try stage.heard(late).hasPrefix("GET / "))
        try stage.say(answer(200), to: late)
        #expect(stage.sink.attempts.map(\.outcome) == [.timeout, .success])
        stage.finish()
    }

    @Test("A timeout while connecting has executed nothing: also a POST is retried")
    func timeoutWhileConnecting() throws {
        let stage = try Stage(rule: retrying(1, perTryTimeoutUs: 100_000))
        try stage.say("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi")
        stage.pass(100_000)
        #expect(stage.connects.count == 2)
        stage.refuse()
        let second = try stage.establish()
        #expect(try stage.heard(second).hasSuffix("\r\n\r\nhi"))
        try stage.say(answer(200), to: second)
        #expect(stage.sink.attempts.map(\.outcome) == [.timeout, .success])
        stage.finish()
    }

    @Test("A body that comes during the wait is sent with the retry")
    func bodyDuringWait() throws {
        let stage = try Stage(rule: retrying(1, waits: [10_000]))
        try stage.say("PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nab")
        let first = try stage.establish()
        #expect(try stage.heard(first).hasSuffix("ab"))
        try stage.say(answer(503), to: first)
        try stage.say("cd")
        stage.pass(10_000)
        let second = try stage.establish()
        #expect(try stage.heard(second).hasSuffix("\r\n\r\nabcd"))
        try stage.say("ef")
        #expect(try stage.heard(second) == "ef")
        try stage.say(answer(200, "thanks"), to: second)
        #expect(try stage.heard().hasSuffix("thanks"))
        stage.finish()
    }

    @Test("A real answer whose body is still coming when the last attempt fails is given, not one of our own")
    func answerStillComing() throws {
        let stage = try Stage(rule: retrying(1))
        try stage.say(get)
        let first = try stage.establish()
        try stage.say("HTTP/1.1 503 Busy\r\ncontent-length: 6\r\n\r\nab", to: first)
        stage.refuse()
        #expect(try stage.heard().hasSuffix("\r\n\r\nab"))
        try stage.say("cd", to: first)
        try stage.say("ef", to: first)
        #expect(try stage.heard() == "cdef")
        #expect(stage.sink.attempts.map(\.outcome) == [.errorStatus, .connectFailure])
        // Both connections go on.
        try stage.say(get)
        try stage.say(answer(200, "again"), to: stage.connects.count == 2 ? first : try stage.establish())
        #expect(stage.client.isActive)
        stage.finish()
    }

    @Test("When the last real answer breaks off or is too long, the whole one before it is given", arguments: [0, 1])
    func answerBefore(way: Int) throws {
        let stage = try Stage(
            rule: retrying(2), hosts: ["h1:1", "h2:2", "h3:3"], limits: ProxyLimits(keptAnswerBytes: 10))
        try stage.say(get)
        try stage.say(answer(503, "whole"), to: try stage.establish())
        let second = try stage.establish()
        if way == 0 {
            try stage.say("HTTP/1.1 500 Half\r\ncontent-length: 6\r\n\r\nab", to: second)
            second.close(promise: nil)
        } else {
            try stage.say(answer(500, "longer than is kept"), to: second)
        }
        stage.refuse()
        let text = try stage.heard()
        #expect(text.hasPrefix("HTTP/1.1 503 "))
        #expect(text.hasSuffix("\r\n\r\nwhole"))
        stage.finish()
    }

    @Test("A connection that breaks between being opened and being used is a connect failure")
    func breaksBeforeUse() throws {
        let stage = try Stage(rule: retrying(0))
        let dying = try stage.prepare()
        try stage.say(get)
        dying.close(promise: nil)
        stage.loop.run()
        #expect(stage.connects.count == 1)
        #expect(stage.sink.attempts.map(\.outcome) == [.connectFailure])
        #expect(try stage.heard().hasPrefix("HTTP/1.1 503 "))
        stage.finish()
    }

    @Test("A client that leaves during the wait ends it: no attempt follows and none is logged")
    func leavesDuringWait() throws {
        let stage = try Stage(rule: retrying(1, waits: [10_000]))
        try stage.say(get)
        let first = try stage.establish()
        try stage.say(answer(503), to: first)
        stage.client.close(promise: nil)
        stage.pass(1_000_000)
        #expect(stage.connects.count == 1)
        #expect(stage.sink.attempts.map(\.outcome) == [.errorStatus])
        #expect(stage.core.table.routes[0].metrics.requests(.clientGone) == 1)
        #expect(stage.core.table.routes[0].metrics.active.value == 0)
        stage.finish()
    }

    @Test("A silent client is closed: before its first head, in the middle of it, and between requests")
    func silentClients() throws {
        let limits = ProxyLimits(headTimeoutUs: 100_000, clientIdleUs: 200_000)
        let silent = try Stage(rule: retrying(0), limits: limits)
        silent.pass(99_999)
        #expect(silent.client.isActive)
        silent.pass(1)
        #expect(!silent.client.isActive)

        let dripping = try Stage(rule: retrying(0), limits: limits)
        for letter in "GET / HTTP" {
            try dripping.say("\(letter)")
            dripping.pass(9_999)
        }
        #expect(dripping.client.isActive)
        dripping.pass(10)
        #expect(!dripping.client.isActive)

        let kept = try Stage(rule: retrying(0), limits: limits)
        try kept.say(get)
        kept.pass(150_000)
        try kept.say(answer(200), to: try kept.establish())
        kept.pass(199_999)
        #expect(kept.client.isActive)
        kept.pass(1)
        #expect(!kept.client.isActive)
        for stage in [silent, dripping, kept] { stage.finish() }
    }

    @Test("A connection that no request uses is closed at the idle limit, and no more are kept than allowed")
    func idleUpstreams() throws {
        let limits = ProxyLimits(upstreamIdleUs: 500_000)
        let stage = try Stage(rule: retrying(0), hosts: ["h1:1"], limits: limits)
        try stage.say(get)
        let channel = try stage.establish()
        try stage.say(answer(200), to: channel)
        #expect(stage.core.table.hosts[0].idleConnections.value == 1)
        stage.pass(400_000)
        try stage.say(get)
        #expect(stage.core.table.hosts[0].idleConnections.value == 0)
        try stage.say(answer(200), to: channel)
        stage.pass(499_999)
        #expect(channel.isActive)
        stage.pass(1)
        #expect(!channel.isActive)
        #expect(stage.core.table.hosts[0].idleConnections.value == 0)
        #expect(stage.core.table.hosts[0].openConnections.value == 0)
        stage.finish()
    }

    @Test("The request's timeout cuts a slow body: timeout, with the limit that cut it, and the client is broken off")
    func slowBody() throws {
        let stage = try Stage(rule: retrying(3, waits: [10_000], perTryTimeoutUs: 80_000, timeoutUs: 100_000))
        try stage.say(get)
        stage.refuse()
        stage.pass(10_000)
        let second = try stage.establish()
        stage.pass(20_000)
        try stage.say("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n", to: second)
        for _ in 0..<69 {
            stage.pass(1_000)
            try stage.say("x", to: second)
        }
        #expect(stage.client.isActive)
        stage.pass(1_000)
        #expect(!stage.client.isActive)
        #expect(!second.isActive)
        let attempts = stage.sink.attempts
        #expect(attempts.map(\.outcome) == [.connectFailure, .timeout])
        #expect(attempts.map(\.durationUs) == [0, 90_000])
        #expect(attempts.map(\.timeoutUs) == [80_000, 90_000])
        #expect(attempts[1].status == 200)
        #expect(stage.core.table.routes[0].metrics.requests(.responseStarted) == 1)
        stage.finish()
    }
}
