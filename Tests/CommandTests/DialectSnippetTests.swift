import Foundation
import Retry
import Testing

@testable import Analyzer
@testable import meantime

/// Fragments of other proxies' configuration, to the letter.
struct DialectSnippetTests {
    private func rule(
        _ dialect: Dialect, _ backoff: Backoff, retries: Int = 3, perTryUs: Int64? = 180_000,
        on: [RetryCondition] = [.outcome(.connectFailure), .outcome(.reset), .outcome(.errorStatus)],
        grpcStatuses: [Int] = [], notes: [String] = ["no budget by route"]
    ) -> DialectRule {
        let rule = Rule(
            timeoutUs: 2_000_000, perTryTimeoutUs: retries > 0 ? perTryUs : nil,
            retry: retries > 0 ? RetryPolicy(maxRetries: retries, on: on, host: .other, backoff: backoff) : nil)
        return DialectRule(
            dialect: dialect,
            price: RulePrice(
                rule: rule, costSeconds: 0.1, interval: 0.05...0.2, extraAttempts: 0.01, successShare: 0.999,
                refusedShare: 0),
            multiple: 1.5, grpcStatuses: grpcStatuses, isRefusedOverGRPC: !grpcStatuses.isEmpty,
            isRefusedOverHTTP: grpcStatuses.isEmpty, methods: [], notes: notes)
    }

    private let exponential = Backoff.exponential(baseUs: 40_000, maxUs: 160_000, multiplier: 2, jitter: .full)

    @Test func `Linkerd's durations are one whole number of one unit`() {
        let texts: [(Int64, String)] = [
            (0, "0ms"), (1, "1ms"), (180_000, "180ms"), (1_500_000, "1500ms"), (1_234_567, "1235ms"),
            (2_000_000, "2s"), (90_000_000, "90s"), (90_500_000, "90500ms"), (120_000_000, "2m"),
            (3_600_000_000, "1h"), (5_400_000_000, "90m"), (90_000_000_000, "25h"),
        ]
        for (us, text) in texts { #expect(DialectSnippet.linkerdDuration(us) == text) }
    }

    @Test func `Envoy's route action`() {
        let text = DialectSnippet(rule(.envoy, exponential), route: "checkout").text
        #expect(
            text == """
                # the route action (route.v3.RouteAction) of checkout
                # no budget by route
                timeout: 2s
                retry_policy:
                  retry_on: "connect-failure,reset,5xx"
                  num_retries: 3
                  per_try_timeout: 0.18s
                  retry_back_off: {base_interval: 0.04s, max_interval: 0.16s}
                  rate_limited_retry_back_off: {reset_headers: [{name: Retry-After, format: SECONDS}]}
                  retry_host_predicate:
                  - name: envoy.retry_host_predicates.previous_hosts
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate
                  host_selection_retry_max_attempts: 5

                """)
        let refused = rule(.envoy, exponential, on: [.outcome(.rateLimited)])
        let fields = DialectSnippet(refused, route: "").text
        #expect(fields.contains("retriable_status_codes: [429]") && fields.contains("name: Retry-After"))
    }

    @Test func `Envoy is told to look at Retry-After by a rule that heeds it alone`() {
        var ignoring = rule(.envoy, exponential)
        ignoring.price.rule.retry?.retryAfter = .ignore
        let text = DialectSnippet(ignoring, route: "checkout").text
        let heeding = DialectSnippet(rule(.envoy, exponential), route: "checkout").text
        let line = "  rate_limited_retry_back_off: {reset_headers: [{name: Retry-After, format: SECONDS}]}\n"
        #expect(heeding.contains(line) && text == heeding.replacing(line, with: ""))
        let fields = DialectSnippet(ignoring, route: "").fields.map(\.name)
        #expect(!fields.contains("rate_limited_retry_back_off") && fields.contains("max_interval"))
    }

