public import Retry

extension AttemptStore: SummarySource {
    /// How long the attempts of each route took, by outcome, on all cores.
    public func latencyHistograms(_ scope: SummaryScope) throws -> [RouteLatency] {
        try latencyHistograms(scope, threads: Crew.cores)
    }

    /// How long the attempts of each route took, by outcome; the same on any number of threads.
    public func latencyHistograms(_ scope: SummaryScope, threads: Int) throws -> [RouteLatency] {
        try plan(scope, none: []) { (plan) throws(StoreError) in
            let (histograms, damage) = try HistogramScan.run(plan, threads: threads)
            let found = histograms.map { code, histograms in
                RouteLatency(route: plan.names[.route].names[Int(code)], histograms: histograms)
            }
            return (found.sorted { $0.route < $1.route }, damage)
        }
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
        try plan(scope, none: []) { (plan) throws(StoreError) in
            var scan = QuantileScan(plan, shares: shares, outcomes: outcomes, threads: threads)
            return try scan.run()
        }
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
        try plan(scope, none: ()) { plan in
            let names = plan.names
            let damage = try OrderedScan<RecoveryVisitor>(plan, threads: threads).run { route, failures in
                try body(
                    RouteRecoveries(
                        route: names[.route].names[Int(route)], hostNames: names[.host].names, failures: failures))
            }
            return ((), damage)
        }
    }

    /// What every attempt says about its host, on all cores.
    public func hostProbes(_ scope: SummaryScope, _ body: (RouteProbes) throws -> Void) throws {
        try hostProbes(scope, threads: Crew.cores, body)
    }

    /// What every attempt says about its host; the same calls of `body` on any number of threads.
    public func hostProbes(_ scope: SummaryScope, threads: Int, _ body: (RouteProbes) throws -> Void) throws {
        try plan(scope, none: ()) { plan in
            let names = plan.names
            let damage = try OrderedScan<ProbeVisitor>(plan, threads: threads).run { route, probes in
                var probes = probes
                probes.route = names[.route].names[Int(route)]
                probes.hostNames = names[.host].names
                try body(probes)
            }
            return ((), damage)
        }
    }

    /// Gives `body` what a scan of the scope reads, and notes the damage that it met; `none` where the store has never
    /// seen the route.
    private func plan<Value>(
        _ scope: SummaryScope, none: Value, _ body: (ScanPlan) throws -> (Value, [SegmentDamage])
    ) throws -> Value {
        let reader = try borrowReader()
        defer { giveBack(reader) }
        var filter = RowFilter(fromUs: scope.fromUs, toUs: scope.toUs)
        if let toUs = scope.toUs, toUs <= scope.fromUs ?? .min { return none }
        if let route = scope.route {
            guard let code = try reader.names()[.route].code(of: route) else { return none }
            filter.routeCode = code
        }
        let (value, damage) = try body(ScanPlan(reader, filter: filter))
        note(damage)
        return value
    }
}
