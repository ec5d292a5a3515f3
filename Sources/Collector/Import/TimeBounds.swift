/// What times and numbers of attempts can be; everything else is a mistake of the log's writer.
enum TimeBounds {
    /// Starts in microseconds, from March 1973 to the end of the year 2199. What is below is in another unit.
    static let startUs: ClosedRange<Int64> = 100_000_000_000_000...7_258_118_399_999_999
    /// Durations, waits and limits in microseconds: at most 30 days.
    static let lengthUs: ClosedRange<Int64> = 0...2_592_000_000_000
    /// Numbers of attempts of one request.
    static let attempts: ClosedRange<Int64> = 1...1000

    /// What is wrong with a number as a start, `nil` if it can be one.
    static func wrongStart(_ value: UInt64) -> String? {
        if value <= UInt64(startUs.upperBound), value >= UInt64(startUs.lowerBound) { return nil }
        let right = "start_us is UNIX microseconds"
        switch value {
        case 0..<100_000_000_000: return "looks like seconds; \(right)"
        case 100_000_000_000..<100_000_000_000_000: return "looks like milliseconds; \(right)"
        case 100_000_000_000_000_000...: return "looks like nanoseconds; \(right)"
        default: return "is after the year 2199; \(right)"
        }
    }
}
