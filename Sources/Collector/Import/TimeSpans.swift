/// Stretches of time in microseconds: apart from each other and ascending.
struct TimeSpans: Equatable {
    static let always = TimeSpans([Int64.min...Int64.max])

    private(set) var spans: [ClosedRange<Int64>] = []

    /// The stretches that the given ones make together; those with at most `gapUs` between them become one.
    init(_ parts: [ClosedRange<Int64>], gapUs: Int64 = 0) {
        for part in parts.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = spans.last {
                let (reach, isOver) = last.upperBound.addingReportingOverflow(gapUs)
                if isOver || part.lowerBound <= reach {
                    spans[spans.count - 1] = last.lowerBound...max(last.upperBound, part.upperBound)
                    continue
                }
            }
            spans.append(part)
        }
    }

    /// Whether any of the given times lies in one of the stretches.
    func meets(_ times: [ClosedRange<Int64>]) -> Bool {
        times.contains { time in
            let index = first(endingFrom: time.lowerBound)
            return index < spans.count && spans[index].lowerBound <= time.upperBound
        }
    }

    /// What the stretches and a time have in common.
    func parts(of time: ClosedRange<Int64>) -> [ClosedRange<Int64>] {
        spans[first(endingFrom: time.lowerBound)...].prefix { $0.lowerBound <= time.upperBound }.map {
            $0.clamped(to: time)
        }
    }

    /// The number of the first stretch that does not end before `us`.
    private func first(endingFrom us: Int64) -> Int {
        var (low, high) = (0, spans.count)
        while low < high {
            let middle = (low + high) / 2
            if spans[middle].upperBound < us { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
