import Retry
import TestSupport
import Testing

@Suite struct RuleSetWriteTests {
    @Test func `a set is written in a fixed order with the shortest exact values`() {
        let full = Rule(
            timeoutUs: 800_000, perTryTimeoutUs: 180_500,
            retry: RetryPolicy(
                maxRetries: 3, on: [.outcome(.reset), .http(503), .grpc(14)], host: .other,
                backoff: .waits([0, 40_000], jitter: 0.1)),
            budget: BudgetPolicy(ratio: 0.2, minPerSecond: 3, windowUs: 10_000_000),
            hedge: HedgePolicy(delayUs: 95_000, max: 1), ejectionUs: 3_200_000)
        let evidence = Evidence(
            attempts: 5, failures: 2, outages: 1, windowUs: 0...1_500_000,
            cost: CostEvidence(before: 0.5, after: 0.25, interval: -1 ... -0.125), reason: "say \"why\"")
        let exponential = Rule(
            retry: RetryPolicy(
                maxRetries: 1, on: [.outcome(.timeout)], host: .any, retryAfter: .ignore,
                backoff: .exponential(baseUs: 25_000, maxUs: 250_000, multiplier: 2, jitter: .full)))
        let set = RuleSet(
            version: 7, createdUs: 1_795_312_800_000_000,
            routes: [
                "b": .init(rule: full, evidence: evidence), "a": .init(rule: exponential), "c": .init(rule: Rule()),
            ])
        #expect(
            set.yaml() == """
                # Written by Meantime, whole: the last line is '...'.
                version: 7
                created: 2026-11-22T02:00:00Z
                routes:
                  a:
                    retry:
                      max_retries: 1
                      on: [timeout]
                      host: any
                      retry_after: ignore
                      backoff: {base: 25ms, max: 250ms, multiplier: 2, jitter: full}
                  b:
                    timeout: 800ms
                    per_try_timeout: 180.5ms
                    retry:
                      max_retries: 3
                      on: [reset, http_503, grpc_14]
                      host: other
                      backoff: {waits: [0ms, 40ms], jitter: 0.1}
                    budget: {ratio: 0.2, min_per_second: 3, window: 10s}
                    hedge: {delay: 95ms, max: 1}
                    ejection: 3.2s
                    evidence: {attempts: 5, failures: 2, outages: 1, window: ["1970-01-01T00:00:00Z", "1970-01-01T00:00:01.5Z"], cost: {before: 0.5, after: 0.25, interval: [-1, -0.125]}, reason: "say \\"why\\""}
                  c: {}
                ...

                """)
    }

    @Test func `no routes are written and read back`() throws {
        let set = RuleSet(version: 1, createdUs: -1, routes: [:])
        #expect(try RuleSet(yaml: set.yaml(), file: "rules.yaml") == set)
    }

    // Not among them: a name that begins with a byte order mark, which the YAML decoder takes away.
    @Test(arguments: [
        "no", "No", "yes", "on", "off", "true", "null", "~", "y", "n", "1", "1.5", "0x1F", "1e3", "007", ".inf", ".nan",
        "{",
        "}", "[", "]", "{}", "#", " #", "a #b", "a: b", ":", "a:", "-", "- a", "--", "---", "...", "?", "? a", "", " ",
        "  a  ",
        "\t", "\n", "a\nb", "\r", "\r\n", "a b", "'", "\"", "\\", "\\n", "it's", "say \"x\"", "&a", "*a", "!a", "|",
        ">", "%", "@",
        "`", "<<", "=", "!!str", "2026-11-22", "12:30:45", "/pay", "GET /pay/{id}", "service.namespace:8080", "ümlaut",
        "e\u{301}", "日本語", "🙂", "👩‍👩‍👧", "\u{85}", "\u{2028}", "\u{2029}", "\u{A0}", "a\u{FEFF}b", "\u{0}",
        "a\u{0}b", "\u{7F}", "\u{1B}[0m", "\u{FFFE}", "\u{FFFF}", "\u{10FFFF}", "\u{202E}abc", "a\u{200B}b",
        "Written by Meantime", "# Written by Meantime, whole: the last line is '...'.",
    ])
    func `odd route names and reasons survive`(name: String) throws {
        let entry = RuleSet.Entry(
            rule: Rule(timeoutUs: 5), evidence: Evidence(attempts: 1, failures: 0, outages: 0, reason: name))
        let set = RuleSet(version: 1, createdUs: 0, routes: [name: entry])
        let read = try RuleSet(yaml: set.yaml(), file: "rules.yaml")
        #expect(read == set)
        // String equality takes differently composed letters for the same; the file must not compose them anew.
        #expect(read.routes.keys.first.map { Array($0.unicodeScalars) } == Array(name.unicodeScalars))
        #expect(
            read.routes.values.first?.evidence.map { Array($0.reason.unicodeScalars) } == Array(name.unicodeScalars))
    }

    @Test func `every character survives, alone and between letters`() throws {
        let scalars = (0...0x10_FFFF as ClosedRange<UInt32>).compactMap(UnicodeScalar.init).filter {
            $0.value < 0x3000 || $0.value > 0xFE00 && $0.value < 0x1_0010 || $0.value % 4099 == 0
        }
        let reason = String(String.UnicodeScalarView(scalars.flatMap { ["a", $0] }))
        let entry = RuleSet.Entry(
            rule: Rule(), evidence: Evidence(attempts: 0, failures: 0, outages: 0, reason: reason))
        let read = try RuleSet(
            yaml: RuleSet(version: 1, createdUs: 0, routes: ["r": entry]).yaml(), file: "rules.yaml")
        let back = read.routes["r"]?.evidence?.reason ?? ""
        #expect(Array(back.unicodeScalars) == Array(reason.unicodeScalars))
    }

    @Test(arguments: SeededGenerator.seeds([41, 42, 43]))
    func `any set that can be written is read back as it was`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<150 {
            let set = RandomRules.set(using: &generator)
            let text = set.yaml()
            let read = try RuleSet(yaml: text, file: "rules.yaml")
            #expect(read == set, "\(generator):\n\(text)")
            #expect(read.yaml() == text, "\(generator)")
            #expect(set.changes(to: read).isEmpty, "\(generator)")
        }
    }
}
