import Foundation
import Testing

@testable import Analyzer
@testable import meantime

/// Every fragment against what its reader takes: names of fields, words, forms of durations and limits, written out by
/// hand from the readers themselves (istio/api and istio/istio `retry.go` and `validation.go`, linkerd2's policy
/// controller, gRFC A2 and A6 with grpc-proto `service_config.proto`, 2026).
struct DialectSchemaTests {
    /// `name: value` lines without indentation and comments; the depth is in spaces.
    private static func lines(_ text: String) -> [(depth: Int, name: String, value: String)] {
        text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
            let depth = line.prefix { $0 == " " }.count
            let parts = line.dropFirst(depth).split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            return (depth, String(parts[0]), parts[1].trimmingCharacters(in: .init(charactersIn: " \"")))
        }
    }

    private static let grpcWords: Set = [
        "cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable",
    ]

    @Test func `Istio takes every rule that its dialect says`() throws {
        let words = grpcAndHTTP.union(Self.grpcWords)
        let texts = FailedRoute.fragments(.istio, ofEach: 20)
        #expect(texts.count > 500 && Set(texts).count > 200)
        for text in texts {
            let lines = Self.lines(text)
            let fields = Dictionary(uniqueKeysWithValues: lines.map { ($0.name, $0) })
            #expect(fields["retries"]?.value == "" && fields["retries"]?.depth == 0, "\(text)")
            let attempts = try #require(fields["attempts"].flatMap { Int32($0.value) })
            for (name, field) in fields {
                switch name {
                case "timeout", "perTryTimeout", "backoff":
                    #expect(field.depth == (name == "timeout" ? 0 : 2), "\(text)")
                    // Go's durations, from one millisecond on and in whole ones.
                    #expect(field.value.wholeMatch(of: /([0-9]+(\.[0-9]{1,3})?(h|m|s|ms))+/) != nil, "\(text)")
                    let us = try #require(Self.microseconds(field.value))
                    #expect(us >= 1000 && us.truncatingRemainder(dividingBy: 1000) == 0, "\(text)")
                case "retryOn":
                    for word in field.value.split(separator: ",").map(String.init) {
                        #expect(words.contains(word) || word == "429", "\(text)")
                    }
                case "attempts": #expect((0...9).contains(attempts) && field.depth == 2, "\(text)")
                case "retryIgnorePreviousHosts": #expect(field.value == "false" && field.depth == 2, "\(text)")
                default: #expect(name == "retries", "\(text)")
                }
            }
            #expect((attempts > 0) == (fields["retryOn"] != nil) && (attempts > 0) == (fields["backoff"] != nil))
        }
    }

    private let grpcAndHTTP: Set = ["5xx", "reset", "connect-failure"]

    /// By hand, so that it does not err as the writer does.
    private static func microseconds(_ text: String) -> Double? {
        let scales = ["h": 3.6e9, "m": 6e7, "s": 1e6, "ms": 1e3]
        var total = 0.0
        for part in text.matches(of: /([0-9.]+)(h|ms|m|s)/) {
            guard let number = Double(part.1), let scale = scales[String(part.2)] else { return nil }
            total += (number * scale).rounded()
        }
        return total
    }

    @Test func `Linkerd takes every rule that its dialect says`() throws {
        let texts = FailedRoute.fragments(.linkerd, ofEach: 20)
        #expect(Set(texts).count > 50)
        for text in texts {
            let lines = Self.lines(text)
            #expect(lines[0].name == "annotations" && lines[0].depth == 0, "\(text)")
            #expect(lines.count > 1 || lines[0].value == "{}", "\(text)")
            for line in lines.dropFirst() {
                #expect(line.depth == 2, "\(text)")
                let words = line.value.split(separator: ",").map(String.init)
                switch line.name {
                case "timeout.linkerd.io/request", "retry.linkerd.io/timeout":
                    // One whole number and one unit: `parse_duration`.
                    #expect(line.value.wholeMatch(of: /[1-9][0-9]*(ms|s|m|h)/) != nil, "\(text)")
                case "retry.linkerd.io/http":
                    #expect(words.allSatisfy { $0 == "5xx" || $0 == "429" } && !words.isEmpty, "\(text)")
                case "retry.linkerd.io/grpc":
                    #expect(words.allSatisfy(Self.grpcWords.contains) && !words.isEmpty, "\(text)")
                case "retry.linkerd.io/limit": #expect(UInt16(line.value).map { $0 > 0 } == true, "\(text)")
                default: Issue.record("\(line.name) in \(text)")
                }
            }
            // A limit without a condition is no retry.
            let names = Set(lines.map(\.name))
            let isNamed = !names.isDisjoint(with: ["retry.linkerd.io/http", "retry.linkerd.io/grpc"])
            #expect(names.contains("retry.linkerd.io/limit") == isNamed, "\(text)")
        }
    }

    @Test func `a gRPC client takes every rule that its dialect says`() throws {
        let statuses: Set = [
            "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
            "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE",
            "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
        ]
        let texts = FailedRoute.fragments(.grpc, ofEach: 20)
        #expect(Set(texts).count > 200)
        var most = 0
        for text in texts {
            let document = try #require(try json(text) as? [String: Any])
            #expect(Set(document.keys) == ["methodConfig"])
            let methods = try #require(document["methodConfig"] as? [[String: Any]])
            let method = try #require(methods.count == 1 ? methods[0] : nil)
            #expect(Set(method.keys).isSubset(of: ["name", "timeout", "retryPolicy"]))
            // The empty name stands for every method.
            #expect((method["name"] as? [[String: Any]])?.map(\.count) == [0])
            if let timeout = method["timeout"] { #expect(try #require(Self.seconds(timeout)) > 0, "\(text)") }
            guard let policy = method["retryPolicy"] as? [String: Any] else { continue }
            let names = ["maxAttempts", "initialBackoff", "maxBackoff", "backoffMultiplier", "retryableStatusCodes"]
            #expect(Set(policy.keys) == Set(names), "\(text)")
            let attempts = try #require(policy["maxAttempts"] as? Int)
            most = max(most, attempts)
            let first = try #require(Self.seconds(policy["initialBackoff"]))
            let last = try #require(Self.seconds(policy["maxBackoff"]))
            #expect((2...5).contains(attempts) && first > 0 && last >= first, "\(text)")
            #expect(try #require(policy["backoffMultiplier"] as? Double) >= 1, "\(text)")
            let codes = try #require(policy["retryableStatusCodes"] as? [String])
            #expect(codes.contains("UNAVAILABLE") && statuses.isSuperset(of: codes), "\(text)")
        }
        #expect(most == 5)
    }

    /// Protobuf's JSON has seconds with up to nine decimals.
    private static func seconds(_ value: Any?) -> Double? {
        guard let text = value as? String, let found = text.wholeMatch(of: /([0-9]+(\.[0-9]{1,9})?)s/) else {
            return nil
        }
        return Double(found.1)
    }

    @Test func `each says what it was asked to name, and nothing that it was not`() {
        let words: [(FailedRoute, Dialect, String)] = [
            (.plain, .istio, "retryOn: \"connect-failure,reset,5xx\""),
            (.refused, .istio, "retryOn: \"connect-failure,reset,5xx,429\""),
            (.named, .istio, "5xx,cancelled,deadline-exceeded,internal,unavailable,resource-exhausted\""),
            (.nameless, .istio, "retryOn: \"connect-failure,reset,unavailable,5xx\""),
            (.unsafe, .istio, "retryOn: \"connect-failure\""),
            (.plain, .linkerd, "retry.linkerd.io/http: \"5xx\"\n  retry.linkerd.io/limit"),
            (.refused, .linkerd, "retry.linkerd.io/http: \"5xx,429\""),
            (.named, .linkerd, "grpc: \"cancelled,deadline-exceeded,internal,unavailable,resource-exhausted\""),
            (.nameless, .linkerd, "retry.linkerd.io/grpc: \"unavailable\""),
        ]
        for (route, dialect, text) in words {
            let fragment = route.fragment(dialect, route.rule(dialect, retries: 2))
            #expect(fragment.contains(text), "\(fragment)")
        }
        let grpc = FailedRoute.named.rule(.grpc, retries: 2)
        let codes = ["CANCELLED", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "INTERNAL", "UNAVAILABLE"]
        let fragment = FailedRoute.named.fragment(.grpc, grpc)
        #expect(codes.allSatisfy { fragment.contains("\"\($0)\"") } && !fragment.contains("UNKNOWN"))
        // Who cannot tell whether a request was executed makes no retries where it must not be.
        for dialect in [Dialect.linkerd, .grpc] { #expect(FailedRoute.unsafe.family(dialect).grid().count == 1) }
    }

    @Test func `what a reader does otherwise than the price has it is said`() {
        let notes: [(FailedRoute, Dialect, String, Bool)] = [
            (.plain, .envoy, "as long as its circuit_breakers do not say more than Envoy's own 3", true),
            (.asked, .envoy, "Retry-After is waited for one to one and a half times", true),
            (.plain, .envoy, "Retry-After", false), (.asked, .istio, "Retry-After is not waited for", true),
            (.plain, .istio, "retries.backoff", true), (.asked, .linkerd, "Retry-After is not waited for", true),
            (.plain, .grpc, "grpc-node draws them from 0", true), (.plain, .grpc, "grpc-retry-pushback-ms", false),
            (.asked, .grpc, "is waited for in grpc-retry-pushback-ms, not in Retry-After", true),
        ]
        for (route, dialect, words, isSaid) in notes {
            let said = route.notes(dialect, route.rule(dialect, retries: 2))
            #expect(said.contains { $0.contains(words) } == isSaid, "\(dialect): \(said)")
        }
    }
}
