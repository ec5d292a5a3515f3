/// P(up) of one host within the gaps between its probes, but for two exponentials. methods: host state
///
/// Of the law so far, drifting from the probe before, times what lies ahead, drifting from the probe after, the sum
/// over both states depends on the gap but not on the instant. So P(up) is a product of two numbers, each of which is
/// linear in 1 − E of the time to its own end of the gap.
struct HostStateGaps: Sendable {
    /// One gap: half a cache line, and the gap's end is the next one's begin.
    struct Gap: Sendable {
        /// When it begins, what the second number changes by per 1 − E, and both numbers at their ends. The first
        /// drifts to the long-run share.
        private let values: SIMD4<Double>

        init(beginUs: Double, up: Double, ahead: Double, aheadSlope: Double) {
            values = SIMD4(beginUs, aheadSlope, up, ahead)
        }

        /// UNIX microseconds; before the first probe −∞.
        var beginUs: Double { values[0] }

        /// - Parameter risen: 1 − E of the time since the probe before and until the probe after.
        @inline(__always)
        func upProbability(_ risen: SIMD2<Double>, upShare: Double) -> Double {
            let ends = values.highHalf
            let both = ends + SIMD2(upShare - ends[0], values[1]) * risen
            return min(1, both[0] * both[1])
        }
    }

    /// What lies before the first probe, after each, and then some that never begin.
    let all: [Gap]
    /// s, per microsecond.
    let perUs: Double
    /// q.
    let upShare: Double

    /// How many gaps begin before each of equal pieces of time, and in all: who comes from afar would else wait for
    /// memory at each step of a search.
    private let begun: [Int32]
    private let firstUs: Double
    private let piecesPerUs: Double

    /// So many gaps may be looked at beyond any. In a piece of time there begin half as many on average.
    static let near = 8

    private init(_ law: HostStateLaw, count: Int, _ fill: (inout [Gap]) -> Void) {
        var gaps: [Gap] = []
        gaps.reserveCapacity(count + Self.near)
        fill(&gaps)
        gaps += repeatElement(Gap(beginUs: .infinity, up: 0, ahead: 0, aheadSlope: 0), count: Self.near)
        all = gaps
        perUs = law.total * 1e-6
        upShare = law.upShare
        firstUs = count > 1 ? gaps[1].beginUs : 0
        let pieces = 2 * (count - 1) / Self.near + 1
        piecesPerUs = count > 1 ? Double(pieces) / (gaps[count - 1].beginUs - firstUs + 1) : 0
        begun = Self.begun(gaps[1..<count], pieces, firstUs, piecesPerUs)
    }

    private static func begun(
        _ gaps: ArraySlice<Gap>, _ pieces: Int, _ firstUs: Double, _ piecesPerUs: Double
    ) -> [Int32] {
        var begun = [Int32](repeating: 0, count: pieces + 1)
        for gap in gaps { begun[piece(gap.beginUs, pieces, firstUs, piecesPerUs) + 1] += 1 }
        for piece in 0..<pieces { begun[piece + 1] += begun[piece] }
        return begun
    }

    /// Rounding does not change which of two instants is not before the other.
    @inline(__always)
    private static func piece(_ atUs: Double, _ pieces: Int, _ firstUs: Double, _ piecesPerUs: Double) -> Int {
        Int(max(0, min(Double(pieces - 1), (atUs - firstUs) * piecesPerUs)))
    }

    /// Without probes.
    init(longRun law: HostStateLaw) {
        self.init(law, count: 1) { $0.append(Gap(beginUs: -.infinity, up: law.upShare, ahead: 1, aheadSlope: 0)) }
    }

    /// - Parameters:
    ///   - ahead: P(all probes | state at the first) but for a factor.
    ///   - found: told P(up) at each probe.
    init(
        _ law: HostStateLaw, _ probes: ProbeSequence, _ pass: HostStatePass, ahead: SIMD2<Double>,
        found: (Int, Double) -> Void
    ) {
        self.init(law, count: probes.count + 1) { gaps in
            let nextUp = ahead[0] / (ahead[0] + ahead[1])
            let all = law.upShare * nextUp + law.downShare * (1 - nextUp)
            gaps.append(
                Gap(
                    beginUs: -.infinity, up: law.upShare, ahead: nextUp / all,
                    aheadSlope: law.downShare * (1 - 2 * nextUp) / all))
            for index in 0..<probes.count {
                let gap = Self.gap(after: index, beginUs: Double(probes.startUs[index]), of: pass, law)
                found(index, gap.upProbability(SIMD2(0, pass.left(after: index)), upShare: law.upShare))
                gaps.append(gap)
            }
        }
    }

