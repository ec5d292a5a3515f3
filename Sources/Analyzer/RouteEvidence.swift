import Retry

/// One route's log, read for pricing: facts by evidence unit, and what the log can and cannot tell.
struct RouteEvidence {
    let facts: RouteFacts
    let failures: Int
    let outages: Int
    let windowUs: ClosedRange<Int64>
    /// Outcomes that occur.
    let seen: Set<Outcome>
    /// Whether slow attempts are slow again (methods: attempt dependence).
    let dependence: AttemptDependence
    /// Whether hosts make attempts slow (methods: slow origin).
    let origin: SlowOrigin
    /// Whether so many attempts were cut off, and by no outage, that the law past where the log ends matters.
    let isCutShort: Bool
    let longestSuccessUs: Int64
    /// Retries sooner than this were not seen by enough failures; 0: at once.
    let waitsFromUs: Int64
    /// The longest answer that was not its host's fault.
    let longestOwnUs: Int64
    /// What the log says of the length of every host's outages.
    let outageDurations: [CensoredInterval]
    /// Whether the hosts fail together, so that their states are taken as one.
    let areHostsAsOne: Bool
    let assumptions: [String]
    /// How long an answer takes on a host that is up.
    let law: LatencyLaw
    /// The methods whose requests may be repeated although they may have been executed.
    let repeatableMethods: [String]

    /// At most this many rows are played; beyond, every n-th stands for n.
    static let mostPlayedRows = 20_000

    init?(_ columns: AttemptColumns, setting: RouteSetting) {
        let firsts = (0..<columns.count).filter { columns.attempt[$0] == 1 && !columns.hedge[$0] }
        guard let firstUs = columns.startUs.first, let lastUs = columns.startUs.last, !firsts.isEmpty else {
            return nil
        }
        let rateLimit = RateLimit(columns)
        let availability = StageMeter.measure(.states) { Availability(columns, isLimited: rateLimit != nil) }
        let outages = Outages(columns: columns, states: availability.smoothed)
        // A deadline that nobody gave is good for prices, not for passing over evidence.
        let deadlineUs = setting.isDeadlineGiven ? setting.objective.deadlineUs : .max
        dependence = AttemptDependence(columns: columns, states: availability.smoothed, deadlineUs: deadlineUs)
        let isOutage = AttemptDependence.outageRows(columns, availability.smoothed)
        let isHedged = columns.hedge.contains(true)
        let isCutShort =
            Self.leastCut
            <= firsts.count {
                columns.outcome[$0] == .cancelled && isHedged || columns.outcome[$0] == .timeout && !isOutage[$0]
            }
        self.isCutShort = isCutShort
        // What lies past the log is counted on only then, so only then a tail is fitted.
        let law = StageMeter.measure(.latency) {
            LatencyLaw.success(
                of: columns, states: availability.smoothed, tailFrom: isCutShort ? LatencyLaw.wholeBody : [])
        }
        origin = SlowOrigin(
            columns: columns, usualUs: law.quantileUs(0.5).map { Int64($0) },
            nineInTenUs: law.quantileUs(0.9).map { Int64($0) }, deadlineUs: deadlineUs)
        let builder = FactsBuilder(
            columns: columns, firsts: firsts, setting: setting, outages: outages, availability: availability,
            slowness: SlowRows(columns, isOutage: isOutage, dependence: dependence, origin: origin),
            isExtrapolated: isCutShort, isSlowTogether: origin.isCommon, rateLimit: rateLimit)
        facts = builder.facts(law: law)
        self.law = law
        repeatableMethods = columns.methodNames.filter(RouteConfiguration.idempotentMethods.contains).sorted()
        var longestOwnUs: Int64 = 0
        for row in firsts where columns.outcome[row] == .success && origin.ownShare[row] >= 0.5 {
            longestOwnUs = max(longestOwnUs, columns.durationUs[row])
        }
        self.longestOwnUs = longestOwnUs
        failures = columns.outcome.count(where: \.isFailure)
        self.outages = outages.outages.count
        outageDurations = outages.durations
        areHostsAsOne = availability.isShared
        windowUs = firstUs...lastUs
        seen = Set(Outcome.allCases.filter { columns.outcome.contains($0) })
        longestSuccessUs = (0..<columns.count).reduce(0) { longest, row in
            columns.outcome[row] == .success ? max(longest, columns.durationUs[row]) : longest
        }
        waitsFromUs = CandidateRules.rounded(Double(ProbedWaits.leastUs(columns)))
        var assumptions = builder.assumptions
        if waitsFromUs > 0 {
            assumptions.append(
                "half of the failures were not followed by another attempt within \(DurationText.format(waitsFromUs)): "
                    + "shorter waits are not considered, for nobody knows what they would have met")
        }
        assumptions += RateLimit.assumptions(rateLimit, columns) + Self.slowness(dependence, origin)
        if isCutShort {
            let reach = DurationText.format(law.lastObservedUs)
            assumptions.append("answers past \(reach), where the log ends, are priced by a fitted tail: extrapolation")
        }
        let left = firsts.count { columns.outcome[$0] == .cancelled && !builder.isAnswered($0) }
        if left > 0 {
            assumptions.append(
                "clients that left before an answer are priced as if they had waited (requests: \(left))")
        }
        if availability.isShared { assumptions.append("the hosts fail together: their states are taken as one") }
        self.assumptions = assumptions
    }

