import Retry
import Testing

@Suite struct RuleSetParseTests {
    /// The example of the design, with a window and a reason.
    static let example = """
        version: 7
        created: 2026-11-22T02:00:00Z
        routes:
          checkout:
            timeout: 800ms                     # the whole request
            per_try_timeout: 180ms             # absent: none
            retry:
              max_retries: 3
              on: [connect_failure, reset, error_status, timeout]     # or exact: http_503, grpc_14
              host: other                      # other | any
              backoff: {waits: [0ms, 40ms, 350ms], jitter: 0.1}       # ± share of the wait
              # or:    {base: 25ms, max: 250ms, multiplier: 2, jitter: full}   # uniform in [0, wait]; none: exact
            budget: {ratio: 0.2, min_per_second: 3, window: 10s}
            hedge: {delay: 95ms, max: 1}       # absent: none
            ejection: 3.2s                     # rest for a failing host; absent: none
            evidence: {attempts: 383828, failures: 14211, outages: 391, window: ["2026-11-15T02:00:00Z", "2026-11-22T02:00:00Z"], cost: {before: 0.405, after: 0.043, interval: [-0.38, -0.34]}, reason: "outages end within 40 ms"}
        """

    private static func refusal(_ text: String) -> String? {
        do {
            _ = try RuleSet(yaml: text, file: "rules.yaml")
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test func `the example says what it says`() throws {
        let set = try RuleSet(yaml: Self.example, file: "rules.yaml")
        let rule = Rule(
            timeoutUs: 800_000, perTryTimeoutUs: 180_000,
            retry: RetryPolicy(
                maxRetries: 3,
                on: [.outcome(.connectFailure), .outcome(.reset), .outcome(.errorStatus), .outcome(.timeout)],
                host: .other, backoff: .waits([0, 40_000, 350_000], jitter: 0.1)),
            budget: BudgetPolicy(ratio: 0.2, minPerSecond: 3, windowUs: 10_000_000),
            hedge: HedgePolicy(delayUs: 95_000, max: 1), ejectionUs: 3_200_000)
        let evidence = Evidence(
            attempts: 383_828, failures: 14_211, outages: 391,
            windowUs: 1_794_708_000_000_000...1_795_312_800_000_000,
            cost: CostEvidence(before: 0.405, after: 0.043, interval: -0.38 ... -0.34),
            reason: "outages end within 40 ms")
        #expect(
            set
                == RuleSet(
                    version: 7, createdUs: 1_795_312_800_000_000,
                    routes: ["checkout": .init(rule: rule, evidence: evidence)]))
    }

    @Test func `what is absent has its default`() throws {
        let text = "version: 1\nroutes:\n  a: {retry: {max_retries: 2, on: [http_503]}}\n  b: {}\n"
        let set = try RuleSet(yaml: text, file: "rules.yaml")
        #expect(set.createdUs == 0)
        #expect(set.routes["b"]?.rule == Rule())
        // Nothing is said of the route: it has no rule of its own.
        #expect(set.rule(for: "b") == nil)
        #expect(
            set.rule(for: "a")
                == Rule(
                    retry: RetryPolicy(maxRetries: 2, on: [.http(503)], host: .other, backoff: .waits([0], jitter: 0))))
        #expect(set.rule(for: "a")?.retry?.retryAfter == .heed)
        let exponential = "version: 1\nroutes: {a: {retry: {max_retries: 1, on: [reset], backoff: {base: 25ms}}}}"
        #expect(
            try RuleSet(yaml: exponential, file: "rules.yaml").rule(for: "a")?.retry?.backoff
                == .exponential(baseUs: 25_000, maxUs: 250_000, multiplier: 2, jitter: .full))
        let longest = "version: 1\nroutes: {a: {retry: {max_retries: 1, on: [reset], backoff: {base: 24h}}}}"
        let set24 = try RuleSet(yaml: longest, file: "rules.yaml")
        #expect(try RuleSet(yaml: set24.yaml(), file: "rules.yaml") == set24)
    }

    @Test(arguments: RetryAfterPolicy.allCases)
    func `a rule says what its retries do with Retry-After`(policy: RetryAfterPolicy) throws {
        let retry = "{max_retries: 1, on: [reset], retry_after: \(policy.rawValue)}"
        let set = try RuleSet(yaml: "version: 1\nroutes: {a: {retry: \(retry)}}\n", file: "rules.yaml")
        #expect(set.rule(for: "a")?.retry?.retryAfter == policy)
        #expect(try RuleSet(yaml: set.yaml(), file: "rules.yaml") == set)
    }

    /// A rule file with one route, whose lines begin at line 4.
    private static func route(_ lines: String...) -> String {
        "version: 1\nroutes:\n  a:\n" + lines.map { "    \($0)\n" }.joined()
    }

    @Test(arguments: [
        ("", ":1: the file must be a YAML mapping (key: value), found nothing"),
        ("# only a comment\n", ":1: the file must be a YAML mapping (key: value), found nothing"),
        ("just words", ":1: the file must be a YAML mapping (key: value), found 'just words'"),
        ("- a\n- b\n", ":1: the file must be a YAML mapping (key: value), found a list"),
        ("routes: {}\n", ":1: version is missing; write version: 1"),
        ("version: 1\n", ":1: routes is missing; write routes: with one key a route"),
        ("version: 0\nroutes: {}\n", ":1: version: must be a whole number from 1 to 2147483647, found '0'"),
        ("version: 1.5\nroutes: {}\n", ":1: version: must be a whole number from 1 to 2147483647, found '1.5'"),
        ("version: +1\nroutes: {}\n", ":1: version: must be a whole number from 1 to 2147483647, found '+1'"),
        ("version:\nroutes: {}\n", ":1: version: must be a word, found nothing"),
        (
            "version: 1\ncreated: yesterday\nroutes: {}\n",
            ":2: created: not a time: 'yesterday'; write it like 2026-11-22T02:00:00Z"
        ),
        ("version: 1\nroutes: []\n", ":2: routes: must be a mapping (key: value), found a list"),
        ("version: 1\nroutes:\n  a: []\n", ":3: routes.a: must be a mapping (key: value), found a list"),
        ("version: 1\nroutes: {}\ncolour: red\n", ":3: colour: unknown key; known here: version, created, routes"),
        ("version: 1\nroutes:\n  a: {}\n  a: {}\n", ":3: 'a' stands here and again in the same mapping"),
        ("version: 1\nroutes: {1: {}, \"1\": {}}\n", ":2: routes.1: this key stands twice"),
        ("version: 1\nversion: 2\nroutes: {}\n", ":1: 'version' stands here and again in the same mapping"),
        (
            "version: 1\nroutes:\n\ta: {}\n",
            ":3: not YAML: found character that cannot start any token; indent with spaces, not with tabs, and put a word "
                + "that begins with @, % or ` in quotes"
        ),
        ("version: 1\nroutes: {a: {timeout: 1s}\n", ":3: not YAML: did not find expected ',' or '}'"),
        ("version: 1\nroutes: *nowhere\n", ":2: not YAML: found undefined alias"),
        ("version: 1\nroutes: {}\n---\nversion: 2\n", ":3: not YAML: but found another document"),
        ("version: 1\nroutes: {}\nx: \u{1}\n", ":3: not YAML: control characters are not allowed"),
        ("version: 1\nroutes: {[a]: {}}\n", ":2: routes: keys must be words"),
    ])
    func `a file that is no rule file is refused with its line`(text: String, message: String) {
        #expect(Self.refusal(text) == "rules.yaml" + message)
    }

    @Test(
        arguments: [
            (
                ["timeout: 800"],
                ":4: routes.a.timeout: not a duration: '800'; write a number with us, ms, s, m or h, such as 250ms or 1.5s"
            ),
            (
                ["timeout: 5 s"],
                ":4: routes.a.timeout: not a duration: '5 s'; write a number with us, ms, s, m or h, such as 250ms or 1.5s"
            ),
            (
                ["timeout: 5d"],
                ":4: routes.a.timeout: not a duration: '5d'; write a number with us, ms, s, m or h, such as 250ms or 1.5s"
            ),
            (["timeout: -5s"], ":4: routes.a.timeout: a duration cannot be negative, found '-5s'"),
            (["timeout: 0s"], ":4: routes.a.timeout: must be from 1us to 24h, found 0s"),
            (["timeout: 25h"], ":4: routes.a.timeout: must be from 1us to 24h, found 25h"),
            (["timeout: [1s]"], ":4: routes.a.timeout: must be a word, found a list"),
            (["timeout: ~"], ":4: routes.a.timeout: must be a word, found '~'"),
            (
                ["timeout: 100ms", "per_try_timeout: 200ms"],
                ":5: routes.a.per_try_timeout: 200ms is longer than the request's timeout of 100ms, so it could never fire; "
                    + "make it shorter or leave it out"
            ),
            (
                ["retries: 3"],
                ":4: routes.a.retries: unknown key; known here: timeout, per_try_timeout, retry, budget, hedge, ejection, "
                    + "evidence"
            ),
            (
                ["retries:", "  max: 3"],
                ":4: routes.a.retries: unknown key; known here: timeout, per_try_timeout, retry, budget, hedge, ejection, "
                    + "evidence"
            ),
            (
                ["ejection: never"],
                ":4: routes.a.ejection: not a duration: 'never'; write a number with us, ms, s, m or h, such as 250ms or 1.5s"
            ),
            (["retry: 3"], ":4: routes.a.retry: must be a mapping (key: value), found '3'"),
            (["retry: {on: [reset]}"], ":4: routes.a.retry: max_retries is missing; write max_retries: 2"),
            (
                ["retry: {max_retries: 1}"],
                ":4: routes.a.retry: on is missing; write on: [connect_failure, reset, error_status]"
            ),
            (
                ["retry: {max_retries: 21, on: [reset]}"],
                ":4: routes.a.retry.max_retries: must be a whole number from 0 to 20, found '21'"
            ),
            (
                ["retry: {max_retries: -1, on: [reset]}"],
                ":4: routes.a.retry.max_retries: must be a whole number from 0 to 20, found '-1'"
            ),
            (
                ["retry:", "  max_retries: 1", "  on: [success]"],
                ":6: routes.a.retry.on[0]: 'success' is no failure; write error_status, rate_limited, timeout, "
                    + "connect_failure, reset, or exact: http_503, grpc_14"
            ),
            (
                ["retry: {max_retries: 1, on: [reset, 5xx]}"],
                ":4: routes.a.retry.on[1]: '5xx' is no failure; write error_status, rate_limited, timeout, connect_failure, "
                    + "reset, or exact: http_503, grpc_14"
            ),
            (["retry: {max_retries: 1, on: [reset, reset]}"], ":4: routes.a.retry.on[1]: 'reset' stands twice"),
            (
                ["retry: {max_retries: 1, on: []}"],
                ":4: routes.a.retry.on: names no failure, so nothing would be retried"
            ),
            (["retry: {max_retries: 1, on: reset}"], ":4: routes.a.retry.on: must be a list [a, b], found 'reset'"),
            (
                ["retry: {max_retries: 1, on: {reset: 1}}"],
                ":4: routes.a.retry.on: must be a list [a, b], found a mapping"
            ),
            (
                ["retry: {max_retries: 1, on: [reset], host: same}"],
                ":4: routes.a.retry.host: must be other or any, found 'same'"
            ),
            (
                ["retry: {max_retries: 1, on: [reset], retry_after: never}"],
                ":4: routes.a.retry.retry_after: must be heed or ignore, found 'never'"
            ),
            (
                ["retry: {max_retries: 1, on: [reset], retry_after: 1s}"],
                ":4: routes.a.retry.retry_after: must be heed or ignore, found '1s'"
            ),
            (
                ["retry: {max_retries: 1, on: [reset], backoff: {}}"],
                ":4: routes.a.retry.backoff: write waits: [0ms, 40ms], or base: 25ms, max: 250ms, multiplier: 2, jitter: full"
            ),
            (
                ["retry: {max_retries: 1, on: [reset], backoff: {waits: []}}"],
                ":4: routes.a.retry.backoff.waits: must name at least one wait; [0ms] retries at once"
            ),
            (
                ["retry: {max_retries: 1, on: [reset], backoff: {waits: [1ms], jitter: 1.5}}"],
                ":4: routes.a.retry.backoff.jitter: must be a number from 0 to 1, found '1.5'"
            ),
            (
                ["retry: {max_retries: 1, on: [reset], backoff: {waits: [1ms], jitter: full}}"],
                ":4: routes.a.retry.backoff.jitter: must be a number from 0 to 1, found 'full'"
            ),
            (
                ["retry: {max_retries: 1, on: [reset], backoff: {waits: [1ms], jitter: nan}}"],
                ":4: routes.a.retry.backoff.jitter: must be a number from 0 to 1, found 'nan'"
            ),
            (
                ["retry: {max_retries: 1, on: [reset], backoff: {waits: [1ms, -1ms]}}"],
                ":4: routes.a.retry.backoff.waits[1]: a duration cannot be negative, found '-1ms'"
            ),
            (
                ["retry: {max_retries: 1, on: [reset], backoff: {waits: [1ms], base: 1ms}}"],
                ":4: routes.a.retry.backoff.base: goes with base, not with waits; write either waits: [...] or base, max, "
                    + "multiplier"
            ),
            (
                ["retry: {max_retries: 1, on: [reset], backoff: {base: 25ms, max: 10ms}}"],
                ":4: routes.a.retry.backoff.max: is shorter than base"
            ),
            (
                ["retry: {max_retries: 1, on: [reset], backoff: {base: 0ms}}"],
                ":4: routes.a.retry.backoff.base: must be from 1us to 24h, found 0ms"
            ),
            (
                ["retry: {max_retries: 1, on: [reset], backoff: {base: 25ms, jitter: 0.1}}"],
                ":4: routes.a.retry.backoff.jitter: must be full or none, found '0.1'"
            ),
            (
                ["retry: {max_retries: 1, on: [reset], backoff: {base: 25ms, multiplier: 0.5}}"],
                ":4: routes.a.retry.backoff.multiplier: must be a number from 1 to 100, found '0.5'"
            ),
            (["budget: {}"], ":4: routes.a.budget: ratio is missing; write ratio: 0.2"),
            (["budget: {ratio: 20%}"], ":4: routes.a.budget.ratio: must be a number from 0 to 10, found '20%'"),
            (["budget: {ratio: -0.1}"], ":4: routes.a.budget.ratio: must be a number from 0 to 10, found '-0.1'"),
            (
                ["budget: {ratio: 0.1, min_per_second: inf}"],
                ":4: routes.a.budget.min_per_second: must be a number from 0 to 1000000, found 'inf'"
            ),
            (["budget: {ratio: 0.1, window: 1ms}"], ":4: routes.a.budget.window: must be from 100ms to 1h, found 1ms"),
            (["hedge: {max: 1}"], ":4: routes.a.hedge: delay is missing; write delay: 95ms"),
            (["hedge: {delay: 9ms, max: 0}"], ":4: routes.a.hedge.max: must be a whole number from 1 to 5, found '0'"),
            (
                ["evidence: {attempts: -1}"],
                ":4: routes.a.evidence.attempts: must be a whole number from 0 to 9223372036854775807, found '-1'"
            ),
            (["evidence: {window: [2026-11-22T02:00:00Z]}"], ":4: routes.a.evidence.window: must be [from, to]"),
            (
                ["evidence: {window: [2026-11-22T02:00:00Z, 2026-11-21T02:00:00Z]}"],
                ":4: routes.a.evidence.window: ends before it begins"
            ),
            (
                ["evidence: {window: [..., ...]}"],
                ":4: routes.a.evidence.window[0]: not a time: '...'; write it like 2026-11-22T02:00:00Z"
            ),
            (
                ["evidence: {cost: {before: 1}}"],
                ":4: routes.a.evidence.cost: must have before, after and interval, in seconds a request"
            ),
            (
                ["evidence: {cost: {before: 1, after: 1, interval: [2, 1]}}"],
                ":4: routes.a.evidence.cost.interval: its low end lies above its high end"
            ),
            (
                ["evidence: {cost: {before: 1, after: 1, interval: [2]}}"],
                ":4: routes.a.evidence.cost.interval: must be [low, high]"
            ),
        ] as [([String], String)])
    func `a rule that means nothing is refused with line, key and what would be right`(lines: [String], message: String)
    {
        let text = "version: 1\nroutes:\n  a:\n" + lines.map { "    \($0)\n" }.joined()
        #expect(Self.refusal(text) == "rules.yaml" + message)
    }

    @Test func `a person's file cut anywhere is read or refused in one line`() {
        var refused = 0
        for length in 0..<Self.example.count {
            let text = String(Self.example.prefix(length))
            do {
                _ = try RuleSet(yaml: text, file: "rules.yaml")
            } catch {
                refused += 1
                let line = error.line ?? 0
                let lines = text.split(separator: "\n", omittingEmptySubsequences: false).count
                #expect((1...lines + 1).contains(line), "\(error) in a text of \(lines) lines")
                #expect(!"\(error)".contains("\n"), "\(error)")
            }
        }
        #expect(refused > Self.example.count / 4)
    }

    @Test func `a file that Meantime wrote is refused wherever it is cut`() throws {
        let set = try RuleSet(yaml: Self.example, file: "rules.yaml")
        let text = set.yaml()
        let firstLine = "# Written by Meantime, whole: the last line is '...'.\n"
        #expect(text.hasPrefix(firstLine) && text.hasSuffix("\n...\n"))
        #expect(try RuleSet(yaml: String(text.dropLast()), file: "rules.yaml") == set)
        for length in 0..<text.count - 1 {
            let cut = String(text.prefix(length))
            #expect(throws: FileError.self, "cut after \(cut.suffix(20))") {
                try RuleSet(yaml: cut, file: "rules.yaml")
            }
        }
        let half = text.split(separator: "\n").prefix(8).joined(separator: "\n")
        #expect(
            Self.refusal(half)
                == "rules.yaml:8: the file is cut short: its first line promises '...' at its end; restore the file, "
                + "or remove the first line if it is meant to end here")
        #expect(try RuleSet(yaml: String(text.dropFirst(firstLine.count)), file: "rules.yaml") == set)
        #expect(try RuleSet(yaml: text.replacing("\n", with: "\r\n") + "\n\n", file: "rules.yaml") == set)
    }

    @Test func `a value may be written once and named`() throws {
        let text = """
            version: 1
            routes:
              a: &usual {timeout: 1s}
              b: *usual
            """
        let set = try RuleSet(yaml: text, file: "rules.yaml")
        #expect(set.rule(for: "a") == Rule(timeoutUs: 1_000_000))
        #expect(set.rule(for: "b") == set.rule(for: "a"))
    }

    @Test func `odd spacing, comments, Windows line ends and a byte order mark are no matter`() throws {
        let plain = try RuleSet(yaml: Self.example, file: "rules.yaml")
        let windows = Self.example.split(separator: "\n").joined(separator: "\r\n")
        #expect(try RuleSet(yaml: windows, file: "rules.yaml") == plain)
        #expect(try RuleSet(yaml: "\u{FEFF}" + Self.example, file: "rules.yaml") == plain)
        #expect(try RuleSet(yaml: "---\n" + Self.example + "\n...\n", file: "rules.yaml") == plain)
    }
}
