import Retry
import TestSupport
import Testing

@Suite struct TimestampTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00Z"), (1, "1970-01-01T00:00:00.000001Z"), (-1, "1969-12-31T23:59:59.999999Z"),
            (1_790_000_000_022_384, "2026-09-21T14:13:20.022384Z"), (1_795_312_800_000_000, "2026-11-22T02:00:00Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00Z"), (4_107_542_400_000_000, "2100-03-01T00:00:00Z"),
            (1_709_164_800_500_000, "2024-02-29T00:00:00.5Z"), (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
            (-62_167_219_200_000_000, "0000-01-01T00:00:00Z"), (-2_203_891_200_000_000, "1900-03-01T00:00:00Z"),
        ] as [(Int64, String)])
    func `times are written and read as RFC 3339`(us: Int64, text: String) {
        #expect(Timestamp.format(us) == text)
        #expect(Timestamp.parse(text) == us)
    }

    @Test func `every day from 1896 to 2105 follows the day before it`() {
        // A calendar kept by counting, from a known day: 1896-01-01 is 27,028 days before 1970.
        var (year, month, day) = (1896, 1, 1)
        for days in -27_028..<49_673 {
            func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
            let text = "\(year)-\(padded(month))-\(padded(day))T00:00:00Z"
            let us = Int64(days) * 86_400_000_000
            if Timestamp.format(us) != text || Timestamp.parse(text) != us {
                Issue.record("\(text) is not day \(days)")
                return
            }
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            let length = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
            day += 1
            if day > length { (month, day) = (month + 1, 1) }
            if month > 12 { (year, month) = (year + 1, 1) }
        }
        #expect((year, month, day) == (2106, 1, 1))
    }

    @Test(arguments: SeededGenerator.seeds([21]))
    func `any microsecond of the years 0 to 9999 is read back`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<20_000 {
            let us = Int64.random(in: -62_167_219_200_000_000...253_402_300_799_999_999, using: &generator)
            if Timestamp.parse(Timestamp.format(us)) != us { Issue.record("\(us), \(generator)") }
        }
    }

    @Test(arguments: [
        ("2026-11-22T02:00:00+00:00", "2026-11-22T02:00:00Z"), ("2026-11-22T02:00:00+05:30", "2026-11-21T20:30:00Z"),
        ("2026-11-22T02:00:00-08:00", "2026-11-22T10:00:00Z"), ("2026-11-22t02:00:00z", "2026-11-22T02:00:00Z"),
        ("2026-11-22 02:00:00Z", "2026-11-22T02:00:00Z"),
        ("2026-11-22T02:00:00.1234569Z", "2026-11-22T02:00:00.123456Z"),
        ("2026-11-22T02:00:00.25+01:00", "2026-11-22T01:00:00.25Z"), ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
    ])
    func `offsets, other spellings and leap seconds are understood`(text: String, utc: String) {
        #expect(Timestamp.parse(text).map(Timestamp.format) == utc)
    }

    @Test(arguments: [
        "", "now", "2026-11-22", "2026-11-22T02:00:00", "2026-11-22T02:00Z", "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-11-00T00:00:00Z",
        "2026-11-22T24:00:00Z", "2026-11-22T02:60:00Z", "2026-11-22T02:00:61Z", "2026-11-22T02:00:00.Z",
        "2026-11-22T02:00:00Zx", "2026-11-22T02:00:00+0100", "2026-11-22T02:00:00+24:00", "2026-11-22T02:00:00+01:60",
        "2026-11-22T02:00:00+1:00", "2026-11-22T02:00:00.5", "26-11-22T02:00:00Z000", "2026/11/22T02:00:00Z",
        "2026-11-22T02:00:0١Z", "+026-11-22T02:00:00Z", "-026-11-22T02:00:00Z",
    ])
    func `what is no time is refused`(text: String) {
        #expect(Timestamp.parse(text) == nil)
    }

    @Test func `no microsecond traps`() {
        for us in [.min, .min + 1, .max, .max - 1] as [Int64] { #expect(Timestamp.format(us).hasSuffix("Z")) }
    }
}
