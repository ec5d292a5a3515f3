import Glibc
import Retry

/// Marks on axes of time where people expect them: 1 ms, 10 s, 5 min, 2 h, 1 d; or dates.
enum HumanTicks {
    private static let second = 1e6
    private static let minute = 60e6
    private static let hour = 3600e6
    private static let day = 86_400e6

    /// From fine to coarse; the finest of which few enough fall on an axis is taken.
    private static let durationSteps: [[Double]] = {
        let short = (0..<7).map { pow(10, Double($0)) }
        let long: [Double] = [
            minute, 2 * minute, 5 * minute, 10 * minute, 20 * minute, hour, 2 * hour, 5 * hour, 12 * hour, day, 2 * day,
            5 * day, 10 * day, 30 * day, 100 * day, 365 * day, 1000 * day,
        ]
        let fine = short.flatMap { [$0, 2 * $0, 5 * $0] } + [10, 20, 30].map { $0 * second }
        let coarse = short + [10 * second, minute, 10 * minute, hour, 6 * hour, day, 10 * day, 100 * day, 1000 * day]
        let coarser = [1, 100, 1e4, second, minute, hour, day, 30 * day, 365 * day]
        return [fine + long, coarse, coarser, [1, 1e3, second, minute, hour, day, 365 * day], [1, second, hour, day]]
    }()

    /// Durations on a logarithmic axis, at most `count`.
    static func durations(_ range: ClosedRange<Double>, atMost count: Int) -> [Double] {
        let choices = durationSteps.map { steps in
            steps.filter { $0 >= range.lowerBound * 0.999 && $0 <= range.upperBound * 1.001 }
        }
        return choices.first { $0.count <= count } ?? choices[choices.count - 1]
    }

    /// `5 ms`, `20 s`, `10 min`, `2 h`, `30 d`.
    static func label(durationUs us: Double) -> String {
        let units: [(Double, String)] = [(day, "d"), (hour, "h"), (minute, "min"), (second, "s"), (1e3, "ms")]
        for (unit, name) in units where us >= unit * 0.9995 {
            return NumberText.fixed(us / unit, places: 1, trim: true) + " " + name
        }
        return NumberText.fixed(us, places: 0) + " µs"
    }

    /// UNIX microseconds at round times of the calendar, at most `count`, with their labels.
    static func times(_ range: ClosedRange<Double>, atMost count: Int) -> [(us: Double, label: String)] {
        let spanUs = range.upperBound - range.lowerBound
        let steps: [Double] =
            [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 10_800, 21_600, 43_200].map { $0 * second }
            + [1, 2, 5, 10].map { $0 * day }
        let most = Double(max(1, count))
        guard let step = steps.first(where: { spanUs / $0 < most }) else { return months(range, atMost: count) }
        let first = Int64((range.lowerBound / step).rounded(.up))
        let last = Int64((range.upperBound / step).rounded(.down))
        guard first <= last else { return [] }
        return (first...last).map { number in
            let us = Double(number) * step
            return (us, label(timeUs: Int64(us), step: step))
        }
    }

    private static func months(_ range: ClosedRange<Double>, atMost count: Int) -> [(us: Double, label: String)] {
        let days = (range.upperBound - range.lowerBound) / day
        let every = [1, 2, 3, 6, 12, 24, 60, 120].first { days / (30.4 * Double($0)) <= Double(count) } ?? 240
        guard let firstYear = Int(Timestamp.format(Int64(range.lowerBound)).prefix(4)) else { return [] }
        var found: [(us: Double, label: String)] = []
        for month in stride(from: 0, to: 12 * (Int(days / 365) + 3), by: every) {
            let (year, number) = (firstYear + month / 12, month % 12 + 1)
            let text = "\(year)-\(number < 10 ? "0" : "")\(number)"
            guard let us = Timestamp.parse("\(text)-01T00:00:00Z"), range.contains(Double(us)) else { continue }
            found.append((Double(us), every >= 12 ? "\(year)" : text))
        }
        return found
    }

    /// As much of a time as the step between marks needs.
    private static func label(timeUs us: Int64, step: Double) -> String {
        let text = Timestamp.format(us)
        if step >= day { return String(text.prefix(10)) }
        let time = text.dropFirst(11)
        return String(step >= minute ? time.prefix(5) : time.prefix(8))
    }
}