    /// After a probe; after the last one, for ever.
    @inline(__always)
    private static func gap(after index: Int, beginUs: Double, of pass: HostStatePass, _ law: HostStateLaw) -> Gap {
        let (behind, ahead) = (
            SIMD2(pass.up[index], pass.down[index]), SIMD2(pass.aheadUp[index], pass.aheadDown[index])
        )
        let sums = SIMD2(behind[0], ahead[0]) + SIMD2(behind[1], ahead[1])
        let (up, nextUp) = (behind[0] / sums[0], ahead[0] / sums[1])
        let (down, nextDown) = (behind[1] / sums[0], ahead[1] / sums[1])
        let left = pass.left(after: index)
        let whileUp = nextUp + law.downShare * left * (nextDown - nextUp)
        let whileDown = nextDown + law.upShare * left * (nextUp - nextDown)
        let perAll = 1 / (up * whileUp + down * whileDown)
        return Gap(
            beginUs: beginUs, up: up, ahead: nextUp * perAll, aheadSlope: law.downShare * (nextDown - nextUp) * perAll)
    }

    /// When the probes started.
    var begins: Begins { Begins(gaps: self) }

    /// Where the gap stands that an instant lies in.
    func place(atUs: Double) -> Int { all.withUnsafeBufferPointer { place(atUs: atUs, in: $0) } }

    @inline(never)
    func place(atUs: Double, in gaps: UnsafeBufferPointer<Gap>) -> Int {
        let piece = Self.piece(atUs, begun.count - 1, firstUs, piecesPerUs)
        var (low, high) = begun.withUnsafeBufferPointer { (Int($0[piece]), Int($0[piece &+ 1])) }
        while high &- low > Self.near {
            let middle = (low &+ high) / 2
            if gaps[middle].beginUs <= atUs { low = middle } else { high = middle &- 1 }
        }
        return Self.place(atUs: atUs, in: gaps, near: low)
    }

    /// Where the gap stands, which may be the one at `low` or up to `near` further: how far cannot be foreseen, so they
    /// are counted without a branch.
    @inline(__always)
    static func place(atUs: Double, in gaps: UnsafeBufferPointer<Gap>, near low: Int) -> Int {
        var place = low
        for step in 1...near { place &+= gaps[low &+ step].beginUs <= atUs ? 1 : 0 }
        return place
    }

    /// P(up) at an instant in the gap at `place`.
    func upProbability(in place: Int, atUs: Double) -> Double {
        all.withUnsafeBufferPointer { upProbability(in: place, of: $0, atUs: atUs) }
    }

    @inline(__always)
    func upProbability(in place: Int, of gaps: UnsafeBufferPointer<Gap>, atUs: Double) -> Double {
        let times = times(in: place, of: gaps, atUs: atUs)
        let isShort = times[0] < HostStateLaw.short && times[1] < HostStateLaw.short
        let risen = isShort ? HostStateLaw.risenShort(times) : HostStateLaw.risen(times)
        return gaps[place].upProbability(risen, upShare: upShare)
    }

    /// Since the probe before and until the probe after, times s.
    @inline(__always)
    func times(in place: Int, of gaps: UnsafeBufferPointer<Gap>, atUs: Double) -> SIMD2<Double> {
        SIMD2(atUs - gaps[place].beginUs, gaps[place &+ 1].beginUs - atUs) * perUs
    }

    /// When probes started, UNIX microseconds.
    struct Begins: RandomAccessCollection {
        fileprivate let gaps: HostStateGaps

        var startIndex: Int { 0 }
        var endIndex: Int { gaps.all.count - 1 - HostStateGaps.near }
        subscript(index: Int) -> Int64 { Int64(gaps.all[index + 1].beginUs) }
    }
}
