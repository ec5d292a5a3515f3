import Foundation
import TestSupport
import Testing

@testable import meantime

/// `meantime whatif` and `meantime explain` on a recorded log.
struct WhatIfCommandTests {
    private static let present =
        "{timeout: 2s, retry: {max_retries: 1, on: [error_status, reset], backoff: {waits: [20ms]}}}"

    @Test func `rules are priced in the order asked, beside the one in force, and nothing changes`() throws {
        try withImportedLog { directory in
            try write("version: 1\nroutes:\n  main: \(Self.present)\n", to: directory + "/rules.yaml")
            try write("version: 1\nroutes:\n  main: {timeout: 1s}\n", to: directory + "/other.yaml")
            let before = try storeContent(directory)
            let result = try Command.run(
                ["whatif", "main", "--rule", Self.present, "--rules-from", "other.yaml", "--format", "json"],
                in: directory)
            #expect(result.code == 0, "\(result.errors)")
            let document = try #require(try json(result.output) as? [String: Any])
            let asked = try #require(document["asked"] as? [[String: Any]])
            #expect(asked.count == 2 && document["present_given"] as? Bool == true)
            // The rule in force beside itself: no difference in any replicate.
            #expect(asked[0]["difference_s"] as? Double == 0)
            #expect(asked[0]["difference_interval_s"] as? [Double] == [0, 0])
            // Without the retry a third of these requests fails, at ten seconds each.
            let worse = try #require(asked[1]["difference_interval_s"] as? [Double])
            #expect(worse[0] > 0)
            let text = try Command.run(["whatif", "main", "--rules-from", "other.yaml"], in: directory).output
            #expect(text.contains("1: no retries; in all 1s; dearer than the rule now"), "\(text)")
            #expect(try storeContent(directory) == before)
        }
    }

    @Test func `hedges and ejection are priced, with their interval and with what no proxy does yet`() throws {
        try withImportedLog { directory in
            let rules = [
                "{timeout: 2s}", "{timeout: 2s, hedge: {delay: 2s, max: 1}}",
                "{timeout: 2s, hedge: {delay: 1ms, max: 2}}",
                "{timeout: 2s, ejection: 500ms}",
            ]
            let result = try Command.run(
                ["whatif", "main", "--format", "json"] + rules.flatMap { ["--rule", $0] }, in: directory)
            #expect(result.code == 0, "\(result.errors)")
            let document = try #require(try json(result.output) as? [String: Any])
            let asked = try #require(document["asked"] as? [[String: Any]])
            let prices = asked.compactMap { $0["price"] as? [String: Any] }
            func number(_ place: Int, _ key: String) -> Double { prices[place][key] as? Double ?? .nan }
            // A hedge that is never due is none.
            #expect(number(1, "cost_s") == number(0, "cost_s") && number(1, "extra_attempts") == 0)
            #expect(number(2, "extra_attempts") > 0.1 && number(2, "extra_attempts") < 2)
            #expect(number(3, "cost_s") != number(0, "cost_s") && number(3, "extra_attempts") == 0)
            for (place, price) in prices.enumerated() {
                let interval = try #require(price["cost_interval_s"] as? [Double])
                #expect(interval[0] < number(place, "cost_s") && number(place, "cost_s") < interval[1])
                let said = (asked[place]["assumptions"] as? [String] ?? []).joined(separator: "\n")
                #expect(said.contains("Meantime's proxy does not hedge yet") == (1...2).contains(place), "\(said)")
                #expect(said.contains("does not eject hosts yet") == (place == 3), "\(said)")
            }
            let text = try Command.run(["whatif", "main", "--rule", rules[2]], in: directory).output
            #expect(text.contains("1: no retries; in all 2s; up to 2 hedges, each after 1ms;"), "\(text)")
        }
    }

