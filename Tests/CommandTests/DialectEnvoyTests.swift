import Retry
import TestSupport
import Testing

@testable import Analyzer
@testable import meantime

/// Envoy's fragments in a real Envoy: it takes them, and does what they were priced as.
@Suite(.serialized, .timeLimit(.minutes(3)), .enabled(if: RealEnvoy.path != nil, "no Envoy on this machine"))
struct DialectEnvoyTests {
    /// Two retries as soon as can be.
    private static func soon(_ route: FailedRoute) -> String {
        route.fragment(.envoy, route.rule(.envoy, retries: 2))
    }

    @Test func `Envoy takes every rule that its dialect says`() throws {
        let routes = FailedRoute.fragments(.envoy, ofEach: 60).enumerated().map {
            RealEnvoy.Route(name: "r\($0)", fragment: $1, fails: "")
        }
        #expect(routes.count > 2000)
        let words = [
            "connect-failure", "reset", "5xx", "retriable-status-codes", "cancelled", "deadline-exceeded",
            "resource-exhausted", "internal", "unavailable", "num_retries: 0}", "num_retries: 9", "per_try_timeout",
            "timeout: 0s", "max_interval: 3600s", "previous_hosts", "# no budget by route",
        ]
        for word in words { #expect(routes.contains { $0.fragment.contains(word) }, "\(word)") }
        try withTemporaryDirectory { directory in
            let said = try RealEnvoy.verdict(routes, in: directory)
            #expect(said.code == 0 && said.errors.isEmpty, "\(routes.count) routes: \(said.errors.prefix(2000))")
            // It does look at each of them.
            for (right, wrong, words) in [
                ("base_interval: 0.001s", "base_interval: 0s", "BaseInterval"), ("5xx", "6xx", "[6xx]"),
            ] {
                let place = try #require(routes.lastIndex { $0.fragment.contains(right) })
                var broken = routes
                broken[place].fragment = broken[place].fragment.replacing(right, with: wrong)
                #expect(try RealEnvoy.verdict(broken, in: directory).errors.contains(words))
            }
        }
    }

    @Test func `the waits are drawn as they are priced`() throws {
        // Below 15, 30, 60, 120 and 120 ms, for the fourth doubling is cut off.
        let rule = FailedRoute.plain.rule(.envoy, retries: 5, baseUs: 15_000, maxUs: 120_000)
        let backoff = try #require(rule.retry?.backoff)
        let requests = try withTemporaryDirectory { directory in
            let route = RealEnvoy.Route(
                name: "waits", fragment: FailedRoute.plain.fragment(.envoy, rule), fails: "503", requests: 50)
            return try #require(try RealEnvoy.send([route], together: 5, in: directory)["waits"])
        }
        #expect(requests.count == 50 && requests.allSatisfy { $0.count == 6 })
        #expect(requests.allSatisfy { $0[0].waitUs == 0 })
        for retry in 1...5 {
            let waits = requests.map { Double($0[retry].waitUs) }
            let longestUs = Double(backoff.longestWaitUs(retry: retry))
            // A machine that is busy wakes Envoy late, never early.
            #expect(waits.allSatisfy { $0 >= 0 && $0 < longestUs + 1_000_000 }, "retry \(retry): \(waits)")
            // Six standard errors of a mean of fifty. The law in Envoy's manual is (2^n − 1) × base.
            let mean = waits.map { min($0, longestUs) / longestUs }.reduce(0, +) / 50
            #expect((0.25...0.75).contains(mean), "retry \(retry): \(mean)")
            // By that law 3 in 7 of the third's waits are longer than this.
            let longer = waits.count { $0 > longestUs }
            if retry == 3 { #expect(longer < 14, "\(longer) of 50 waits are longer than \(longestUs)us") }
        }
    }

    @Test func `what is named is retried as often as the rule says, and nothing else is`() throws {
        // How the log failed, how the hosts fail, and the attempts that are made.
        let cases: [(route: FailedRoute, fails: String, attempts: Int)] = [
            (.plain, "503", 3), (.plain, "500", 3), (.plain, "cut", 3), (.plain, "gone", 3),
            (.plain, "429", 1), (.plain, "404", 1), (.plain, "200", 1), (.plain, "grpc14", 1),
            (.refused, "429", 3), (.refused, "503", 3), (.refused, "404", 1),
            (.named, "grpc1", 3), (.named, "grpc4", 3), (.named, "grpc8", 3), (.named, "grpc13", 3),
            (.named, "grpc14", 3), (.named, "grpc5", 1), (.named, "grpc0", 1), (.named, "429", 1),
            (.nameless, "grpc14", 3), (.nameless, "grpc2", 1), (.nameless, "503", 3),
            (.nameless, "cut", 3),
            (.unsafe, "gone", 3), (.unsafe, "503", 1), (.unsafe, "cut", 1), (.unsafe, "429", 1),
        ]
        let routes = cases.enumerated().map { place, one in
            RealEnvoy.Route(
                name: "r\(place)", fragment: Self.soon(one.route), fails: one.fails, requests: 2,
                cluster: one.fails == "gone" ? "gone" : "up")
        }
        let found = try withTemporaryDirectory { try RealEnvoy.send(routes, in: $0) }
        for (place, one) in cases.enumerated() {
            let counts = found["r\(place)"]?.map(\.count)
            #expect(counts == [one.attempts, one.attempts], "\(one.fails) where \(one.route)")
        }
    }

    @Test(arguments: 0...4)
    func `so many retries are made, and none where none are said, whatever the virtual host has`(retries: Int) throws {
        let fragment = FailedRoute.refused.fragment(.envoy, FailedRoute.refused.rule(.envoy, retries: retries))
        let routes = ["503", "429"].map {
            RealEnvoy.Route(name: "r\($0)", fragment: fragment, fails: $0, requests: 3)
        }
        let found = try withTemporaryDirectory { try RealEnvoy.send(routes, in: $0) }
        for route in routes {
            #expect(found[route.name]?.map(\.count) == [retries + 1, retries + 1, retries + 1], "\(route.fragment)")
        }
    }

    @Test func `each try and the whole request are cut off in their time`() throws {
        let plain = FailedRoute.plain
        let limited = plain.fragment(.envoy, plain.rule(.envoy, retries: 2, perTryUs: 150_000))
        let whole = plain.fragment(.envoy, plain.rule(.envoy, retries: 2, timeoutUs: 400_000))
        let routes = [
            RealEnvoy.Route(name: "try", fragment: limited, fails: "hang", requests: 3),
            RealEnvoy.Route(
                name: "whole", fragment: whole, fails: "hang"),
        ]
        let found = try withTemporaryDirectory { try RealEnvoy.send(routes, together: 3, in: $0) }
        let tries = try #require(found["try"])
        #expect(tries.map(\.count) == [3, 3, 3])
        // By the log's clock a limit of 150 ms fired after 147 on a busy machine: limit and log do not begin at one
        // instant.
        for one in tries.joined() { #expect((75_000..<1_150_000).contains(one.durationUs), "\(one)") }
        let cut = try #require(found["whole"])
        #expect(cut.map(\.count) == [1])
        #expect((200_000..<1_400_000).contains(cut[0][0].durationUs), "\(cut)")
    }

    @Test func `a retry goes to the other host, where the rule says so`() throws {
        let plain = FailedRoute.plain
        let fragment = plain.fragment(.envoy, plain.rule(.envoy, retries: 1))
        let route = RealEnvoy.Route(name: "other", fragment: fragment, fails: "503", requests: 60)
        let requests = try withTemporaryDirectory { directory in
            try #require(try RealEnvoy.send([route], hosts: 2, together: 6, in: directory)["other"])
        }
        #expect(requests.count == 60)
        for request in requests { #expect(Set(request.map(\.host)).count == 2, "\(request)") }
        let anywhere = plain.fragment(.envoy, plain.rule(.envoy, retries: 1, host: .any))
        #expect(fragment.contains("previous_hosts") && !anywhere.contains("previous_hosts"))
    }

    @Test func `Retry-After is waited for up to one and a half times`() throws {
        let routes = [("asked", FailedRoute.asked), ("plain", .plain)].map {
            RealEnvoy.Route(name: $0.0, fragment: Self.soon($0.1), fails: "later", requests: 3)
        }
        let found = try withTemporaryDirectory { try RealEnvoy.send(routes, together: 6, in: $0) }
        for route in routes {
            let requests = try #require(found[route.name])
            #expect(requests.map(\.count) == [3, 3, 3])
            for one in requests.flatMap({ $0.dropFirst() }) {
                #expect((995_000..<2_500_000).contains(one.waitUs), "\(one)")
            }
        }
    }

    @Test func `in a cluster with Envoy's own cap on retries in flight most of an outage's are refused`() throws {
        let rule = FailedRoute.plain.rule(.envoy, retries: 1, baseUs: 1_600_000, maxUs: 1_600_000)
        let fragment = FailedRoute.plain.fragment(.envoy, rule)
        #expect(fragment.contains("Envoy's own 3"))
        let routes = ["up", "narrow"].map {
            RealEnvoy.Route(name: $0, fragment: fragment, fails: "503", requests: 20, cluster: $0)
        }
        let found = try withTemporaryDirectory { try RealEnvoy.send(routes, together: 40, in: $0) }
        #expect(found["up"]?.map(\.count) == Array(repeating: 2, count: 20))
        // Three, and one more for each of them that drew a wait shorter than the requests took to come.
        let retried = try #require(found["narrow"]?.filter { $0.count == 2 }.count)
        #expect((3..<20).contains(retried))
    }
}
