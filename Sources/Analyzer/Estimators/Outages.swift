public import Retry

/// A route's log cut into units of independent evidence: outages, and blocks of quiet time between them.
///
/// A thousand failures in one outage are one observation, so the bootstrap resamples units, never rows. Outages of
/// hosts whose extents may overlap, as far as the probes can tell, are one unit: they may share a cause. Quiet time is
/// cut into blocks of equal length (1/256 of the log, at least 1 s); a blip belongs to the block it falls in. An outage
/// longer than a quarter of the log is cut into blocks too.
///
/// methods: outages
public struct Outages: Sendable {
    /// A unit of independent evidence: the rows that started in [`beginUs`, `endUs`).
    public struct Unit: Equatable, Sendable {
        /// UNIX microseconds, inclusive.
        public var beginUs: Int64
        /// UNIX microseconds, exclusive.
        public var endUs: Int64
        /// Whether at least one host was down; otherwise it is a block of quiet time.
        public var isOutage: Bool
        /// Rows of all hosts within.
        public var rows: Int
        /// Failed attempts within, blips included.
        public var failures: Int
        /// Whether the log begins or ends inside it, so that only a part of it was seen.
        public var isCut: Bool
    }

    /// Every host's outages, by begin.
    public private(set) var hostOutages: [HostOutage] = []
    /// All units that hold rows, in order of time.
    public private(set) var units: [Unit] = []
    /// The unit of each row.
    public private(set) var unit: [Int32] = []
    /// Whether the row is a failure on a host that was up.
    public private(set) var isBlip: [Bool] = []

    /// The first start and the last one.
    private(set) var spanUs: ClosedRange<Int64> = 0...0
    /// Hosts with at least one probe.
    private(set) var hostsSeen: Set<Int> = []

    /// The unit of a row.
    public func unit(of row: Int) -> Int { Int(unit[row]) }

    /// The units that are outages.
    public var outages: [Unit] { units.filter(\.isOutage) }

    /// The number of blips.
    public var blips: Int { isBlip.reduce(0) { $0 + ($1 ? 1 : 0) } }

    /// Cuts a route's log by the smoothed states of its hosts.
    public init(columns: AttemptColumns, states: HostStates) {
        guard let first = columns.startUs.first, let last = columns.startUs.last else { return }
        spanUs = first...last
        for host in 0..<states.hostCount {
            let track = states.tracks[host]
            if !track.row.isEmpty { hostsSeen.insert(host) }
            if track.parameters.outageRatePerSecond == 0 { continue }
            var finder = HostOutageFinder(host: host, track: track, firstUs: first, endUs: last + 1)
            finder.run(up: { states.probeUpProbability[Int(track.row[$0])] }, columns: columns)
            hostOutages += finder.found
        }
        hostOutages.sort { ($0.beginUs, $0.host) < ($1.beginUs, $1.host) }
        let spans = Self.merged(hostOutages)
        cut(columns, spans: spans, firstUs: first, endUs: last + 1)
        isBlip = (0..<columns.count).map { row in
            columns.outcome[row].isFailure && states.probeUpProbability[row] >= 0.5
        }
    }

    /// Host outages that may overlap, joined.
    private static func merged(_ hosts: [HostOutage]) -> [(beginUs: Int64, endUs: Int64, isCut: Bool)] {
        var spans: [(beginUs: Int64, endUs: Int64, isCut: Bool)] = []
        var reachUs = Int64.min
        let extents = hosts.map { one in
            // Sparse probes leave the ends vague; an outage is not stretched to more than three times its length.
            let length = one.endUs - one.beginUs
            let fromUs = max(one.lastUpBeforeUs ?? one.beginUs, one.beginUs - length)
            let toUs = min(one.firstUpAfterUs ?? one.endUs, one.endUs + length)
            return (fromUs: fromUs, toUs: toUs, outage: one)
        }
        for extent in extents.sorted(by: { $0.fromUs < $1.fromUs }) {
            let one = extent.outage
            let isCut = one.lastUpBeforeUs == nil || one.firstUpAfterUs == nil
            if extent.fromUs < reachUs, let index = spans.indices.last {
                spans[index].beginUs = min(spans[index].beginUs, one.beginUs)
                spans[index].endUs = max(spans[index].endUs, one.endUs)
                spans[index].isCut = spans[index].isCut || isCut
            } else {
                spans.append((one.beginUs, one.endUs, isCut))
            }
            reachUs = max(reachUs, extent.toUs)
        }
        return spans
    }

