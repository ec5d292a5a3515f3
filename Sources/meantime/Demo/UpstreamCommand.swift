import ArgumentParser

/// One host of the demo as a process of its own. It prints its port, then takes lines from its standard input: `begin
/// N` starts the plan at UNIX microsecond N. It ends when its input ends: with its parent, or when told.
struct UpstreamCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upstream", abstract: "One fault-injecting host of the demo.", shouldDisplay: false)

    @Option(help: "The seed that the faults follow from.")
    var seed: UInt64

    @Option(help: "How long a run lasts, in microseconds.")
    var durationUs: Int64

    @Option(help: "The demo's route that it belongs to.")
    var route: String

    @Option(help: "Its number among the route's hosts, from 0.")
    var host: Int

    func run() async throws {
        let plan = FaultPlan(seed: seed, durationUs: durationUs)
        guard let faults = plan.route(named: route)?.hosts, faults.indices.contains(host) else {
            let known = plan.routes.map { "\($0.trouble.name) 0...\($0.hosts.count - 1)" }.joined(separator: ", ")
            throw Failure("upstream", "the demo has no host \(host) of route '\(route)'; it has \(known)")
        }
        let server = try await UpstreamServer.start(faults: faults[host])
        try Output.print("\(server.port)\n")
        while let line = readLine() {
            let words = line.split(separator: " ")
            guard words.count == 2, words[0] == "begin", let epochUs = Int64(words[1]) else {
                throw Failure("upstream", "'\(line)' is no order; say: begin UNIX-MICROSECONDS")
            }
            try await server.begin(epochUs: epochUs)
        }
        try await server.stop()
    }
}
