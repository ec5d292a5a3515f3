import Glibc

/// Forward–backward over the irregular probes of one host, with the room that it takes. methods: host state
///
/// Most of what fitting costs is spent here. A pass is made of three loops: E of all gaps, two at once; the messages
/// from both ends at the same time, since each waits for its own step before; EM's sums, two gaps at once.
final class HostStatePass {
    /// What is wanted of it, and so how much room is kept.
    enum Purpose: Int {
        /// The log-likelihood, once.
        case likelihood = 1
        /// The messages, once.
        case smoothing = 5
        /// EM's statistics, again and again.
        case fitting = 7
    }

    let count: Int
    private let blocks: [ProbeSequence.Block]
    private let symbols: UnsafeMutablePointer<UInt8>
    private let room: UnsafeMutablePointer<Double>
    /// Of the gap after each probe: its length, and 1 − E.
    private let seconds, left: UnsafeMutablePointer<Double>
    /// How often each probe, and the gap before it, counts.
    private let weights: UnsafeMutablePointer<Double>
    /// P(state, probes so far) at each probe but for a factor.
    let up, down: UnsafeMutablePointer<Double>
    /// P(later probes | state at the next probe) but for a factor; after the last probe all are alike.
    let aheadUp, aheadDown: UnsafeMutablePointer<Double>
    /// What `seconds` and `symbols` add up to by weight.
    private var allSeconds = 0.0
    private var weightBySymbol = SIMD4<Double>.zero

    /// - Parameter probes: one at least.
    init(_ probes: ProbeSequence, for purpose: Purpose) {
        count = probes.count
        blocks = probes.blocks.isEmpty ? [ProbeSequence.Block(begin: 0, weight: 1)] : probes.blocks
        // One more before the first and one after the last, for those that go in twos.
        let column = count + 2
        symbols = .allocate(capacity: column)
        symbols.initialize(repeating: 0, count: column)
        let room = UnsafeMutablePointer<Double>.allocate(capacity: purpose.rawValue * column)
        let columns = (0..<7).map { room + ($0 < purpose.rawValue ? $0 : 0) * column }
        self.room = room
        (left, up, down, aheadUp, aheadDown) = (columns[0] + 1, columns[1], columns[2], columns[3], columns[4])
        // What is passed over once needs the length of no gap twice.
        (seconds, weights) = (columns[5] + 1, columns[6])
        // Before the first probe and after the last there is no gap.
        (seconds[-1], seconds[max(0, count - 1)], seconds[count], left[-1]) = (0, 0, 0, 0)
        probes.startUs.withUnsafeBufferPointer { startUs in
            for index in 1..<max(1, count) {
                seconds[index - 1] = Double(startUs[index] &- startUs[index - 1]) * 1e-6
            }
        }
        probes.symbol.withUnsafeBufferPointer { symbols.update(from: $0.baseAddress!, count: count) }
        if purpose == .fitting { weigh() }
    }

    deinit {
        symbols.deallocate()
        room.deallocate()
    }

    private func weigh() {
        for place in blocks.indices {
            let weight = blocks[place].weight
            for index in blocks[place].begin..<end(of: place) {
                weights[index] = weight
                weightBySymbol[Int(symbols[index])] += weight
                if index > 0 { allSeconds += weight * seconds[index - 1] }
            }
        }
        // The loop in twos may meet one probe too many: it is up, and counts nothing.
        (up[count], down[count], aheadUp[count], aheadDown[count]) = (1, 0, 1, 0)
        (weights[count], weights[count + 1]) = (0, 0)
    }

    private func end(of block: Int) -> Int { block + 1 < blocks.count ? blocks[block + 1].begin : count }

    /// The log-likelihood of the probes.
    func logLikelihood(_ chain: HostStateChain) -> Double {
        fill(chain.law.total)
        return chain.emission.withUnsafeBufferPointer {
            walk(chain.law, $0.baseAddress!, isBothWays: false).logLikelihood
        }
    }

    /// The messages; returns the log-likelihood, and P(all probes | state at the first) but for a factor.
    func messages(_ chain: HostStateChain) -> (logLikelihood: Double, first: SIMD2<Double>) {
        fill(chain.law.total)
        return chain.emission.withUnsafeBufferPointer { walk(chain.law, $0.baseAddress!, isBothWays: true) }
    }

    /// 1 − E of the gap after a probe.
    func left(after index: Int) -> Double { left[index] }

    private func fill(_ total: Double) {
        var index = 0
        while index < count {
            store(HostStateLaw.risen(two(seconds + index) * total), at: left + index)
            index &+= 2
        }
    }

