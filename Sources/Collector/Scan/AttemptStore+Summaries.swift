public import Retry

extension AttemptStore: SummarySource {
    /// How long the attempts of each route took, by outcome, on all cores.
    public func latencyHistograms(_ scope: SummaryScope) throws -> [RouteLatency] {
        try latencyHistograms(scope, threads: Crew.cores)
    }

    /// How long the attempts of each route took, by outcome; the same on any number of threads.
    public func latencyHistograms(_ scope: SummaryScope, threads: Int) throws -> [RouteLatency] {
        guard let plan = try openPlan(scope) else { return [] }
        defer { giveBack(plan.reader) }
        let (histograms, damage) = try HistogramScan.run(plan, threads: threads)
        note(damage)
        let found = histograms.map { code, histograms in
            RouteLatency(route: plan.names[.route].names[Int(code)], histograms: histograms)
        }
        return found.sorted { $0.route < $1.route }
    }

    /// Exact quantiles of each route's durations, on all cores.
    public func latencyQuantiles(
        _ shares: [Double], outcomes: Set<Outcome>, _ scope: SummaryScope
    ) throws -> [RouteQuantiles] {
        try latencyQuantiles(shares, outcomes: outcomes, scope, threads: Crew.cores)
    }

    /// Exact quantiles of each route's durations; the same on any number of threads.
    public func latencyQuantiles(
        _ shares: [Double], outcomes: Set<Outcome>, _ scope: SummaryScope, threads: Int
    ) throws -> [RouteQuantiles] {
        guard let plan = try openPlan(scope) else { return [] }
        defer { giveBack(plan.reader) }
        var scan = QuantileScan(plan, shares: shares, outcomes: outcomes, threads: threads)
        let (quantiles, damage) = try scan.run()
        note(damage)
        return quantiles
    }

    /// The recovery of every failed attempt, on all cores.
    public func recoveryIntervals(_ scope: SummaryScope, _ body: (RouteRecoveries) throws -> Void) throws {
        try recoveryIntervals(scope, threads: Crew.cores, body)
    }

    /// The recovery of every failed attempt; the same calls of `body` on any number of threads.
    ///
    /// Memory: the columns of two segments, the rows that `OrderedScan` holds back, and what `RecoveryPass` says.
    public func recoveryIntervals(
        _ scope: SummaryScope, threads: Int, _ body: (RouteRecoveries) throws -> Void
    ) throws {
        guard let plan = try openPlan(scope) else { return }
        defer { giveBack(plan.reader) }
        let (routes, hosts) = (plan.names[.route].names, plan.names[.host].names)
        let damage = try OrderedScan<RecoveryVisitor>(plan, threads: threads).run { route, failures in
            try body(RouteRecoveries(route: routes[Int(route)], hostNames: hosts, failures: failures))
        }
        note(damage)
    }

    /// What every attempt says about its host, on all cores.
    public func hostProbes(_ scope: SummaryScope, _ body: (RouteProbes) throws -> Void) throws {
        try hostProbes(scope, threads: Crew.cores, body)
    }

    /// What every attempt says about its host; the same calls of `body` on any number of threads.
    public func hostProbes(_ scope: SummaryScope, threads: Int, _ body: (RouteProbes) throws -> Void) throws {
        guard let plan = try openPlan(scope) else { return }
        defer { giveBack(plan.reader) }
        let (routes, hosts) = (plan.names[.route].names, plan.names[.host].names)
        let damage = try OrderedScan<ProbeVisitor>(plan, threads: threads).run { route, probes in
            var probes = probes
            probes.route = routes[Int(route)]
            probes.hostNames = hosts
            try body(probes)
        }
        note(damage)
    }

    /// What a scan of the scope reads; whoever is given it gives its reader back. `nil`: the store has never seen the
    /// route, or the range is empty.
    func openPlan(_ scope: SummaryScope) throws(StoreError) -> ScanPlan? {
        if let toUs = scope.toUs, toUs <= scope.fromUs ?? .min { return nil }
        let reader = try borrowReader()
        do throws(StoreError) {
            var filter = RowFilter(fromUs: scope.fromUs, toUs: scope.toUs)
            if let route = scope.route { filter.routeCode = try reader.names()[.route].code(of: route) }
            if scope.route == nil || filter.routeCode != nil { return try ScanPlan(reader, filter: filter) }
        } catch {
            giveBack(reader)
            throw error
        }
        giveBack(reader)
        return nil
    }
}
