import Analyzer
import Collector
import Retry

/// The loop, once around: Envoy's default rules, a run, the tuning, the hot swap, the same run again.
struct DemoRun {
    let plan: FaultPlan
    let directory: DemoDirectory
    let progress: DemoProgress

    /// A run's start, and what its clients saw.
    private struct Played {
        let epochUs: Int64
        let endUs: Int64
        let records: [RequestRecord]
    }

    private struct Stage {
        let hosts: DemoHosts
        let proxy: ChildProcess
        let configuration: Configuration
        let store: AttemptStore
        let port: Int
        let admin: Int
    }

    /// - Parameter whileUp: called when all is done and before hosts and proxy are stopped.
    func run(whileUp: (DemoFindings) async throws -> Void) async throws {
        progress.say("starting \(plan.routes.reduce(0) { $0 + $1.hosts.count }) hosts and the proxy")
        let hosts = try DemoHosts(plan: plan, log: directory.log)
        let stage = try await start(hosts)
        do {
            try await whileUp(try await goAround(stage))
        } catch {
            await stop(stage)
            throw error
        }
        await stop(stage)
    }

    private func goAround(_ stage: Stage) async throws -> DemoFindings {
        let before = try await play(stage, "Envoy's default rules")
        progress.say("tuning on what the proxy logged")
        let result = try tune(stage, before)
        try await putInForce(result, stage)
        let rules = result.isChanged ? "tuned rules" : "the same rules"
        let after = try await play(stage, "\(rules), same faults, same requests")
        progress.say("comparing")
        return try findings(stage, before, after, result)
    }

    private func start(_ hosts: DemoHosts) async throws -> Stage {
        let (listen, admin) = (try ReservedPort(), try ReservedPort())
        try directory.writeConfiguration(plan: plan, ports: hosts.ports, listen: listen.port, admin: admin.port)
        let configuration = try ConfigurationFile.load(directory.configuration)
        let store = try StoreFile.openWriting(configuration.store)
        let rules = plan.routes.map { ($0.trouble.name, RuleSet.Entry(rule: DefaultRules.envoy)) }
        _ = try RuleBook(file: try RulesFile.load(configuration.rules), store: store, who: "meantime demo")
            .put(
                Dictionary(rules, uniquingKeysWith: { first, _ in first }), why: "Envoy's default",
                nowUs: WallClock.nowUs)
        let proxy = try ChildProcess(
            arguments: ["demo-proxy", "--config", directory.configuration], log: directory.log)
        let isReady = await wait(upToUs: 15_000_000) {
            !proxy.isRunning || LocalHTTP.get("/readyz", port: admin.port) != nil
        }
        guard isReady, proxy.isRunning else { throw Failure("proxy", "did not start; see \(directory.log)") }
        return Stage(
            hosts: hosts, proxy: proxy, configuration: configuration, store: store, port: listen.port, admin: admin.port
        )
    }

    private func stop(_ stage: Stage) async {
        await stage.proxy.stop()
        await stage.hosts.stop()
        stage.store.close()
    }

    /// Sends the planned requests while the planned faults happen, then waits until all their attempts are on record.
    private func play(_ stage: Stage, _ words: String) async throws -> Played {
        let arrivals = Arrivals(plan: plan)
        progress.say(
            "\(arrivals.requests.count) requests in \(DemoText.fixed(Double(plan.durationUs) / 1e6, 0)) s: \(words)")
        let bar = Progress("traffic", unit: .steps, total: Int64(arrivals.requests.count))
        defer { bar.finish() }
        let epochUs = WallClock.nowUs + 300_000
        try stage.hosts.begin(epochUs: epochUs)
        let records = try await LoadGenerator.run(
            arrivals, plan: plan, port: stage.port,
            deadlinesUs: plan.routes.map { stage.configuration.objective(for: $0.trouble.name).deadlineUs },
            epochUs: epochUs
        ) { share in
            bar.update(done: Int64(share * Double(arrivals.requests.count)), total: Int64(arrivals.requests.count))
        }
        let endUs = WallClock.nowUs
        let store = stage.store
        let isRecorded = await wait(upToUs: 10_000_000) {
            (try? requestsOnRecord(store, fromUs: epochUs, toUs: endUs)) ?? 0 >= records.count
        }
        if !isRecorded {
            let count = try requestsOnRecord(store, fromUs: epochUs, toUs: endUs)
            progress.say("only \(count) of \(records.count) requests are on record: the proxy did not get all of them")
        }
        return Played(epochUs: epochUs, endUs: endUs, records: records)
    }