    @inline(__always)
    private func walk(
        _ law: HostStateLaw, _ emission: UnsafePointer<SIMD2<Double>>, isBothWays: Bool
    ) -> (logLikelihood: Double, first: SIMD2<Double>) {
        // P(up → down) and P(down → up) per 1 − E.
        let out = SIMD2(law.downShare, law.upShare)
        let into = out.swapped
        var behind = into
        var ahead = SIMD2(1.0, 1.0)
        var logLikelihood = 0.0
        for place in blocks.indices {
            var ofBlock = 0.0
            let end = end(of: place)
            var index = blocks[place].begin
            var other = count &- 1 &- index
            while index < end {
                let emit = emission[Int(symbols[index])]
                let gone = SIMD2(repeating: left[index &- 1])
                behind = behind * (emit * (1 - gone * out)) + behind.swapped * (emit * (gone * into))
                if isExtreme(behind) { ofBlock += Self.hold(&behind) }
                if isBothWays {
                    (up[index], down[index]) = (behind[0], behind[1])
                    (aheadUp[other], aheadDown[other]) = (ahead[0], ahead[1])
                    let emit = emission[Int(symbols[other])]
                    let gone = SIMD2(repeating: left[other])
                    ahead = ahead * (emit * (1 - gone * out)) + ahead.swapped * (emit * (gone * out))
                    if isExtreme(ahead) { _ = Self.hold(&ahead) }
                    other &-= 1
                }
                index &+= 1
            }
            // Of each block its own, times its weight.
            let sum = behind[0] + behind[1]
            logLikelihood += blocks[place].weight * (ofBlock + log(sum))
            behind /= sum
        }
        return (logLikelihood, ahead)
    }

    /// No state becomes certain by rounding: two probes in one microsecond may contradict each other, and a state that
    /// both sides exclude would be 0/0.
    private static let leastShare = 1e-12
    /// A message below is scaled up: a division at every step would be waited for.
    private static let leastSum = 1e-100

    @inline(__always)
    private func isExtreme(_ pair: SIMD2<Double>) -> Bool {
        let (up, down) = (pair[0], pair[1])
        return up * Self.leastShare > down || down * Self.leastShare > up || up + down < Self.leastSum
    }

    /// Returns the logarithm of the factor that was taken out.
    @inline(never)
    private static func hold(_ pair: inout SIMD2<Double>) -> Double {
        pair = SIMD2(max(pair[0], pair[1] * leastShare), max(pair[1], pair[0] * leastShare))
        let sum = pair[0] + pair[1]
        if sum >= leastSum { return 0 }
        pair /= sum
        return log(sum)
    }

    /// EM's statistics and the log-likelihood.
    func statistics(_ chain: HostStateChain) -> (HostStateStatistics, logLikelihood: Double) {
        let logLikelihood = messages(chain).logLikelihood
        let law = chain.law
        var bridges = BridgeSums()
        var statistics = HostStateStatistics()
        withUnsafeTemporaryAllocation(of: Double.self, capacity: 8) { all in
            all.initialize(repeating: 0)
            bridges = sum(law, down: all.baseAddress!)
            statistics.down = (all[0] + all[4], all[1] + all[5], all[2] + all[6])
        }
        statistics.up = (
            weightBySymbol[0] - statistics.down.0, weightBySymbol[1] - statistics.down.1,
            weightBySymbol[2] - statistics.down.2
        )
        bridges.move(into: &statistics, law, outageRate: chain.parameters.outageRatePerSecond, allSeconds: allSeconds)
        return (statistics, logLikelihood)
    }

    /// - Parameter allDown: by symbol, the even probes' and then the odd ones'.
    private func sum(_ law: HostStateLaw, down allDown: UnsafeMutablePointer<Double>) -> BridgeSums {
        var sums = BridgeSums()
        let perTotal = 1 / law.total
        var index = 0
        while index < count {
            let (behindUp, behindDown) = (two(up + index), two(down + index))
            let (nextUp, nextDown) = (two(aheadUp + index), two(aheadDown + index))
            let (t, rise) = (two(seconds + index), two(left + index))
            // Each without the P(a → b) of the path between: the integrals of the bridge carry it already.
            let (upUp, upDown) = (behindUp * nextUp, behindUp * nextDown)
            let (downUp, downDown) = (behindDown * nextUp, behindDown * nextDown)
            let fromUp = upUp - (rise * law.downShare) * (upUp - upDown)
            let fromDown = downDown + (rise * law.upShare) * (downUp - downDown)
            let norm = 1 / (fromUp + fromDown)
            let isDown = fromDown * norm * two(weights + index)
            allDown[Int(symbols[index])] += isDown[0]
            allDown[4 &+ Int(symbols[index &+ 1])] += isDown[1]
            let counted = norm * two(weights + (index + 1))
            let j = rise * perTotal
            let (early, late) = ((t - j) * counted, (j - t + t * rise) * counted)
            sums.add(early: early, late: late, upUp, upDown, downUp, downDown)
            sums.add(seconds: t * counted, left: rise * counted, upDown, downUp, downDown)
            index &+= 2
        }
        return sums
    }

