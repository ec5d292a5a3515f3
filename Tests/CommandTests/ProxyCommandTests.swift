import Foundation
import Glibc
import TestSupport
import Testing

/// `meantime proxy`, over loopback.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct ProxyCommandTests {
    /// A running proxy and where it listens.
    private struct Running {
        var process: Process
        var errors: Pipe
        var port: Int
        var admin: Int

        /// One sample of `/metrics` by its name without labels.
        func metric(_ name: String) -> Int? { TCP.metric(name, port: admin) }
    }

    private func start(in directory: String, upstream: Upstream, listen: Int = 0) throws -> Running {
        try write(
            """
            listen: 127.0.0.1:\(listen)
            admin: 127.0.0.1:0
            routes:
              all: {hosts: ['127.0.0.1:\(upstream.port)']}

            """, to: directory + "/meantime.yaml")
        let process = Command.child(["proxy", "--config", "meantime.yaml"], in: directory)
        let errors = Pipe()
        process.standardError = errors
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        let line = try #require(Command.line(containing: "listening on", from: errors), "the proxy did not start")
        let port = try #require(TCP.port(after: "listening on 127.0.0.1:", in: line), "\(line)")
        let admin = try #require(TCP.port(after: "admin on 127.0.0.1:", in: line), "\(line)")
        return Running(process: process, errors: errors, port: port, admin: admin)
    }

    /// Asks again until the answer is yes, for ten seconds at most.
    private func eventually(_ isTrue: () throws -> Bool) rethrows -> Bool {
        for _ in 0..<500 {
            if try isTrue() { return true }
            usleep(20_000)
        }
        return false
    }

    private func storedAttempts(_ directory: String) throws -> Int? {
        let result = try Command.run(
            ["query", "SELECT count(*) AS n FROM attempts WHERE outcome = 'success'", "--format", "csv"],
            in: directory)
        #expect(result.code == 0, "\(result.errors)")
        return result.output.split(separator: "\n").last.flatMap { Int($0) }
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `a signal drains: exit 0 and every attempt in the store`(signal: Int32) throws {
        try withTemporaryDirectory { directory in
            let upstream = try Upstream()
            let proxy = try start(in: directory, upstream: upstream)
            for _ in 0..<50 {
                let answer = TCP.get("/", port: proxy.port)
                #expect(answer?.hasPrefix("HTTP/1.1 200 ") == true && answer?.hasSuffix("ok") == true)
            }
            kill(proxy.process.processIdentifier, signal)
            let log = try Command.finish(proxy.process, reading: [proxy.errors])[0]
            #expect(proxy.process.terminationReason == .exit && proxy.process.terminationStatus == 0, "\(log)")
            #expect(log.contains("attempts written: 50, dropped: 0"))
            #expect(try storedAttempts(directory) == 50)
        }
    }

    @Test func `kill -9 loses at most what was not flushed yet`() throws {
        try withTemporaryDirectory { directory in
            let upstream = try Upstream()
            let proxy = try start(in: directory, upstream: upstream)
            defer { kill(proxy.process.processIdentifier, SIGKILL) }
            for _ in 0..<40 { #expect(TCP.get("/", port: proxy.port) != nil) }
            #expect(eventually { proxy.metric("meantime_recorder_written_total") == 40 })
            for _ in 0..<5 { _ = TCP.get("/", port: proxy.port) }
            kill(proxy.process.processIdentifier, SIGKILL)
            proxy.process.waitUntilExit()
            let stored = try #require(try storedAttempts(directory))
            #expect((40...45).contains(stored))
        }
    }

    @Test func `rules applied by the command are in force without a restart`() throws {
        try withTemporaryDirectory { directory in
            let upstream = try Upstream()
            let proxy = try start(in: directory, upstream: upstream)
            defer { kill(proxy.process.processIdentifier, SIGKILL) }
            try write("version: 1\nroutes: {all: {timeout: 7s}}\n", to: directory + "/new.yaml")
            let applied = try Command.run(["rules", "apply", "new.yaml", "--config", "meantime.yaml"], in: directory)
            #expect(applied.code == 0, "\(applied.errors)")
            #expect(eventually { TCP.get("/rules", port: proxy.admin)?.contains("timeout: 7s") == true })
            #expect(TCP.get("/", port: proxy.port)?.hasPrefix("HTTP/1.1 200 ") == true)
        }
    }

    @Test func `a port in use is said in one line, and no store is left behind`() throws {
        try withTemporaryDirectory { directory in
            let (descriptor, port) = try TCP.listen()
            defer { close(descriptor) }
            try write(
                "listen: 127.0.0.1:\(port)\nadmin: 127.0.0.1:0\nroutes: {a: {hosts: ['127.0.0.1:9']}}\n",
                to: directory + "/meantime.yaml")
            let before = try snapshot(directory)
            let result = try Command.run(["proxy", "--config", "meantime.yaml"], in: directory)
            expectRefusal(result, code: 1, "127.0.0.1:\(port) is in use")
            #expect(try snapshot(directory) == before)
        }
    }

    @Test(arguments: [
        ("routes: {a: }\n", "", "a"),
        ("routes: {a: {hosts: ['127.0.0.1:9']}}\n", "version: 1\nroutes:\n  a:\n    timeout: 5\n", "rules.yaml:4"),
        ("listen: 127.0.0.1:99999\nroutes: {a: {hosts: ['127.0.0.1:9']}}\n", "", "meantime.yaml:1: listen"),
        (
            "listen: 127.0.0.1:18080\nadmin: 0.0.0.0:18080\nroutes: {a: {hosts: ['127.0.0.1:9']}}\n", "",
            "meantime.yaml:2: admin: 0.0.0.0:18080 is where listen is too"
        ),
        (
            "listen: nohost.invalid:80\nroutes: {a: {hosts: ['127.0.0.1:9']}}\n", "",
            "meantime.yaml:1: listen: 'nohost.invalid' is no address of a machine"
        ),
        (
            "listen: 192.0.2.1:8080\nroutes: {a: {hosts: ['127.0.0.1:9']}}\n", "",
            "meantime.yaml:1: listen: 192.0.2.1 is no address of this machine"
        ),
        ("listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nroutes: {a: }\n", "", "meantime.yaml: route 'a' has no hosts"),
        ("routes: {a: {hosts: ['127.0.0.1']}}\n", "", "meantime.yaml:1: routes.a.hosts"),
    ])
    func `a proxy that could not do its work does not start`(
        configuration: String, rules: String, words: String
    ) throws {
        try withTemporaryDirectory { directory in
            try write(configuration, to: directory + "/meantime.yaml")
            if !rules.isEmpty { try write(rules, to: directory + "/rules.yaml") }
            let before = try snapshot(directory)
            let result = try Command.run(["proxy", "--config", "meantime.yaml"], in: directory)
            expectRefusal(result, code: 1, words)
            #expect(try snapshot(directory) == before)
        }
    }
}
