import Glibc
import NIOCore
import Retry
import Testing

@testable import Proxy

private let get = "GET / HTTP/1.1\r\nhost: a\r\n\r\n"

/// What happens when the machine has no more to lend.
struct ExhaustionTests {
    @Test(
        "A connection that fails for want of something here is no attempt of the host and is not retried",
        arguments: [EMFILE, ENFILE, ENOBUFS, EADDRNOTAVAIL])
    func noAttempt(code: CInt) throws {
        let stage = try Stage(rule: retrying(3))
        try stage.say(get)
        stage.refuse(IOError(errnoCode: code, reason: "socket"))
        let text = try stage.heard()
        #expect(text.hasPrefix("HTTP/1.1 503 "))
        #expect(text.contains("no descriptors or ports"))
        #expect(stage.sink.attempts.isEmpty)
        #expect(stage.connects.count == 1)
        #expect(stage.core.metrics.exhausted.value == 1)
        #expect(stage.core.table.routes[0].metrics.active.value == 0)
        try stage.say(get)
        try stage.say(answer(200, "again"), to: try stage.establish())
        #expect(try stage.heard().hasSuffix("again"))
        stage.finish()
    }

    @Test("A real answer that came before is given even then")
    func keptAnswer() throws {
        let stage = try Stage(rule: retrying(3))
        try stage.say(get)
        try stage.say(answer(500, "real"), to: try stage.establish())
        stage.refuse(IOError(errnoCode: EMFILE, reason: "socket"))
        #expect(try stage.heard().hasSuffix("real"))
        #expect(stage.sink.attempts.map(\.outcome) == [.errorStatus])
        stage.finish()
    }

    @Test("A host that refuses is still a connect failure")
    func refused() throws {
        let stage = try Stage(rule: retrying(0))
        try stage.say(get)
        stage.refuse(IOError(errnoCode: ECONNREFUSED, reason: "connect"))
        #expect(stage.sink.attempts.map(\.outcome) == [.connectFailure])
        #expect(stage.core.metrics.exhausted.value == 0)
        stage.finish()
    }

    @Test(
        "Client connections are bounded by half of the descriptors less the reserve",
        arguments: [(1_048_576, 10_000), (1024, 384), (20_256, 10_000), (20_000, 9872), (100, 1)])
    func bound(descriptors: Int, connections: Int) {
        #expect(Descriptors.connections(wanted: 10_000, descriptors: descriptors) == connections)
    }

    @Test("The limit of open files is raised as far as it may go")
    func raised() {
        let now = Descriptors.raise()
        var limit = rlimit()
        #expect(getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
        #expect(limit.rlim_cur == limit.rlim_max)
        #expect(now == Int(clamping: limit.rlim_cur))
    }
}