    @inline(__always)
    private func two(_ from: UnsafeMutablePointer<Double>) -> SIMD2<Double> {
        UnsafeRawPointer(from).loadUnaligned(as: SIMD2<Double>.self)
    }

    @inline(__always)
    private func store(_ pair: SIMD2<Double>, at place: UnsafeMutablePointer<Double>) {
        UnsafeMutableRawPointer(place).storeBytes(of: pair, as: SIMD2<Double>.self)
    }
}

extension SIMD2<Double> {
    @inline(__always)
    fileprivate var swapped: Self { Self(self[1], self[0]) }

    fileprivate var sum: Double { self[0] + self[1] }
}

/// Sums over the gaps between probes, weighted with the posterior of the states at their ends: of these EM's expected
/// times and transitions are made. methods: host state
private struct BridgeSums {
    /// t − j over the gaps, where j = (1 − E)/s, by the states at their ends.
    private var earlyUpUp = SIMD2<Double>.zero
    private var earlyUpDown = SIMD2<Double>.zero
    private var earlyDownUp = SIMD2<Double>.zero
    private var earlyDownDown = SIMD2<Double>.zero
    /// j − tE.
    private var lateUpUp = SIMD2<Double>.zero
    private var lateUpDown = SIMD2<Double>.zero
    private var lateDownUp = SIMD2<Double>.zero
    private var lateDownDown = SIMD2<Double>.zero
    private var secondsUpDown = SIMD2<Double>.zero
    private var secondsDownDown = SIMD2<Double>.zero
    /// 1 − E.
    private var leftUpDown = SIMD2<Double>.zero
    private var leftDownUp = SIMD2<Double>.zero

    @inline(__always)
    mutating func add(
        early: SIMD2<Double>, late: SIMD2<Double>, _ upUp: SIMD2<Double>, _ upDown: SIMD2<Double>,
        _ downUp: SIMD2<Double>, _ downDown: SIMD2<Double>
    ) {
        earlyUpUp += upUp * early
        earlyUpDown += upDown * early
        earlyDownUp += downUp * early
        earlyDownDown += downDown * early
        lateUpUp += upUp * late
        lateUpDown += upDown * late
        lateDownUp += downUp * late
        lateDownDown += downDown * late
    }

    @inline(__always)
    mutating func add(
        seconds: SIMD2<Double>, left: SIMD2<Double>, _ upDown: SIMD2<Double>, _ downUp: SIMD2<Double>,
        _ downDown: SIMD2<Double>
    ) {
        secondsUpDown += upDown * seconds
        secondsDownDown += downDown * seconds
        leftUpDown += upDown * left
        leftDownUp += downUp * left
    }

    /// The integrals ∫ P(a→c, r) P(d→b, t−r) dr of the two-state chain in closed form, with p = λ/s, q = μ/s.
    func move(into statistics: inout HostStateStatistics, _ law: HostStateLaw, outageRate: Double, allSeconds: Double) {
        let (p, q) = (law.downShare, law.upShare)
        let early = SIMD4(earlyUpUp.sum, earlyUpDown.sum, earlyDownUp.sum, earlyDownDown.sum)
        let late = SIMD4(lateUpUp.sum, lateUpDown.sum, lateDownUp.sum, lateDownDown.sum)
        let mixed = p * early + q * late
        let both = early - late
        let throughout = secondsDownDown.sum - q * (1 + p) * early[3] - q * q * late[3]
        let secondsDown = max(0, p * q * both[0] + p * mixed[1] + q * mixed[2] + throughout)
        let once = secondsUpDown.sum - (1 - p * q) * early[1] - p * q * late[1]
        let perRate = max(0, q * (q * early[0] + p * late[0]) + once + q * q * both[2] + q * mixed[3])
        statistics.secondsDown = secondsDown
        statistics.secondsUp = max(0, allSeconds - secondsDown)
        statistics.outages = outageRate * perRate
        statistics.recoveries = max(0, outageRate * perRate + q * leftDownUp.sum - p * leftUpDown.sum)
    }
}
