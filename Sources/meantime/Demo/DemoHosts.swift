/// The demo's hosts, each a process of its own.
final class DemoHosts {
    /// By route, then by host.
    let ports: [[Int]]
    private let children: [ChildProcess]

    /// Starts them all and learns their ports.
    init(plan: FaultPlan, log: String) throws {
        var started: [[ChildProcess]] = []
        for route in plan.routes {
            started.append(
                try route.hosts.map { host in
                    try ChildProcess(
                        arguments: [
                            "upstream", "--seed", "\(plan.seed)", "--duration-us", "\(plan.durationUs)", "--route",
                            route.trouble.name, "--host", "\(host.host)",
                        ], log: log)
                })
        }
        ports = try started.map { route in
            try route.map { child in
                guard let port = child.readLine(withinUs: 10_000_000).flatMap({ Int($0) }) else {
                    throw Failure("demo host", "did not start; see \(log)")
                }
                return port
            }
        }
        children = started.flatMap(\.self)
    }

    /// Starts the plan on every host.
    func begin(epochUs: Int64) throws {
        for child in children { try child.send("begin \(epochUs)") }
    }

    func stop() async {
        for child in children { await child.stop() }
    }
}
