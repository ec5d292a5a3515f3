import Analyzer
import Retry

/// A rule as a fragment of another proxy's own configuration. What the fragment cannot say stands in it as a comment;
/// JSON has none, so there the notes come apart.
struct DialectSnippet {
    private let one: DialectRule
    private let route: String
    private var rule: Rule { one.price.rule }
    private var retries: Int { rule.retry?.maxRetries ?? 0 }
    private var on: [RetryCondition] { rule.retry?.on ?? [] }

    init(_ one: DialectRule, route: String) {
        self.one = one
        self.route = route
    }

    /// Whether notes can be written into the fragment.
    var hasComments: Bool { one.dialect != .grpc }

    /// The fields that say the rule, with their values.
    var fields: [(name: String, value: String)] {
        switch one.dialect {
        case .meantime: meantime
        case .envoy: envoy
        case .istio: istio
        case .linkerd: linkerd
        case .grpc: grpc
        }
    }

    /// The whole fragment, ready to be put in its place.
    var text: String {
        let notes = hasComments ? one.notes.map { "# \($0)\n" }.joined() : ""
        return switch one.dialect {
        case .meantime: "# into routes of the rule file\n" + ownText
        case .envoy: "# the route action (route.v3.RouteAction) of \(shownRoute)\n" + notes + envoyText
        case .istio: "# spec.http[] of the VirtualService of \(shownRoute)\n" + notes + istioText
        case .linkerd:
            "# metadata of the Service, HTTPRoute or GRPCRoute of \(shownRoute)\n" + notes + linkerdText
        case .grpc: grpcText
        }
    }

    /// A route's name is other people's text: a line of its own would be no comment any more.
    private var shownRoute: String { TextTable.printable(route) }

    // MARK: Meantime

    private var meantime: [(name: String, value: String)] {
        var fields = limits(timeout: "timeout", perTry: "per_try_timeout", DurationText.format)
        if let retry = rule.retry, case .waits(let waits, let jitter) = retry.backoff {
            let list = waits.prefix(retry.maxRetries).map(DurationText.format).joined(separator: ", ")
            fields += [("max_retries", "\(retry.maxRetries)"), ("waits", "[\(list)]"), ("jitter", "\(jitter)")]
            if retry.retryAfter == .ignore { fields.append(("retry_after", retry.retryAfter.rawValue)) }
        }
        if let budget = rule.budget {
            fields += [("budget.ratio", "\(budget.ratio)"), ("budget.window", DurationText.format(budget.windowUs))]
        }
        return fields
    }

    /// The route's entry as the rule file has it.
    private var ownText: String {
        let file = RuleSet(version: 1, createdUs: 0, routes: [route: .init(rule: rule)]).yaml()
        let lines = file.split(separator: "\n").drop { $0 != "routes:" }.dropFirst()
        return lines.prefix { $0.hasPrefix(" ") }.map { $0 + "\n" }.joined()
    }

    private func limits(
        timeout: String, perTry: String?, _ format: (Int64) -> String
    ) -> [(name: String, value: String)] {
        var fields: [(name: String, value: String)] = []
        if let us = rule.timeoutUs { fields.append((timeout, format(us))) }
        if let perTry, let us = rule.perTryTimeoutUs { fields.append((perTry, format(us))) }
        return fields
    }

    // MARK: Envoy

    private var envoy: [(name: String, value: String)] {
        var fields = limits(timeout: "timeout", perTry: retries > 0 ? "per_try_timeout" : nil, Self.wholeSeconds)
        if rule.timeoutUs == nil { fields.insert(("timeout", Self.wholeSeconds(0)), at: 0) }
        guard let retry = rule.retry, case .exponential(let baseUs, let maxUs, _, _) = retry.backoff else {
            return fields + [("num_retries", "0")]
        }
        fields += [("num_retries", "\(retry.maxRetries)"), ("retry_on", envoyWords.joined(separator: ","))]
        fields += [("base_interval", Self.seconds(baseUs)), ("max_interval", Self.seconds(maxUs))]
        return fields + (retry.retryAfter == .heed ? [("rate_limited_retry_back_off", retryAfter)] : [])
    }

    private static let grpcWords = [
        1: "cancelled", 4: "deadline-exceeded", 8: "resource-exhausted", 13: "internal", 14: "unavailable",
    ]

