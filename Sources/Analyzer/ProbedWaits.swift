import Retry

/// How soon after a failure the log can tell whether a retry would have succeeded. methods: probed waits
enum ProbedWaits {
    /// Between attempts this close a lone failure may pass for one that the next attempt does not meet.
    static let closeUs: Int64 = 10_000_000

    /// The wait after which half of the failures had been followed by another attempt of the route; 0 where that is
    /// soon. A retry before that is one that nobody tried: a lone failure looks like a blip however long it lasted.
    static func leastUs(_ columns: AttemptColumns) -> Int64 {
        var gaps: [Int64] = []
        for row in 0..<columns.count where columns.outcome[row].isFailure {
            let endUs = columns.startUs[row] + columns.durationUs[row]
            var low = row + 1
            var high = columns.count
            while low < high {
                let middle = (low + high) / 2
                if columns.startUs[middle] < endUs { low = middle + 1 } else { high = middle }
            }
            while low < columns.count && columns.outcome[low] == .cancelled { low += 1 }
            gaps.append(low < columns.count ? columns.startUs[low] - endUs : .max)
        }
        if gaps.isEmpty { return 0 }
        gaps.sort()
        let median = gaps[(gaps.count - 1) / 2]
        // A month is as good as never.
        return median <= closeUs ? 0 : min(median, 30 * 86_400_000_000)
    }
}
