import Retry

/// The hosts behind one route during a day.
struct Upstream {
    /// What an attempt comes to when nothing cuts it short.
    struct Reply: Sendable {
        var result: AttemptResult
        var durationUs: Int64
    }

    private let day: Day
    private let hosts: Int
    private let law: AnswerLaw
    private let blip: Double
    private let service: ServiceLaw?
    private let limit: LimitLaw?
    private let layer: UInt64
    /// When each worker is free again.
    private var freeUs: [Int64]
    private var tokens: Double
    private var refilledUs: Int64 = 0
    /// The last time at which an attempt had to stand in line for longer than `longWaitUs`.
    private(set) var lastLongWaitUs: Int64?

    static let longWaitUs: Int64 = 500_000
    private static let neverUs: Int64 = 3_600_000_000

    init(_ day: Day, layer: Int = 0) {
        self.day = day
        hosts = day.world.hosts
        law = day.world.latency
        blip = day.world.blip
        service = day.world.service
        limit = day.world.limit
        self.layer = UInt64(layer)
        freeUs = Array(repeating: 0, count: day.world.service?.workers ?? 0)
        tokens = day.world.limit?.burst ?? 0
    }

    /// As the proxy picks: for `other` one not tried; when all were, any but the last.
    func host(of request: UInt64, attempt: Int, choice: HostChoice, tried: UInt64, last: Int?) -> Int {
        let count = hosts
        var dice = Dice(seed: day.seed, request: request, attempt: attempt, salt: 1 + layer)
        let unit = dice.unit()
        if choice == .any || last == nil || count == 1 { return Int(unit * Double(count)) }
        let fresh = (0..<count).filter { tried & (1 << UInt64($0)) == 0 }
        let among = fresh.isEmpty ? (0..<count).filter { $0 != last } : fresh
        return among[Int(unit * Double(among.count))]
    }

    /// Serves an attempt. Calls come in order of time.
    mutating func serve(_ request: UInt64, attempt: Int, host: Int, nowUs: Int64) -> Reply {
        var dice = Dice(seed: day.seed, request: request, attempt: attempt, salt: 100 + layer)
        let isBlip = dice.unit() < blip
        var tookUs = answerUs(request, &dice)
        if let refusal = refusal(nowUs: nowUs) { return refusal }
        if let outage = day.outage(host: host, atUs: nowUs) {
            if outage.hangs { return Reply(result: AttemptResult(outcome: .timeout), durationUs: Self.neverUs) }
            let isRefused = outage.outcome == .connectFailure
            return Reply(
                result: AttemptResult(outcome: outage.outcome, status: isRefused ? 0 : 503),
                durationUs: isRefused ? 300 : min(tookUs, 2000))
        }
        if isBlip {
            return Reply(result: AttemptResult(outcome: .errorStatus, status: 503), durationUs: min(tookUs, 2000))
        }
        tookUs += day.pausedUs(host: host, atUs: nowUs, tookUs: tookUs)
        if let service {
            guard let doneUs = enqueue(tookUs, nowUs: nowUs, service) else {
                return Reply(result: AttemptResult(outcome: .errorStatus, status: 503), durationUs: 1000)
            }
            tookUs = doneUs - nowUs
        }
        return Reply(result: AttemptResult(outcome: .success, status: 200), durationUs: tookUs)
    }

    /// How long an answer takes by itself.
    func answerUs(_ request: UInt64, _ dice: inout Dice) -> Int64 {
        var us = dice.logNormal(median: law.medianUs, spread: law.spread)
        if law.slowShare > 0, dice.unit() < law.slowShare { us *= law.slowFactor }
        if law.bigShare > 0 || law.requestSpread > 0 {
            // The same for every attempt of the request.
            var size = Dice(seed: day.seed, request: request, attempt: 0, salt: 7)
            if size.unit() < law.bigShare { us *= law.bigFactor }
            us *= size.logNormal(median: 1, spread: law.requestSpread)
        }
        return max(1, Int64(us))
    }

    private mutating func refusal(nowUs: Int64) -> Reply? {
        guard let limit else { return nil }
        tokens = min(limit.burst, tokens + Double(nowUs - refilledUs) / 1e6 * limit.perSecond)
        refilledUs = nowUs
        if tokens >= 1 {
            tokens -= 1
            return nil
        }
        let result = AttemptResult(outcome: .rateLimited, status: 429, retryAfterUs: limit.retryAfterUs)
        return Reply(result: result, durationUs: 1000)
    }

    /// When the attempt will be done; `nil` when the line is too long.
    private mutating func enqueue(_ workUs: Int64, nowUs: Int64, _ service: ServiceLaw) -> Int64? {
        guard let worker = freeUs.indices.min(by: { freeUs[$0] < freeUs[$1] }) else { return nil }
        let beginUs = max(nowUs, freeUs[worker])
        if beginUs - nowUs > Self.longWaitUs { lastLongWaitUs = nowUs }
        if beginUs - nowUs > service.longestQueueUs { return nil }
        let factor = day.isSlow(atUs: beginUs) ? service.slowFactor : 1
        freeUs[worker] = beginUs + Int64(Double(workUs) * factor)
        return freeUs[worker]
    }
}
