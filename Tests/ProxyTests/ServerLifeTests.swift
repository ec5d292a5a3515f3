import FoundationEssentials
import Glibc
import Logging
import NIOCore
import NIOHTTP1
import Retry
import Testing

@testable import Proxy

private let get = "GET / HTTP/1.1\r\nhost: a\r\n\r\n"

private func rules(_ version: Int, _ rule: Rule = DefaultRules.none) -> RuleSet {
    RuleSet(version: version, createdUs: 0, routes: ["r": RuleSet.Entry(rule: rule)])
}

/// A directory that is gone after the test.
private struct Scratch: ~Copyable {
    let path: String

    init() throws {
        let parent = FileManager.default.temporaryDirectory.path()
        var template = Array("\(parent)/meantime-proxy-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw FileError(file: parent, reason: "no temporary directory") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Writes beside the file and renames over it.
    func replace(_ name: String, _ text: String) throws {
        let (temporary, final) = ("\(path)/.\(name)", "\(path)/\(name)")
        guard let file = fopen(temporary, "w") else { throw FileError(file: temporary, reason: "cannot be opened") }
        fputs(text, file)
        fclose(file)
        guard rename(temporary, final) == 0 else { throw FileError(file: final, reason: "cannot be renamed") }
    }

    deinit {
        for name in ["rules.yaml", ".rules.yaml"] { unlink("\(path)/\(name)") }
        rmdir(path)
    }
}

/// The proxy's own life: rules that change, ports, draining, the admin pages.
@Suite(.timeLimit(.minutes(1)))
struct ServerLifeTests {
    @Test("Rules that change while 200 requests are in flight harm none of them")
    func swapInFlight() async throws {
        let go = ScriptedUpstream.Signal()
        let upstream = try await ScriptedUpstream.start { request in
            request.number < 200
                ? [.request, .await(go), .send(answer(200, "old"))] : [.request, .send(answer(200, "new"))]
        }
        try await withProxy(
            hosts: [upstream.name], rule: retrying(1), limits: ProxyLimits(eventLoops: 2)
        ) { proxy async throws in
            let asking = Task {
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<200 { group.addTask { try await proxy.ask(get).status } }
                    return try await group.reduce(into: [Int]()) { $0.append($1) }
                }
            }
            await upstream.untilRequests(200)
            proxy.server.put(rules(8, retrying(3, timeoutUs: 1)))
            proxy.server.put(rules(9, retrying(2)))
            go.give()
            #expect(try await asking.value == Array(repeating: 200, count: 200))
            #expect(await proxy.sink.attempts(200).allSatisfy { $0.ruleVersion == 7 && $0.outcome == .success })
            #expect(try await proxy.ask(get).text == "new")
            #expect(await proxy.sink.attempts(201)[200].ruleVersion == 9)
        }
        await upstream.stop()
    }

    @Test("A rule file is taken whole when it changes, and refused whole when it is wrong")
    func rulesFile() async throws {
        let scratch = try Scratch()
        let path = "\(scratch.path)/rules.yaml"
        let upstream = try await ScriptedUpstream.start { _ in [.request, .send(answer(200))] }
        try scratch.replace("rules.yaml", rules(1, retrying(1)).yaml())
        try await withProxy(
            hosts: [upstream.name], rulesFile: path, limits: ProxyLimits(eventLoops: 1, rulesPollUs: 2_000)
        ) { proxy async throws in
            #expect(proxy.server.rules?.version == 1)
            try scratch.replace("rules.yaml", rules(2, retrying(2)).yaml())
            await proxy.log.line("rules in force: version 2")
            #expect(try await proxy.page("/rules").text == rules(2, retrying(2)).yaml())
            try scratch.replace("rules.yaml", "version: 3\nroutes:\n  r:\n    timeout: -1s\n")
            let refused = await proxy.log.line("rules refused")
            #expect(refused.contains("rules.yaml:4: routes.r.timeout"))
            #expect(refused.contains("version 2 stays in force"))
            #expect(try await proxy.metric("meantime_rules_refused_total") == 1)
            #expect(try await proxy.metric("meantime_rules_version") == 2)
            #expect(try await proxy.page("/readyz").status == 200)
            #expect(try await proxy.ask(get).status == 200)
            #expect(await proxy.sink.attempts(1)[0].ruleVersion == 2)
            unlink(path)
            await proxy.log.line("there is no file")
            #expect(proxy.server.rules?.version == 2)
            try scratch.replace("rules.yaml", rules(4, retrying(1)).yaml())
            await proxy.log.line("rules in force: version 4")
            #expect(try await proxy.metric("meantime_rules_loaded_total") == 3)
        }
        await upstream.stop()
    }

    @Test("Without a rule file every route has one attempt, and a wrong first file is not ready")
    func firstFile() async throws {
        let scratch = try Scratch()
        let path = "\(scratch.path)/rules.yaml"
        try await withProxy(hosts: ["127.0.0.1:1"], rulesFile: path) { proxy async throws in
            #expect(proxy.log.lines.contains { $0.contains("there is no file") })
            let ready = try await proxy.page("/readyz")
            #expect(ready.status == 200)
            #expect(ready.text.contains("none"))
            #expect(try await proxy.page("/rules").text.contains("timeout: 15s"))
        }
        try scratch.replace("rules.yaml", "version: 0\nroutes: {}\n")
        try await withProxy(hosts: ["127.0.0.1:1"], rulesFile: path) { proxy async throws in
            let ready = try await proxy.page("/readyz")
            #expect(ready.status == 503)
            #expect(ready.text.contains("rules.yaml:1"))
        }
    }

    @Test("Stopping lets requests in flight finish, says close, and takes no new ones")
    func drains() async throws {
        let go = ScriptedUpstream.Signal()
        let upstream = try await ScriptedUpstream.start { _ in [.request, .await(go), .send(answer(200, "done"))] }
        let log = KeepingLog()
        // An address that no other test uses: once closed, its port stays free.
        let server = try ProxyServer(
            configuration: Configuration(
                listen: "127.0.0.2:0", admin: "127.0.0.1:0",
                routes: [RouteConfiguration(name: "r", hosts: [upstream.name])]),
            sink: KeepingSink(), limits: ProxyLimits(eventLoops: 1), logger: Logger(label: "t") { _ in log })
        let running = Task { try await server.run() }
        let addresses = try await server.addresses
        let wire = try await Wire.connect(port: addresses.listenPort, host: "127.0.0.2")
        let idle = try await Wire.connect(port: addresses.listenPort, host: "127.0.0.2")
        // What waits behind the request must not reset its answer away.
        try await wire.send(String(repeating: get, count: 8000))
        _ = await upstream.whole(0)
        running.cancel()
        await log.line("draining")
        await idle.untilClosed()
        let admin = try await Wire.connect(port: addresses.adminPort)
        #expect(try await admin.ask("GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n").status == 503)
        #expect(try await admin.ask("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").status == 200)
        await #expect(throws: (any Error).self) {
            try await Wire.connect(port: addresses.listenPort, host: "127.0.0.2")
        }
        go.give()
        let response = try await wire.response()
        #expect(response.text == "done")
        #expect(response["connection"] == "close")
        await wire.untilClosed()
        try await running.value
        #expect(!log.lines.contains { $0.contains("drain limit") })
        await upstream.stop()
    }