    /// Whether retries of some slow attempts were shown to be fast: of any by retries, of those that their hosts made
    /// slow by what other hosts did meanwhile. Where retries were seen to be slow again, that counts for more.
    var areSlowRetriesFast: Bool {
        if origin.isCommon { return false }
        switch dependence.verdict {
        case .independent: return true
        case .dependent: return false
        case .notIdentified: return origin.isIdentified
        }
    }

    /// So many attempts of hosts that were up must have been cut off before the law past the limit is asked for.
    static let leastCut = 30

    private static func slowness(_ dependence: AttemptDependence, _ origin: SlowOrigin) -> [String] {
        if origin.isCommon {
            return [
                "attempts are slow while other hosts are slow too, as in an overload: timeouts are not retried, that "
                    + "would be load"
            ]
        }
        if dependence.verdict == .independent { return [] }
        if dependence.verdict == .dependent {
            return ["slow attempts are slow again when retried: timeouts are not shortened"]
        }
        if origin.isIdentified {
            return [
                "hosts make attempts slow that other hosts answer meanwhile: those are priced as fast elsewhere, provided "
                    + "that requests are dealt to hosts whatever their size; every other slow attempt as slow again"
            ]
        }
        return ["the log does not tell whether retries of slow attempts are fast: timeouts are left alone"]
    }

    /// The time within which this share of attempts is answered, if the log reaches that far.
    func latencyQuantileUs(_ share: Double) -> Double? { law.quantileUs(share) }
}

/// Sorts a route's requests by what a rule can change about them.
struct FactsBuilder {
    let columns: AttemptColumns
    let firsts: [Int]
    let setting: RouteSetting
    let outages: Outages
    let availability: Availability
    let slowness: SlowRows
    /// Whether latency laws go on past what was observed.
    let isExtrapolated: Bool
    private let rateLimit: RateLimit?
    /// The evidence unit of each of the log's units: where all hosts are slow together, a slow stretch is one.
    private let unitOf: [Int]
    private(set) var assumptions: [String] = []
    private let requestEnds: [UInt64: RequestEnd]
    private let retried: RequestMarks

    /// How a request that needed more than one attempt ended.
    private struct RequestEnd {
        var endUs: Int64
        var isSuccess: Bool
        var attempts: Int
    }

    init(
        columns: AttemptColumns, firsts: [Int], setting: RouteSetting, outages: Outages, availability: Availability,
        slowness: SlowRows, isExtrapolated: Bool, isSlowTogether: Bool, rateLimit: RateLimit? = nil
    ) {
        var unitOf = isSlowTogether ? Self.stretches(columns, firsts, outages) : Array(outages.units.indices)
        if let rateLimit { unitOf = rateLimit.blocks(unitOf, outages) }
        self.unitOf = unitOf
        self.rateLimit = rateLimit
        self.slowness = slowness
        self.isExtrapolated = isExtrapolated
        self.columns = columns
        self.firsts = firsts
        self.setting = setting
        self.outages = outages
        self.availability = availability
        retried = RequestMarks((0..<columns.count).lazy.filter { columns.attempt[$0] > 1 }.map { columns.request[$0] })
        requestEnds = Self.ends(of: columns, retried)
        if setting.isIdempotent == nil && columns.methodNames.contains("") {
            assumptions.append(
                "the log names no method for some attempts: those are taken as not idempotent, so only what was never "
                    + "executed is retried; set idempotent: true if repeating is safe")
        }
    }

