import Retry

extension Outages {
    /// The stretches up and down of one host, as far as its own first and last attempt reach. methods: mean times
    struct HostSpells {
        /// Up, until an outage or the end of the watch.
        var up: [MeanTime.Spell] = []
        /// Down, until the host was up again or the end of the watch.
        var down: [MeanTime.Spell] = []
        /// The least and the most that the outages together can have lasted by their probes.
        var leastDownUs: Double = 0
        /// See `leastDownUs`.
        var mostDownUs: Double = 0
        /// The outages in order, as far as they were watched.
        var outages: [HostOutage] = []
    }

    /// One for each host that was tried; a single one, of host 0, where the hosts' states are one.
    func spells(of columns: AttemptColumns, isShared: Bool) -> [(host: Int, spells: HostSpells)] {
        var firstUs = [Int64?](repeating: nil, count: columns.hostNames.count)
        var lastUs = firstUs
        for row in 0..<columns.count {
            let host = isShared ? 0 : Int(columns.host[row])
            if firstUs[host] == nil { firstUs[host] = columns.startUs[row] }
            lastUs[host] = columns.startUs[row]
        }
        let byHost = Dictionary(grouping: hostOutages, by: \.host)
        return firstUs.indices.compactMap { host in
            guard let first = firstUs[host], let last = lastUs[host] else { return nil }
            return (host, Self.spells(byHost[host] ?? [], from: first, to: last))
        }
    }

    private static func spells(_ outages: [HostOutage], from firstUs: Int64, to lastUs: Int64) -> HostSpells {
        var spells = HostSpells()
        var upFromUs: Int64? = firstUs
        for outage in outages {
            let beginUs = max(outage.beginUs, firstUs)
            let endUs = max(beginUs, min(outage.endUs, lastUs))
            if let from = upFromUs, outage.lastUpBeforeUs != nil {
                spells.up.append(.init(watchedUs: Double(max(0, beginUs - from)), isEnded: true))
            }
            var watched = outage
            (watched.beginUs, watched.endUs) = (beginUs, endUs)
            spells.outages.append(watched)
            let isOver = outage.firstUpAfterUs != nil
            spells.down.append(.init(watchedUs: Double(endUs - beginUs), isEnded: isOver))
            spells.leastDownUs += Double(max(0, outage.lastDownUs - outage.firstDownUs))
            spells.mostDownUs += Double(
                max(0, (outage.firstUpAfterUs ?? lastUs) - (outage.lastUpBeforeUs ?? firstUs)))
            upFromUs = isOver ? endUs : nil
        }
        if let from = upFromUs, lastUs > from {
            spells.up.append(.init(watchedUs: Double(lastUs - from), isEnded: false))
        }
        return spells
    }
}