    @Test("What is not finished at the drain limit is closed and logged as cancelled")
    func drainLimit() async throws {
        let upstream = try await ScriptedUpstream.start { _ in [.request] }
        let sink = KeepingSink()
        let log = KeepingLog()
        let server = try ProxyServer(
            configuration: Configuration(
                listen: "127.0.0.1:0", admin: "127.0.0.1:0",
                routes: [RouteConfiguration(name: "r", hosts: [upstream.name])]),
            sink: sink, limits: ProxyLimits(eventLoops: 1, drainUs: 20_000), logger: Logger(label: "t") { _ in log })
        let running = Task { try await server.run() }
        let wire = try await Wire.connect(port: try await server.addresses.listenPort)
        try await wire.send(get)
        _ = await upstream.whole(0)
        running.cancel()
        await wire.untilClosed()
        try await running.value
        #expect(sink.attempts.map(\.outcome) == [.cancelled])
        #expect(log.lines.contains { $0.contains("drain limit reached") })
        await upstream.stop()
    }

    @Test("A port in use is one clear error", arguments: [true, false])
    func portInUse(isAdmin: Bool) async throws {
        let taken = try await ScriptedUpstream.start { _ in [] }
        let server = try ProxyServer(
            configuration: Configuration(
                listen: isAdmin ? "127.0.0.1:0" : taken.name, admin: isAdmin ? taken.name : "127.0.0.1:0",
                routes: [RouteConfiguration(name: "r", hosts: ["127.0.0.1:1"])]),
            sink: KeepingSink(), limits: ProxyLimits(eventLoops: 1), logger: Logger(label: "t") { _ in KeepingLog() })
        let error = await #expect(throws: ProxyError.self) { try await server.run() }
        #expect(error?.code == .addressInUse)
        #expect(error?.message.contains("\(isAdmin ? "admin" : "listen"): \(taken.name) is in use") == true)
        await #expect(throws: ProxyError.self) { try await server.addresses }
        await taken.stop()
    }