    func facts(law: LatencyLaw) -> RouteFacts {
        let units = (unitOf.last ?? -1) + 1
        // Whatever the present or any candidate's limit could cut must be played.
        let limitedFromUs =
            ([Int64(law.quantileUs(0.9) ?? 0), setting.objective.deadlineUs]
            + ([setting.present.rule] + setting.asked).flatMap { [$0.perTryTimeoutUs, $0.timeoutUs] })
            .compactMap { $0 }.min() ?? 0
        // And what a hedge could shorten.
        let slowFromUs = min(limitedFromUs, setting.asked.compactMap(\.hedge?.delayUs).min() ?? .max)
        var fixedCostUs = [Double](repeating: 0, count: units)
        var fixedSuccesses = fixedCostUs
        var requests = fixedCostUs
        var recorded = UnitTotals(units: units)
        var failed: [RouteFacts.First] = []
        var slow: [RouteFacts.First] = []
        var hedged: [RouteFacts.First] = []
        var answered: [RouteFacts.Answered] = []
        var arrivals: [RouteFacts.Arrival] = []
        for row in firsts {
            let unit = unitOf[outages.unit(of: row)]
            requests[unit] += 1
            if let last = arrivals.last, columns.startUs[row] < last.startUs + 1000 {
                arrivals[arrivals.count - 1].count += 1
            } else {
                arrivals.append(RouteFacts.Arrival(startUs: columns.startUs[row], count: 1))
            }
            record(row, unit, in: &recorded)
            let durationUs = columns.durationUs[row]
            if columns.outcome[row] != .success {
                failed.append(first(row, unit))
            } else if durationUs > limitedFromUs {
                slow.append(first(row, unit))
            } else if durationUs > slowFromUs {
                hedged.append(first(row, unit))
            } else {
                fixedCostUs[unit] += Double(durationUs)
                fixedSuccesses[unit] += 1
                if isEveryoneKept { answered.append(self.answered(row, unit)) }
            }
        }
        let answers = availability.answerProbabilities()
        var facts = RouteFacts(
            objective: setting.objective, hostCount: columns.hostNames.count, failed: thinned(failed),
            slow: (thinned(slow) + keeping(hedged, in: &fixedCostUs)).sorted { $0.startUs < $1.startUs },
            slowFromUs: slowFromUs, fixedCostUs: fixedCostUs,
            fixedSuccesses: fixedSuccesses, requests: requests, recorded: recorded, arrivals: arrivals,
            answerProbability: answers.probability, availability: answers,
            upProbability: availability.upProbability(host:atUs:),
            latency: StageMeter.measure(.latency) { latencies(law) }, secondLatency: slowness.secondLatency,
            secondLatencyEnds: slowness.secondLatencyEnds,
            outageUs: outageUs,
            failureUs: medianFailureUs)
        facts.answered = answered
        facts.rateLimit = rateLimit
        return facts
    }

    /// Whether a rule may send any request elsewhere, or make a limiter refuse it.
    private var isEveryoneKept: Bool { rateLimit != nil || setting.asked.contains { $0.ejectionUs != nil } }

    /// Requests that no limit touches, thinned; what the others took more or less than those that stand for them is the
    /// same under every rule.
    private func keeping(_ hedged: [RouteFacts.First], in fixedCostUs: inout [Double]) -> [RouteFacts.First] {
        let kept = thinned(hedged)
        if kept.count == hedged.count { return kept }
        for first in hedged { fixedCostUs[first.unit] += Double(first.durationUs) }
        for first in kept { fixedCostUs[first.unit] -= first.weight * Double(first.durationUs) }
        return kept
    }

    private var outageUs: [Double] {
        var lengths = Array(repeating: 0.0, count: (unitOf.last ?? -1) + 1)
        for (place, unit) in outages.units.enumerated() where unit.isOutage {
            lengths[unitOf[place]] += Double(unit.endUs - unit.beginUs)
        }
        return lengths
    }

    /// Units that follow each other and take longer to answer than the route does on average are one piece of evidence:
    /// a queue that has not drained yet.
    private static func stretches(_ columns: AttemptColumns, _ firsts: [Int], _ outages: Outages) -> [Int] {
        var (sumUs, counts) = (Array(repeating: 0.0, count: outages.units.count), outages.units.map { _ in 0.0 })
        for row in firsts {
            sumUs[outages.unit(of: row)] += Double(columns.durationUs[row])
            counts[outages.unit(of: row)] += 1
        }
        let meanUs = sumUs.reduce(0, +) / max(1, counts.reduce(0, +))
        let isSlow = zip(sumUs, counts).map { $0 > meanUs * $1 }
        var numbers: [Int] = []
        for place in isSlow.indices {
            let isNext = place > 0 && isSlow[place] && isSlow[place - 1]
            numbers.append(isNext ? numbers[place - 1] : (numbers.last ?? -1) + 1)
        }
        return numbers
    }

    /// One table a host; a host that answered too seldom for a law of its own takes the route's.
    private func latencies(_ law: LatencyLaw) -> [LatencyTable] {
        let table = LatencyTable(law, past: isExtrapolated ? law : nil)
        return columns.hostNames.indices.map { host in
            let rows = columns.host.count { $0 == host }
            guard columns.hostNames.count > 1, rows >= 200 else { return table }
            return LatencyTable(
                LatencyLaw.success(of: columns, states: availability.smoothed, host: host, tailFrom: []),
                past: isExtrapolated ? law : nil)
        }
    }

