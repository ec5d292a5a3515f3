import Retry
import Testing

@Suite struct ConfigurationParseTests {
    private static let example = """
        store: meantime.db
        rules: rules.yaml            # written by Meantime, watched by the proxy
        listen: 127.0.0.1:8080
        admin: 127.0.0.1:9090        # health, metrics, rules in force
        objective: {deadline: 2s, failure_cost: 10s, attempt_cost: 50ms, max_extra_attempts: 0.2}   # default for all routes
        routes:
          checkout:
            match: {host: checkout.local, path_prefix: /pay, methods: [POST]}
            hosts: [10.0.0.1:80, 10.0.0.2:80]
            idempotent: false
            objective: {deadline: 800ms}
            bounds: {max_retries: 3, per_try_timeout: [50ms, 800ms]}
        """

    private static func refusal(_ text: String) -> String? {
        do {
            _ = try Configuration(yaml: text, file: "meantime.yaml")
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test func `the example says what it says`() throws {
        let configuration = try Configuration(yaml: Self.example, file: "meantime.yaml")
        let checkout = RouteConfiguration(
            name: "checkout", match: RouteMatch(host: "checkout.local", pathPrefix: "/pay", methods: ["POST"]),
            hosts: ["10.0.0.1:80", "10.0.0.2:80"], idempotent: false,
            objective: Objective(deadlineUs: 800_000), bounds: Bounds(maxRetries: 3, perTryTimeoutUs: 50_000...800_000))
        #expect(
            configuration
                == Configuration(
                    store: "meantime.db", rules: "rules.yaml", listen: "127.0.0.1:8080", admin: "127.0.0.1:9090",
                    objective: Objective(
                        deadlineUs: 2_000_000, failureCostUs: 10_000_000, attemptCostUs: 50_000, maxExtraAttempts: 0.2),
                    routes: [checkout]))
    }

    @Test func `everything but routes has a default, and a route needs only its name`() throws {
        let configuration = try Configuration(yaml: "routes:\n  b:\n  a: {}\n", file: "meantime.yaml")
        #expect(
            configuration
                == Configuration(
                    isDeadlineGiven: false,
                    routes: ["b", "a"].map { RouteConfiguration(name: $0, isDeadlineGiven: false) }))
    }