    private mutating func cut(
        _ columns: AttemptColumns, spans: [(beginUs: Int64, endUs: Int64, isCut: Bool)], firstUs: Int64, endUs: Int64
    ) {
        let blockUs = max(1_000_000, (endUs - firstUs) / 256)
        var planned: [Unit] = []
        func addBlocks(_ fromUs: Int64, _ toUs: Int64, isOutage: Bool = false) {
            guard toUs > fromUs else { return }
            let blocks = max(1, (toUs - fromUs) / blockUs)
            for block in 0..<blocks {
                let begin = fromUs + (toUs - fromUs) / blocks * block
                let end = block + 1 == blocks ? toUs : fromUs + (toUs - fromUs) / blocks * (block + 1)
                planned.append(
                    Unit(beginUs: begin, endUs: end, isOutage: isOutage, rows: 0, failures: 0, isCut: isOutage))
            }
        }
        var reachedUs = firstUs
        for span in spans {
            addBlocks(reachedUs, span.beginUs)
            if span.endUs - span.beginUs > (endUs - firstUs) / 4 {
                // A condition of the whole log rather than an event in it (a host that is dead throughout): as one unit
                // it would swallow all other evidence.
                addBlocks(max(span.beginUs, reachedUs), span.endUs, isOutage: true)
                reachedUs = max(reachedUs, span.endUs)
                continue
            }
            planned.append(
                Unit(
                    beginUs: max(span.beginUs, reachedUs), endUs: span.endUs, isOutage: true, rows: 0, failures: 0,
                    isCut: span.isCut))
            reachedUs = max(reachedUs, span.endUs)
        }
        addBlocks(reachedUs, endUs)
        assign(columns, to: planned)
    }

    /// Rows and planned units both ascend; empty units get no number.
    private mutating func assign(_ columns: AttemptColumns, to planned: [Unit]) {
        unit.reserveCapacity(columns.count)
        var next = 0
        for row in 0..<columns.count {
            var isNew = row == 0
            while next + 1 < planned.count && columns.startUs[row] >= planned[next].endUs {
                next += 1
                isNew = true
            }
            if isNew { units.append(planned[next]) }
            let last = units.count - 1
            units[last].rows += 1
            if columns.outcome[row].isFailure { units[last].failures += 1 }
            unit.append(Int32(last))
        }
    }
}

/// Walks one host's probes and finds where P(up) crosses one half.
private struct HostOutageFinder {
    let host: Int
    let track: HostStates.Track
    let firstUs: Int64
    let endUs: Int64
    var found: [HostOutage] = []

    mutating func run(up: (Int) -> Double, columns: AttemptColumns) {
        var begin = -1
        for index in track.startUs.indices {
            let isDown = up(index) < 0.5
            if isDown && begin < 0 {
                begin = index
            } else if begin >= 0 && !isDown {
                close(begin, index - 1, columns)
                begin = -1
            } else if isDown, begin >= 0, let splitUs = recovery(between: index - 1, and: index) {
                // Long unwatched time between two failures: more likely two outages than one.
                close(begin, index - 1, columns, endUs: crossing(index - 1, track.startUs[index - 1], splitUs))
                found[found.count - 1].firstUpAfterUs = splitUs
                open(beginUs: crossing(index - 1, splitUs, track.startUs[index]), lastUpBeforeUs: splitUs)
                begin = index
            }
        }
        if begin >= 0 { close(begin, track.startUs.count - 1, columns) }
    }

    private var pending: (beginUs: Int64, lastUpBeforeUs: Int64)?

    init(host: Int, track: HostStates.Track, firstUs: Int64, endUs: Int64) {
        self.host = host
        self.track = track
        self.firstUs = firstUs
        self.endUs = endUs
    }

    private mutating func open(beginUs: Int64, lastUpBeforeUs: Int64) {
        pending = (beginUs, lastUpBeforeUs)
    }

    private mutating func close(_ begin: Int, _ end: Int, _ columns: AttemptColumns, endUs known: Int64? = nil) {
        let before = begin > 0 ? track.startUs[begin - 1] : nil
        let after = end + 1 < track.startUs.count ? track.startUs[end + 1] : nil
        let beginUs = pending?.beginUs ?? before.map { crossing(begin - 1, $0, track.startUs[begin]) } ?? firstUs
        let stopUs = known ?? after.map { crossing(end, track.startUs[end], $0) } ?? endUs
        var failures = 0
        for index in begin...end where columns.outcome[Int(track.row[index])].isFailure { failures += 1 }
        found.append(
            HostOutage(
                host: host, beginUs: beginUs, endUs: max(stopUs, track.startUs[end] + 1),
                lastUpBeforeUs: pending?.lastUpBeforeUs ?? before, firstDownUs: track.startUs[begin],
                lastDownUs: track.startUs[end], firstUpAfterUs: after, failures: failures))
        pending = nil
    }

    /// The middle of the gap, if the host was probably up then.
    private func recovery(between first: Int, and second: Int) -> Int64? {
        let gapUs = track.startUs[second] - track.startUs[first]
        guard gapUs > 1 else { return nil }
        let middleUs = track.startUs[first] + gapUs / 2
        return track.upProbability(after: first, atUs: middleUs) > 0.5 ? middleUs : nil
    }

    /// The first instant in (`fromUs`, `toUs`], both after probe `index`, on the far side of one half.
    private func crossing(_ index: Int, _ fromUs: Int64, _ toUs: Int64) -> Int64 {
        func isDown(_ atUs: Int64) -> Bool {
            let at = atUs == toUs ? track.lastProbe(notAfter: toUs) : index
            return track.upProbability(after: at, atUs: atUs) < 0.5
        }
        let side = isDown(toUs)
        var low = fromUs
        var high = toUs
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if isDown(middle) == side { high = middle } else { low = middle }
        }
        return high
    }
}