    private func first(_ row: Int, _ unit: Int) -> RouteFacts.First {
        RouteFacts.First(
            startUs: columns.startUs[row], durationUs: columns.durationUs[row], host: Int(columns.host[row]),
            outcome: columns.outcome[row], status: Int(columns.status[row]), isGRPC: columns.isGRPC[row],
            retryAfterUs: columns.retryAfterUs[row],
            isIdempotent: isIdempotent(row), unit: unit, hasStarted: hasStarted(row), ownShare: slowness.ownShare[row],
            isSeenAgain: slowness.isSeenAgain[row], weight: 1)
    }

    private func answered(_ row: Int, _ unit: Int) -> RouteFacts.Answered {
        RouteFacts.Answered(
            startUs: columns.startUs[row], durationUs: columns.durationUs[row], host: Int32(columns.host[row]),
            unit: Int32(unit), isIdempotent: isIdempotent(row))
    }

    private func isIdempotent(_ row: Int) -> Bool {
        setting.isIdempotent
            ?? RouteConfiguration.idempotentMethods.contains(columns.methodNames[Int(columns.method[row])])
    }

    /// Whether a response that would have been an answer had begun before the attempt broke or was cut.
    private func hasStarted(_ row: Int) -> Bool {
        let status = Int(columns.status[row])
        if columns.outcome[row] == .success || columns.outcome[row] == .errorStatus { return false }
        if columns.isGRPC[row] { return false }
        return status > 0 && Outcome(httpStatus: status) == .success
    }

    /// Whether another attempt answered the request.
    func isAnswered(_ row: Int) -> Bool { requestEnds[columns.request[row]]?.isSuccess ?? false }

    /// What the request cost as the log shows it.
    private func record(_ row: Int, _ unit: Int, in recorded: inout UnitTotals) {
        let request = columns.request[row]
        let end = retried.mayHold(request) ? requestEnds[request] : nil
        let isSuccess = end?.isSuccess ?? (columns.outcome[row] == .success)
        let endUs = end?.endUs ?? columns.startUs[row] + columns.durationUs[row]
        let latencyUs = endUs - columns.startUs[row]
        let attempts = end?.attempts ?? 1
        let cost = setting.objective.costUs(latencyUs: latencyUs, failed: !isSuccess, attempts: attempts)
        recorded.costUs[unit] += Double(cost)
        recorded.extra[unit] += Double(attempts - 1)
        if isSuccess && latencyUs <= setting.objective.deadlineUs { recorded.successes[unit] += 1 }
    }

    /// A request that made more than one attempt succeeded when any of them did, at the end of the first that did.
    private static func ends(of columns: AttemptColumns, _ retried: RequestMarks) -> [UInt64: RequestEnd] {
        var ends: [UInt64: RequestEnd] = [:]
        for row in 0..<columns.count where columns.attempt[row] > 1 {
            ends[columns.request[row]] = RequestEnd(endUs: 0, isSuccess: false, attempts: 1)
        }
        for row in 0..<columns.count where retried.mayHold(columns.request[row]) {
            guard var end = ends[columns.request[row]] else { continue }
            let endUs = columns.startUs[row] + columns.durationUs[row]
            end.attempts = max(end.attempts, Int(columns.attempt[row]))
            if columns.outcome[row] == .success {
                end.endUs = end.isSuccess ? min(end.endUs, endUs) : endUs
                end.isSuccess = true
            } else if !end.isSuccess {
                end.endUs = max(end.endUs, endUs)
            }
            ends[columns.request[row]] = end
        }
        return ends
    }

    private var medianFailureUs: Int64 {
        let durations = (0..<columns.count).filter { columns.outcome[$0].isFailure && columns.outcome[$0] != .timeout }
            .map { columns.durationUs[$0] }.sorted()
        return durations.isEmpty ? 1000 : durations[durations.count / 2]
    }

    private func thinned(_ rows: [RouteFacts.First]) -> [RouteFacts.First] {
        // Where hosts rest, every failure counts, and every request where a limiter does.
        if isEveryoneKept { return rows }
        let every = (rows.count + RouteEvidence.mostPlayedRows - 1) / RouteEvidence.mostPlayedRows
        guard every > 1 else { return rows }
        var kept: [RouteFacts.First] = []
        // Units keep their share: rows are thinned within each unit, and the last of a unit carries what is left over.
        // Units follow each other in time, as rows do.
        var begin = 0
        while begin < rows.count {
            let end = rows[begin...].firstIndex { $0.unit != rows[begin].unit } ?? rows.count
            for index in stride(from: begin, to: end, by: every) {
                var row = rows[min(end - 1, index + every / 2)]
                row.weight = Double(min(every, end - index))
                kept.append(row)
            }
            begin = end
        }
        return kept
    }
}