    @Test func `without retries Envoy's route action undoes those of its virtual host`() {
        #expect(
            DialectSnippet(rule(.envoy, exponential, retries: 0), route: "checkout").text == """
                # the route action (route.v3.RouteAction) of checkout
                # no budget by route
                timeout: 2s
                retry_policy: {num_retries: 0}

                """)
        var unlimited = rule(.envoy, exponential, retries: 0)
        unlimited.price.rule.timeoutUs = nil
        // Fifteen seconds would be Envoy's own.
        #expect(DialectSnippet(unlimited, route: "").text.contains("\ntimeout: 0s\n"))
    }

    @Test func `limits are whole milliseconds where no parts of them are counted, and never shorter`() {
        let texts: [(Dialect, Backoff, [String])] = [
            (.envoy, exponential, ["timeout: 400.001s", "per_try_timeout: 0.181s", "max_interval: 400.001s}"]),
            (.istio, exponential, ["timeout: 6m40.001s", "perTryTimeout: 181ms"]),
            (.linkerd, .waits([0], jitter: 0), ["request: \"400001ms\"", "timeout: \"181ms\""]),
            (.grpc, .waits([40_000], jitter: 0.2), ["\"timeout\": \"400.0005s\""]),
        ]
        for (dialect, backoff, words) in texts {
            var one = rule(dialect, backoff, perTryUs: 180_500)
            one.price.rule.timeoutUs = 400_000_500
            let text = DialectSnippet(one, route: "").text
            for word in words { #expect(text.contains(word), "\(text)") }
        }
    }

    @Test func `Istio counts retries and names statuses by themselves`() {
        let istio = rule(.istio, exponential, on: [.outcome(.errorStatus), .outcome(.rateLimited)])
        #expect(
            DialectSnippet(istio, route: "checkout").text == """
                # spec.http[] of the VirtualService of checkout
                # no budget by route
                timeout: 2s
                retries:
                  attempts: 3
                  perTryTimeout: 180ms
                  backoff: 40ms
                  retryOn: "5xx,429"

                """)
        // Without retries Istio would make two of its own.
        #expect(DialectSnippet(rule(.istio, exponential, retries: 0), route: "x").text.contains("attempts: 0"))
    }

    @Test func `Linkerd's annotations, for HTTP and for gRPC`() {
        let http = rule(.linkerd, .waits([0], jitter: 0), on: [.outcome(.errorStatus)])
        #expect(
            DialectSnippet(http, route: "checkout").text == """
                # metadata of the Service, HTTPRoute or GRPCRoute of checkout
                # no budget by route
                annotations:
                  timeout.linkerd.io/request: "2s"
                  retry.linkerd.io/http: "5xx"
                  retry.linkerd.io/limit: "3"
                  retry.linkerd.io/timeout: "180ms"

                """)
        let grpc = rule(.linkerd, .waits([0], jitter: 0), on: [.grpc(13), .grpc(14)], grpcStatuses: [2, 13, 14])
        #expect(DialectSnippet(grpc, route: "").text.contains("retry.linkerd.io/grpc: \"internal,unavailable\""))
    }

    @Test(arguments: [
        ([40_000, 80_000, 160_000] as [Int64], "0.16s", 2.0), ([40_000, 80_000, 100_000], "0.1s", 2),
        ([25_000, 25_000, 25_000], "0.025s", 1), ([10_000, 15_000, 22_500], "0.0225s", 1.5),
    ])
    func `a gRPC client makes of its service config the waits that were priced`(
        waits: [Int64], most: String, growth: Double
    ) throws {
        let snippet = DialectSnippet(rule(.grpc, .waits(waits, jitter: 0.2), grpcStatuses: [13]), route: "checkout")
        #expect(!snippet.hasComments && !snippet.text.contains("#"))
        let document = try JSONSerialization.jsonObject(with: Data(snippet.text.utf8)) as? [String: Any]
        let methods = try #require(document?["methodConfig"] as? [[String: Any]])
        let policy = try #require(methods[0]["retryPolicy"] as? [String: Any])
        #expect(methods[0]["timeout"] as? String == "2s" && policy["maxAttempts"] as? Int == 4)
        #expect(policy["maxBackoff"] as? String == most && policy["backoffMultiplier"] as? Double == growth)
        #expect(policy["retryableStatusCodes"] as? [String] == ["INTERNAL", "UNAVAILABLE"])
        let base = try #require(DurationText.parse(policy["initialBackoff"] as? String ?? ""))
        let cap = try #require(DurationText.parse(most))
        var wait = Double(base)
        for priced in waits {
            #expect(Int64(min(wait, Double(cap))) == priced)
            wait *= growth
        }
    }

    @Test func `Meantime's own is read back as it was`() throws {
        let own = rule(.meantime, .waits([0, 40_000, 350_000], jitter: 0.1), notes: [])
        let text = DialectSnippet(own, route: "a: b").text
        let file = "version: 1\nroutes:\n" + text.split(separator: "\n").dropFirst().map { $0 + "\n" }.joined()
        #expect(try RuleSet(yaml: file, file: "f").rule(for: "a: b") == own.price.rule)
        var ignoring = own
        ignoring.price.rule.retry?.retryAfter = .ignore
        #expect(DialectSnippet(ignoring, route: "a: b").text.contains("      retry_after: ignore\n"))
        #expect(DialectSnippet(ignoring, route: "").fields.contains { $0 == ("retry_after", "ignore") })
        #expect(!DialectSnippet(own, route: "").fields.contains { $0.name == "retry_after" })
    }

    @Test func `a route's name stays in its comment`() {
        let text = DialectSnippet(rule(.envoy, exponential), route: "a\nretry_policy: {}").text
        #expect(!text.contains("\nretry_policy: {}"))
    }
}