    @Test(
        "A route without hosts, and a host without a port, are refused before anything is opened",
        arguments: [
            ([String](), ProxyError.Code.noHosts), (["10.0.0.1"], .badAddress), (["10.0.0.1:0"], .badAddress),
        ])
    func badHosts(hosts: [String], code: ProxyError.Code) {
        let error = #expect(throws: ProxyError.self) {
            try ProxyServer(
                configuration: Configuration(routes: [RouteConfiguration(name: "shop", hosts: hosts)]),
                sink: KeepingSink(), logger: Logger(label: "t") { _ in KeepingLog() })
        }
        #expect(error?.code == code)
        #expect(error?.message.contains("'shop'") == true)
    }

    @Test("More clients than allowed wait until one has gone")
    func connectionLimit() async throws {
        let upstream = try await ScriptedUpstream.start { _ in [.request, .send(answer(200))] }
        try await withProxy(
            hosts: [upstream.name], rule: retrying(0), limits: ProxyLimits(eventLoops: 1, maxConnections: 1)
        ) { proxy async throws in
            let first = try await proxy.client()
            #expect(try await first.ask(get).status == 200)
            let second = try await proxy.client()
            try await second.send(get)
            for _ in 0..<50 { _ = try await first.ask(get) }
            #expect(second.seen.bytes.isEmpty)
            await first.close()
            #expect(try await second.response().status == 200)
        }
        await upstream.stop()
    }

    @Test("More admin connections than allowed wait until one has gone")
    func adminLimit() async throws {
        let health = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
        let limits = ProxyLimits(eventLoops: 1, adminConnections: 1)
        try await withProxy(hosts: ["127.0.0.1:1"], limits: limits) { proxy async throws in
            let first = try await Wire.connect(port: proxy.addresses.adminPort)
            #expect(try await first.ask(health).status == 200)
            let second = try await Wire.connect(port: proxy.addresses.adminPort)
            try await second.send(health)
            for _ in 0..<50 { _ = try await first.ask(health) }
            #expect(second.seen.bytes.isEmpty)
            await first.close()
            #expect(try await second.response().status == 200)
        }
    }

    @Test("The admin pages tell health, readiness, numbers and rules; the recorder's trouble does not kill")
    func adminPages() async throws {
        let server = try ProxyServer(
            configuration: Configuration(
                listen: "127.0.0.1:0", admin: "127.0.0.1:0",
                routes: [RouteConfiguration(name: "a\"b", hosts: ["127.0.0.1:1"])]),
            rules: rules(3), sink: KeepingSink(), limits: ProxyLimits(eventLoops: 1),
            logger: Logger(label: "t") { _ in KeepingLog() },
            recorderProblem: { "disk full" },
            extraMetrics: { [Metric("meantime_recorder_queued", .gauge, help: "Waiting.", value: 5)] })
        let running = Task { try await server.run() }
        let wire = try await Wire.connect(port: try await server.addresses.adminPort)
        func page(_ path: String, _ method: String = "GET") async throws -> WireResponse {
            try await wire.ask("\(method) \(path) HTTP/1.1\r\nhost: x\r\n\r\n", method: method)
        }
        #expect(try await page("/healthz").text == "alive\nrecorder: disk full\n")
        #expect(try await page("/readyz").text.contains("version 3"))
        let metrics = try await page("/metrics")
        #expect(metrics["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
        #expect(metrics.text.contains("meantime_requests_total{route=\"a\\\"b\",status=\"2xx\"} 0\n"))
        #expect(metrics.text.contains("\nmeantime_recorder_queued 5\n"))
        for verdict in RetryMachine.Verdict.allCases {
            #expect(metrics.text.contains("verdict=\"\(verdict.rawValue)\"} 0\n"))
        }
        #expect(try await page("/metrics", "HEAD").status == 200)
        #expect(try await page("/none").status == 404)
        #expect(try await page("/rules", "POST").status == 405)
        running.cancel()
        try await running.value
    }
}
