import Foundation
import Glibc
import Retry
import TestSupport
import Testing

@testable import meantime

/// `meantime demo` as people run it, with runs of five seconds: enough to see every part work, too short to tune on.
@Suite(.serialized) struct DemoCommandTests {
    @Test("the demo goes once around, writes what it promises and leaves nothing running")
    func onceAround() throws {
        try withTemporaryDirectory { directory in
            let result = try Command.run(
                ["demo", "--seed", "4", "--seconds", "5", "--out", "out", "--format", "json"], in: directory,
                seconds: 300)
            #expect(result.code == 0, "\(result.errors)")
            #expect(result.output == (try contents("\(directory)/out/demo.json")))
            let found = try #require(
                try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
            let planned = Arrivals(plan: FaultPlan(seed: 4, durationUs: 5_000_000)).requests.count
            for run in ["before", "after"] {
                let measure = try #require(found[run] as? [String: Any])
                #expect(measure["requests"] as? Int == planned)
                #expect(try #require(measure["attempts_per_request"] as? Double) >= 1)
                #expect(try #require(measure["success"] as? Double) > 0.5)
            }
            #expect((found["routes"] as? [Any])?.count == RouteTrouble.all.count)

            let page = try contents("\(directory)/out/index.html")
            #expect(page.contains("<svg") && page.contains("seed 4"))
            let rules = try RuleSet(yaml: try contents("\(directory)/out/rules.yaml"), file: "rules.yaml")
            #expect(rules.version == 2 && rules.routes.values.allSatisfy { $0.evidence != nil })
            let history = try Command.run(["rules", "history", "--config", "out/meantime.yaml"], in: directory)
            #expect(history.code == 0 && history.output.contains("Envoy's default"))
            for words in ["starting 7 hosts", "\(planned) requests in 5 s", "tuning", "took rules version 2"] {
                #expect(result.errors.contains(words), "no '\(words)' in: \(result.errors)")
            }
            #expect(Self.wait { Self.processes(in: directory).isEmpty })
        }
    }

    @Test("a demo that is killed takes its hosts and its proxy with it")
    func killedDemo() throws {
        try withTemporaryDirectory { directory in
            let demo = Command.child(["demo", "--seconds", "60", "--out", "out"], in: directory)
            (demo.standardOutput, demo.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
            try demo.run()
            let isUp = Self.wait { (try? Self.ports(in: directory))?.allSatisfy(Self.answers) ?? false }
            let children = Self.processes(in: directory).subtracting([demo.processIdentifier])
            kill(demo.processIdentifier, SIGKILL)
            demo.waitUntilExit()
            #expect(isUp, "\((try? contents("\(directory)/out/demo.log")) ?? "no log")")
            #expect(children.count == 8, "seven hosts and the proxy")
            #expect(Self.wait { Self.processes(in: directory).isEmpty })
        }
    }

    @Test(
        "wrong arguments are refused with what would be right, and nothing is made",
        arguments: [["--seconds", "3"], ["--seconds", "601"], ["--short", "--seconds", "10"], ["--format", "csv"]])
    func wrongArguments(arguments: [String]) throws {
        try withTemporaryDirectory { directory in
            let result = try Command.run(["demo"] + arguments, in: directory)
            #expect(result.code == 2 && result.errorLines.count == 1, "\(result.errors)")
            #expect(try snapshot(directory).isEmpty)
        }
    }

    @Test("a directory with other people's rules is left as it is")
    func strangersDirectory() throws {
        try withTemporaryDirectory { directory in
            try write("mine\n", to: "\(directory)/rules.yaml")
            let before = try snapshot(directory)
            let result = try Command.run(["demo", "--out", "."], in: directory)
            #expect(result.code == 1 && result.errors.contains("./rules.yaml: is there already"))
            #expect(try snapshot(directory) == before)
        }
    }

    @Test("a host of the demo says what it has when asked for one that it has not")
    func unknownHost() throws {
        try withTemporaryDirectory { directory in
            let result = try Command.run(
                ["upstream", "--seed", "1", "--duration-us", "1", "--route", "search", "--host", "2"], in: directory)
            #expect(result.code == 1 && result.errors.contains("search 0...1"))
        }
    }

    /// Who works in this directory: the demo and its children inherit it. (Ports may be given to others as soon as they
    /// are free; a directory of the test's own is not.)
    private static func processes(in directory: String) -> Set<Int32> {
        let real = URL(fileURLWithPath: directory).resolvingSymlinksInPath().path
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return Set(
            all.compactMap { Int32($0) }.filter {
                (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\($0)/cwd")) == real
            })
    }

    /// Of the proxy, its admin and all hosts, from the demo's configuration.
    private static func ports(in directory: String) throws -> [Int] {
        let path = "\(directory)/out/meantime.yaml"
        let configuration = try Configuration(yaml: try contents(path), file: path)
        let all = [configuration.listen, configuration.admin] + configuration.routes.flatMap(\.hosts)
        return all.compactMap { $0.split(separator: ":").last.flatMap { Int($0) } }
    }

    /// Whether somebody listens.
    private static func answers(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
        address.sin_addr = in_addr(s_addr: UInt32(0x7F00_0001).bigEndian)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    /// Up to half a minute; a machine with nothing else to do needs a tenth of a second.
    private static func wait(_ condition: () -> Bool) -> Bool {
        for _ in 0..<600 {
            if condition() { return true }
            usleep(50_000)
        }
        return false
    }
}