    @Test(arguments: [
        ("{timeout: 2}", "--rule 1: rule.timeout: not a duration"), ("{}", "--rule 1: is empty"),
        ("{retry: {max_retries: 1}}", "on is missing"), ("{timeout: 1s}\nroutes:", "on one line"),
    ])
    func `a rule that is none is refused with what would be right`(rule: String, words: String) throws {
        try withImportedLog { directory in
            expectRefusal(try Command.run(["whatif", "main", "--rule", rule], in: directory), code: 1, words)
        }
    }

    @Test func `what is not there is said`() throws {
        try withImportedLog { directory in
            expectRefusal(try Command.run(["whatif", "main"], in: directory), code: 2, "name a rule")
            for arguments in [["whatif", "mian", "--rule", "{timeout: 1s}"], ["explain", "mian"]] {
                expectRefusal(
                    try Command.run(arguments, in: directory), code: 1, "no attempt on route 'mian'; seen: main")
            }
        }
    }

    @Test func `explain says what is known, what rules cost, and why`() throws {
        try withImportedLog { directory in
            let text = try Command.run(["explain", "main"], in: directory)
            #expect(text.code == 0, "\(text.errors)")
            for words in ["975 attempts of 802 requests", "failure-times", "recovery", "latency", "why:  "] {
                #expect(text.output.contains(words), "\(words) in \(text.output)")
            }
            let result = try Command.run(["explain", "main", "--format", "json"], in: directory)
            let document = try #require(try json(result.output) as? [String: Any])
            let tuning = try #require(document["tuning"] as? [String: Any])
            let tuned = try #require(
                try json(Command.run(["tune", "--dry-run", "--format", "json"], in: directory).output) as? [String: Any]
            )
            let routes = try #require(tuned["routes"] as? [[String: Any]])
            #expect(NSDictionary(dictionary: tuning) == NSDictionary(dictionary: routes[0]))
            let rules = try #require(document["rules_by_retries"] as? [[String: Any]])
            #expect(rules.count > 1 && (document["reports"] as? [Any])?.count == 5)
            let hedge = try #require(document["hedge"] as? [String: Any])
            #expect(hedge["enforced"] as? Bool == false && (hedge["options"] as? [Any])?.isEmpty == true)
            #expect((hedge["reason"] as? String)?.hasPrefix("not identified") == true, "\(hedge)")
            #expect(text.output.contains("\nnone can be priced: not identified"), "\(text.output)")
            let ejection = try #require(document["ejection"] as? [String: Any])
            #expect(ejection["enforced"] as? Bool == false && ejection["reason"] is String)
            #expect(text.output.contains("\nejection: how long a failing host rests"), "\(text.output)")
            let dialects = try #require(document["dialects"] as? [[String: Any]])
            #expect(dialects.map { $0["dialect"] as? String } == ["meantime", "envoy", "istio", "linkerd", "grpc"])
            #expect(dialects.allSatisfy { $0["multiple_of_explicit_waits"] is Double && $0["snippet"] is String })
        }
    }

    @Test func `explain prints a proxy's fragment alone, what it cannot say as comments or on stderr`() throws {
        try withImportedLog { directory in
            let envoy = try Command.run(["explain", "main", "--dialect", "envoy"], in: directory)
            #expect(envoy.code == 0 && envoy.errors.isEmpty, "\(envoy.errors)")
            // A third of these requests fails at first: without a budget that is more load than is allowed.
            #expect(envoy.output.hasPrefix("# the route action"), "\(envoy.output)")
            for words in ["# without a budget of the route's own", "\ntimeout: 2s"] {
                #expect(envoy.output.contains(words), "\(envoy.output)")
            }
            let grpc = try Command.run(["explain", "main", "--dialect", "grpc"], in: directory)
            let document = try #require(try json(grpc.output) as? [String: Any])
            #expect(document["methodConfig"] is [Any] && grpc.errors.contains("grpc: no limit of each attempt"))
            expectRefusal(
                try Command.run(["explain", "main", "--dialect", "nginx"], in: directory), code: 2, "'envoy'")
        }
    }
}
