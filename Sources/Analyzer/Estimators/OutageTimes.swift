public import Retry

extension Outages {
    /// What the probes say of the length of every host's outages.
    public var durations: [CensoredInterval] { hostOutages.map(\.duration) }

    /// What they say of the time from the end of a host's outage to the begin of its next; the time from the last
    /// outage to the end of the log is a lower bound, and so is that from the log's begin to the first.
    public var timesBetween: [CensoredInterval] {
        // A host that never went down was up for as long as the log.
        let alwaysUp = CensoredInterval(leftUs: max(0, spanUs.upperBound - spanUs.lowerBound), rightUs: .max)
        let quiet = hostsSeen.subtracting(hostOutages.map(\.host)).count
        var found = [CensoredInterval](repeating: alwaysUp, count: quiet)
        for (_, list) in Dictionary(grouping: hostOutages, by: \.host).sorted(by: { $0.key < $1.key }) {
            for (index, one) in list.enumerated() {
                if index == 0, one.lastUpBeforeUs != nil {
                    found.append(CensoredInterval(leftUs: max(0, one.beginUs - spanUs.lowerBound), rightUs: .max))
                }
                guard let upUs = one.firstUpAfterUs else { continue }
                guard index + 1 < list.count, let lastUpUs = list[index + 1].lastUpBeforeUs else {
                    found.append(CensoredInterval(leftUs: max(0, spanUs.upperBound - one.endUs), rightUs: .max))
                    continue
                }
                found.append(
                    CensoredInterval(
                        leftUs: max(0, lastUpUs - upUs - 1),
                        rightUs: max(1, list[index + 1].firstDownUs - one.lastDownUs)))
            }
        }
        return found
    }
}