    /// The words of `retry_on`; 5xx covers connections that fail or break as well.
    private var envoyWords: [String] {
        var words: [String] = []
        for condition in on {
            switch condition {
            case .outcome(.connectFailure): words.append("connect-failure")
            case .outcome(.reset): words.append("reset")
            case .outcome(.errorStatus): words += ["5xx"] + one.grpcStatuses.compactMap { Self.grpcWords[$0] }
            case .outcome(.rateLimited):
                if one.isRefusedOverGRPC { words.append("resource-exhausted") }
                if one.isRefusedOverHTTP { words.append("retriable-status-codes") }
            case .grpc(let status): words += Self.grpcWords[status].map { [$0] } ?? []
            case .http: words.append("5xx")
            case .outcome: break
            }
        }
        return Self.unique(words)
    }

    private static func unique(_ words: [String]) -> [String] {
        words.enumerated().filter { !words[..<$0.offset].contains($0.element) }.map(\.element)
    }

    private var envoyText: String {
        // Without one Envoy's own is 15 s.
        var text = "timeout: \(Self.wholeSeconds(rule.timeoutUs ?? 0))\n"
        guard let retry = rule.retry, case .exponential(let baseUs, let maxUs, _, _) = retry.backoff else {
            // A route that says nothing has the retries of its virtual host.
            return text + "retry_policy: {num_retries: 0}\n"
        }
        text += "retry_policy:\n  retry_on: \"\(envoyWords.joined(separator: ","))\"\n"
        if envoyWords.contains("retriable-status-codes") { text += "  retriable_status_codes: [429]\n" }
        text += "  num_retries: \(retry.maxRetries)\n"
        if let us = rule.perTryTimeoutUs { text += "  per_try_timeout: \(Self.wholeSeconds(us))\n" }
        text += "  retry_back_off: {base_interval: \(Self.seconds(baseUs)), max_interval: \(Self.seconds(maxUs))}\n"
        if retry.retryAfter == .heed { text += "  rate_limited_retry_back_off: \(retryAfter)\n" }
        if retry.host == .other {
            text += """
                  retry_host_predicate:
                  - name: envoy.retry_host_predicates.previous_hosts
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate
                  host_selection_retry_max_attempts: 5

                """
        }
        return text
    }

    /// Waits for what a server asks for; longer than five minutes Envoy waits for nobody, unless told to.
    private var retryAfter: String {
        let patience = rule.timeoutUs.map { $0 > 300_000_000 ? ", max_interval: \(Self.wholeSeconds($0))" : "" } ?? ""
        return "{reset_headers: [{name: Retry-After, format: SECONDS}]\(patience)}"
    }

    /// Envoy, Istio and Linkerd count milliseconds: what is more than so many of them is one more.
    private static func whole(_ us: Int64) -> Int64 { us - us % 1000 + (us % 1000 > 0 ? 1000 : 0) }

    private static func wholeSeconds(_ us: Int64) -> String { seconds(whole(us)) }

    /// As protobuf writes a duration: `0.25s`.
    private static func seconds(_ us: Int64) -> String {
        NumberText.fixed(Double(us) / 1e6, places: 6, trim: true) + "s"
    }

    // MARK: Istio

    private var istio: [(name: String, value: String)] {
        var fields = limits(timeout: "timeout", perTry: retries > 0 ? "perTryTimeout" : nil, Self.goDuration)
        guard let retry = rule.retry, case .exponential(let baseUs, _, _, _) = retry.backoff else {
            return fields + [("attempts", "0")]
        }
        fields += [("attempts", "\(retry.maxRetries)"), ("backoff", Self.goDuration(baseUs))]
        return fields + [("retryOn", istioWords.joined(separator: ","))]
    }

    /// Envoy's words; statuses are named by themselves.
    private var istioWords: [String] { envoyWords.map { $0 == "retriable-status-codes" ? "429" : $0 } }

    /// As Go reads it; Istio refuses parts of milliseconds.
    private static func goDuration(_ us: Int64) -> String { DurationText.format(whole(us)) }

    private var istioText: String {
        var text = rule.timeoutUs.map { "timeout: \(Self.goDuration($0))\n" } ?? ""
        text += "retries:\n  attempts: \(retries)\n"
        guard let retry = rule.retry, case .exponential(let baseUs, _, _, _) = retry.backoff else { return text }
        if let us = rule.perTryTimeoutUs { text += "  perTryTimeout: \(Self.goDuration(us))\n" }
        text += "  backoff: \(Self.goDuration(baseUs))\n  retryOn: \"\(istioWords.joined(separator: ","))\"\n"
        // Without this Istio leaves out hosts that were tried.
        return retry.host == .other ? text : text + "  retryIgnorePreviousHosts: false\n"
    }

