import Glibc
import Retry

/// Where a demo keeps what it makes: configuration, rules, store, logs and the page. All of it stays, to be looked at.
struct DemoDirectory {
    let path: String

    var configuration: String { path + "/meantime.yaml" }
    var rules: String { path + "/rules.yaml" }
    var store: String { path + "/meantime.db" }
    var page: String { path + "/index.html" }
    var numbers: String { path + "/demo.json" }
    var log: String { path + "/demo.log" }

    /// How a configuration begins that a demo wrote and the next one may replace.
    private static let mark = "# Written by meantime demo"

    /// Makes the directory, or empties one that an earlier demo made of what that one wrote.
    ///
    /// - Throws: `FileError` when it holds a configuration, rules or a store that no demo wrote.
    init(path: String) throws {
        self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        if mkdir(self.path, 0o755) != 0 && errno != EEXIST {
            throw FileError(file: path, reason: "cannot be made: \(SystemError.text(errno)); name another with --out")
        }
        let old = try TextFile.readIfPresent(configuration)
        let isOurs = old?.hasPrefix(Self.mark) ?? false
        for file in [configuration, rules, store] where !isOurs && access(file, F_OK) == 0 {
            throw FileError(
                file: file, reason: "is there already and no demo wrote it; name another directory with --out")
        }
        for file in [configuration, rules, store, store + "-wal", store + "-shm", page, numbers, log] {
            if unlink(file) != 0 && errno != ENOENT {
                throw FileError(file: file, reason: "cannot be replaced: \(SystemError.text(errno))")
            }
        }
    }

    /// Writes the configuration of the demo's routes.
    func writeConfiguration(plan: FaultPlan, ports: [[Int]], listen: Int, admin: Int) throws {
        var lines = [
            "\(Self.mark) --seed \(plan.seed)",
            "store: meantime.db",
            "rules: rules.yaml",
            "listen: 127.0.0.1:\(listen)",
            "admin: 127.0.0.1:\(admin)",
            "objective: {deadline: 2s, failure_cost: 10s, attempt_cost: 50ms, max_extra_attempts: 0.2}",
            "routes:",
        ]
        for (route, ports) in zip(plan.routes, ports) {
            let hosts = ports.map { "\"127.0.0.1:\($0)\"" }.joined(separator: ", ")
            lines += [
                "  \(route.trouble.name):",
                "    match: {path_prefix: /\(route.trouble.name)}",
                "    hosts: [\(hosts)]",
            ]
            if !RouteConfiguration.idempotentMethods.contains(route.trouble.method) {
                lines.append("    idempotent: true   # its requests carry an idempotency key")
            }
        }
        try Self.write(lines.joined(separator: "\n") + "\n", to: configuration)
    }

    static func write(_ text: String, to path: String) throws(FileError) {
        var file = try AtomicFile.prepare(path, text: text)
        try file.commit()
    }
}