    @Test func `a route's objective changes only what it names, wherever the default stands`() throws {
        let text = """
            routes:
              a: {objective: {attempt_cost: 1ms}, match: {host: A.Example}, hosts: ["[::1]:80", localhost:65535]}
            objective: {deadline: 3s, failure_cost: 0s}
            listen: "[::]:0"
            """
        let configuration = try Configuration(yaml: text, file: "meantime.yaml")
        #expect(
            configuration.objective(for: "a")
                == Objective(deadlineUs: 3_000_000, failureCostUs: 0, attemptCostUs: 1000, maxExtraAttempts: 0.2))
        #expect(configuration.route(named: "a")?.match.host == "a.example")
        #expect(configuration.route(named: "a")?.hosts == ["[::1]:80", "localhost:65535"])
        #expect(configuration.listen == "[::]:0")
    }

    @Test(arguments: [
        ("", ":1: the file must be a YAML mapping (key: value), found nothing"),
        ("store: x\n", ":1: routes is missing; write routes: with one key a route"),
        ("routes: {}\n", ":1: routes: must name at least one route"),
        ("routes:\n", ":1: routes: must be a mapping (key: value), found nothing"),
        ("routes: [a]\n", ":1: routes: must be a mapping (key: value), found a list"),
        ("routes: {a: 1}\n", ":1: routes.a: must be a mapping (key: value), found '1'"),
        (
            "routes: {a: {}}\nstores: x\n",
            ":2: stores: unknown key; known here: store, rules, listen, admin, objective, routes"
        ),
        ("store: ''\nroutes: {a: {}}\n", ":1: store: must not be empty"),
        ("store:\nroutes: {a: {}}\n", ":1: store: must be a word, found nothing"),
        ("store: [x]\nroutes: {a: {}}\n", ":1: store: must be a word, found a list"),
        (
            "listen: 8080\nroutes: {a: {}}\n",
            ":1: listen: must be address:port with a port from 0 to 65535, found '8080'"
        ),
        (
            "listen: :8080\nroutes: {a: {}}\n",
            ":1: listen: must be address:port with a port from 0 to 65535, found ':8080'"
        ),
        (
            "listen: h:65536\nroutes: {a: {}}\n",
            ":1: listen: must be address:port with a port from 0 to 65535, found 'h:65536'"
        ),
        (
            "admin: h:+80\nroutes: {a: {}}\n",
            ":1: admin: must be address:port with a port from 0 to 65535, found 'h:+80'"
        ),
        (
            "admin: ::1:80\nroutes: {a: {}}\n",
            ":1: admin: must be address:port with a port from 0 to 65535, found '::1:80'"
        ),
        (
            "objective: {deadline: 2}\nroutes: {a: {}}\n",
            ":1: objective.deadline: not a duration: '2'; write a number with us, ms, s, m or h, such as 250ms or 1.5s"
        ),
        ("objective: {deadline: 0s}\nroutes: {a: {}}\n", ":1: objective.deadline: must be from 1us to 24h, found 0s"),
        (
            "objective: {failure_cost: -1s}\nroutes: {a: {}}\n",
            ":1: objective.failure_cost: a duration cannot be negative, found '-1s'"
        ),
        (
            "objective: {max_extra_attempts: 11}\nroutes: {a: {}}\n",
            ":1: objective.max_extra_attempts: must be a number from 0 to 10, found '11'"
        ),
        (
            "objective: {budget: 1}\nroutes: {a: {}}\n",
            ":1: objective.budget: unknown key; known here: deadline, failure_cost, attempt_cost, max_extra_attempts"
        ),
    ])
    func `a file that is no configuration is refused with its line`(text: String, message: String) {
        #expect(Self.refusal(text) == "meantime.yaml" + message)
    }

    @Test(arguments: [
        ("matches: {}", ":3: routes.a.matches: unknown key; known here: match, hosts, idempotent, objective, bounds"),
        ("match: {path_prefix: pay}", ":3: routes.a.match.path_prefix: must begin with /, found 'pay'"),
        ("match: {methods: [post]}", ":3: routes.a.match.methods[0]: write methods in capitals: POST"),
        (
            "match: {methods: []}",
            ":3: routes.a.match.methods: names no method, so nothing would match; leave it out for all"
        ),
        ("match: {methods: POST}", ":3: routes.a.match.methods: must be a list [a, b], found 'POST'"),
        ("match: {host: ''}", ":3: routes.a.match.host: must not be empty"),
        ("hosts: []", ":3: routes.a.hosts: must name at least one host, such as 10.0.0.1:80"),
        (
            "hosts: [10.0.0.1]",
            ":3: routes.a.hosts[0]: must be address:port with a port from 1 to 65535, found '10.0.0.1'"
        ),
        ("hosts: [h:0]", ":3: routes.a.hosts[0]: must be address:port with a port from 1 to 65535, found 'h:0'"),
        (
            "hosts: ['a b:80']",
            ":3: routes.a.hosts[0]: must be address:port with a port from 1 to 65535, found 'a b:80'"
        ),
        ("hosts: [h:1, h:1]", ":3: routes.a.hosts[1]: 'h:1' stands twice"),
        ("idempotent: yes", ":3: routes.a.idempotent: must be true or false, found 'yes'"),
        (
            "bounds: {max_retries: 21}",
            ":3: routes.a.bounds.max_retries: must be a whole number from 0 to 20, found '21'"
        ),
        ("bounds: {per_try_timeout: 50ms}", ":3: routes.a.bounds.per_try_timeout: must be a list [a, b], found '50ms'"),
        (
            "bounds: {per_try_timeout: [50ms]}",
            ":3: routes.a.bounds.per_try_timeout: must be [shortest, longest], such as [50ms, 800ms]"
        ),
        (
            "bounds: {per_try_timeout: [1s, 50ms]}",
            ":3: routes.a.bounds.per_try_timeout: its first limit is longer than its second"
        ),
        (
            "bounds: {may_ignore_retry_after: yes}",
            ":3: routes.a.bounds.may_ignore_retry_after: must be true or false, found 'yes'"
        ),
        (
            "bounds: {ignore_retry_after: true}",
            ":3: routes.a.bounds.ignore_retry_after: unknown key; known here: max_retries, per_try_timeout, "
                + "may_ignore_retry_after"
        ),
    ])
    func `a route that means nothing is refused with line, key and what would be right`(line: String, message: String) {
        #expect(Self.refusal("routes:\n  a:\n    \(line)\n") == "meantime.yaml" + message)
    }

    @Test func `a file cut anywhere is read or refused in one line`() {
        for length in 0..<Self.example.count {
            guard let refusal = Self.refusal(String(Self.example.prefix(length))) else { continue }
            #expect(refusal.hasPrefix("meantime.yaml:") && !refusal.contains("\n"), "\(refusal)")
        }
    }

    @Test func `a route's rule heeds Retry-After unless its bounds allow another`() throws {
        let text = """
            routes:
              a: {bounds: {may_ignore_retry_after: true}}
              b: {bounds: {may_ignore_retry_after: false}}
              c: {bounds: {max_retries: 2}}
            """
        let routes = try Configuration(yaml: text, file: "meantime.yaml").routes
        #expect(routes.map(\.bounds.mayIgnoreRetryAfter) == [true, false, false])
        #expect(routes.map(\.bounds.maxRetries) == [4, 4, 2])
    }

    @Test func `a deadline counts as given where somebody wrote it`() throws {
        let text = """
            objective: {failure_cost: 5s}
            routes:
              a:
              b: {objective: {deadline: 1s}}
            """
        let configuration = try Configuration(yaml: text, file: "meantime.yaml")
        #expect(configuration.routes.map(\.isDeadlineGiven) == [false, true])
        let all = try Configuration(yaml: "objective: {deadline: 3s}\nroutes: {a: }\n", file: "meantime.yaml")
        #expect(all.routes.map(\.isDeadlineGiven) == [true])
    }
}