    // MARK: Linkerd

    private var linkerd: [(name: String, value: String)] {
        var fields = limits(timeout: "timeout.linkerd.io/request", perTry: nil, Self.linkerdDuration)
        if retries == 0 { return fields }
        let http = linkerdHTTP
        if !http.isEmpty { fields.append(("retry.linkerd.io/http", http.joined(separator: ","))) }
        let grpc = linkerdGRPC
        if !grpc.isEmpty { fields.append(("retry.linkerd.io/grpc", grpc.joined(separator: ","))) }
        fields.append(("retry.linkerd.io/limit", "\(retries)"))
        if let us = rule.perTryTimeoutUs { fields.append(("retry.linkerd.io/timeout", Self.linkerdDuration(us))) }
        return fields
    }

    /// One number of one unit: Linkerd's policy controller reads no `1s500ms` and no decimals (`parse_duration`, 2026),
    /// though the Gateway API does.
    static func linkerdDuration(_ us: Int64) -> String {
        let ms = whole(us) / 1000
        let units: [(Int64, String)] = [(3_600_000, "h"), (60_000, "m"), (1000, "s")]
        for (size, name) in units where ms % size == 0 && ms > 0 { return "\(ms / size)\(name)" }
        return "\(ms)ms"
    }

    private var linkerdHTTP: [String] {
        var words: [String] = []
        for condition in on {
            switch condition {
            case .outcome(.errorStatus), .http: words.append("5xx")
            case .outcome(.rateLimited) where one.isRefusedOverHTTP: words.append("429")
            default: break
            }
        }
        return Self.unique(words)
    }

    private var linkerdGRPC: [String] { envoyWords.filter(Self.grpcWords.values.contains) }

    private var linkerdText: String {
        if linkerd.isEmpty { return "annotations: {}\n" }
        return "annotations:\n" + linkerd.map { "  \($0.name): \"\($0.value)\"\n" }.joined()
    }

    // MARK: gRPC

    private static let grpcNames = [
        1: "CANCELLED", 2: "UNKNOWN", 4: "DEADLINE_EXCEEDED", 8: "RESOURCE_EXHAUSTED", 13: "INTERNAL",
        14: "UNAVAILABLE", 15: "DATA_LOSS",
    ]

    /// What a connection that fails or breaks is told as, what the log shows, and refusals.
    private var grpcStatuses: [Int] {
        var statuses = Set([14] + one.grpcStatuses)
        if on.contains(.outcome(.rateLimited)) { statuses.insert(8) }
        return statuses.filter { Self.grpcNames[$0] != nil }.sorted()
    }

    private var grpc: [(name: String, value: String)] {
        var fields = limits(timeout: "timeout", perTry: nil, Self.seconds)
        if retries == 0 { return fields }
        for (name, value) in grpcPolicy { fields.append((name, Self.plain(value))) }
        return fields
    }

    private static func plain(_ value: JSON) -> String {
        switch value {
        case .string(let text): text
        case .array(let values): values.map(plain).joined(separator: ",")
        default: value.text()
        }
    }

    private var grpcPolicy: [(key: String, value: JSON)] {
        guard let retry = rule.retry, case .waits(let waits, _) = retry.backoff, let first = waits.first,
            let last = waits.last
        else { return [] }
        // The second wait tells the growth unless the maximum cut it: then the third is as long as the second.
        let growth = waits.count > 1 && first > 0 ? Double(waits[1]) / Double(first) : 1
        return [
            ("maxAttempts", .int(Int64(retry.maxRetries + 1))), ("initialBackoff", .string(Self.seconds(first))),
            ("maxBackoff", .string(Self.seconds(last))), ("backoffMultiplier", .double((growth * 1e6).rounded() / 1e6)),
            ("retryableStatusCodes", .array(grpcStatuses.compactMap { Self.grpcNames[$0] }.map(JSON.string))),
        ]
    }

    private var grpcText: String {
        var method: [(key: String, value: JSON)] = [("name", .array([.object([])]))]
        if let us = rule.timeoutUs { method.append(("timeout", .string(Self.seconds(us)))) }
        if retries > 0 { method.append(("retryPolicy", .object(grpcPolicy))) }
        return JSON.object([("methodConfig", .array([.object(method)]))]).prettyText() + "\n"
    }
}