    private func requestsOnRecord(_ store: AttemptStore, fromUs: Int64, toUs: Int64) throws -> Int {
        try plan.routes.reduce(0) { sum, route in
            let columns = try store.attempts(route: route.trouble.name, fromUs: fromUs, toUs: toUs)
            return sum + columns.attempt.count { $0 == 1 }
        }
    }

    private func tune(_ stage: Stage, _ before: Played) throws -> TuneResult {
        let present = try RulesFile.load(stage.configuration.rules).rules
        let bar = Progress("tune", unit: .steps, total: Int64(plan.routes.count))
        defer { bar.finish() }
        var tuner = Tuner(configuration: stage.configuration, present: present)
        tuner.listsCandidates = true
        return try tuner.run(
            stage.store, fromUs: before.epochUs, toUs: before.endUs, nowUs: WallClock.nowUs
        ) { route, place, count in
            bar.update(done: Int64(place), total: Int64(count), note: route)
        }
    }

    /// Writes the rule file as `meantime tune` does and waits until the running proxy has taken it.
    private func putInForce(_ result: TuneResult, _ stage: Stage) async throws {
        let changed = result.routes.filter(\.isChanged).map(\.route)
        let rules = try RuleBook(
            file: try RulesFile.load(stage.configuration.rules), store: stage.store, who: "meantime demo"
        ).put(
            result.ruleSet.routes,
            why: changed.isEmpty ? "tune: no rule changed" : "tune: \(changed.joined(separator: ", "))",
            nowUs: WallClock.nowUs)
        let admin = stage.admin
        let isTaken = await wait(upToUs: 10_000_000) {
            LocalHTTP.get("/rules", port: admin)?.contains("version: \(rules.version)\n") ?? false
        }
        guard isTaken else {
            throw Failure("proxy", "did not take version \(rules.version) of the rules; see \(directory.log)")
        }
        progress.say("the running proxy took rules version \(rules.version)")
    }

    private func findings(
        _ stage: Stage, _ before: Played, _ after: Played, _ result: TuneResult
    ) throws -> DemoFindings {
        let routes = try plan.routes.enumerated().map { index, faults in
            let name = faults.trouble.name
            guard let tuning = result.routes.first(where: { $0.route == name }) else {
                throw Failure(stage.configuration.store, "holds no attempt of route '\(name)'; see \(directory.log)")
            }
            let logs = try [before, after].map {
                try stage.store.attempts(route: name, fromUs: $0.epochUs, toUs: $0.endUs)
            }
            let hosts = stage.configuration.route(named: name)?.hosts ?? []
            return RouteFindings(
                tuning: tuning, before: before.records.filter { $0.route == index },
                after: after.records.filter { $0.route == index }, logBefore: logs[0], logAfter: logs[1],
                epochsUs: (before.epochUs, after.epochUs), hosts: hosts)
        }
        return DemoFindings(plan: plan, createdUs: WallClock.nowUs, tookUs: progress.elapsedUs, routes: routes)
    }

    /// Asks again every twentieth of a second; false when the time is over.
    private func wait(upToUs us: Int64, _ condition: () -> Bool) async -> Bool {
        let deadlineUs = WallClock.monotonicUs + us
        while !condition() {
            if WallClock.monotonicUs > deadlineUs || Task.isCancelled { return false }
            try? await Task.sleep(for: .milliseconds(50))
        }
        return true
    }
}
