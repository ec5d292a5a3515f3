import Glibc
import Retry

/// Instants at which a curve of durations is worth telling.
enum Instants {
    /// The steps that people count time in: 1 ms ... 1,000 days.
    private static let stepsUs: [Int64] = RecoveryCurve.Request.series.dropLast() + longS.map { $0 * 1_000_000 }

    /// From a minute on, in seconds.
    private static let longS: [Int64] = [
        60, 120, 300, 600, 1_200, 3_600, 7_200, 18_000, 43_200, 86_400, 172_800, 432_000, 864_000, 2_592_000,
        8_640_000, 25_920_000, 86_400_000,
    ]

    /// From a tenth of the shortest time that anything was seen to take to the first step past the longest.
    static func steps(for intervals: [CensoredInterval]) -> [Int64] {
        guard let range = range(of: intervals) else { return [] }
        let first = stepsUs.lastIndex { $0 <= max(stepsUs[0], range.lowerBound / 10) } ?? 0
        let last = stepsUs.firstIndex { $0 >= range.upperBound } ?? stepsUs.count - 1
        return Array(stepsUs[first...max(first, last)])
    }

    /// The steps and, for a smooth picture, instants between them.
    static func dense(for intervals: [CensoredInterval], count: Int = 120) -> [Int64] {
        let steps = steps(for: intervals)
        guard let first = steps.first, let last = steps.last, first < last else { return steps }
        let growth = log(Double(last) / Double(first)) / Double(count)
        let between = (0...count).map { Int64((Double(first) * exp(growth * Double($0))).rounded()) }
        return Set(steps + between.filter { $0 <= last }).sorted()
    }

    /// The least and the greatest finite ends.
    private static func range(of intervals: [CensoredInterval]) -> ClosedRange<Int64>? {
        let ends = intervals.lazy.flatMap { one in [one.leftUs, one.rightUs] }.filter { $0 > 0 && $0 < .max }
        guard let least = ends.min(), let most = ends.max() else { return nil }
        return least...most
    }
}
