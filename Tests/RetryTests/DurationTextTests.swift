import Retry
import TestSupport
import Testing

@Suite struct DurationTextTests {
    @Test func `every duration below 200 ms and around every unit is read back`() {
        var broken: [Int64] = []
        let around = [1000, 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000].flatMap { unit in
            (Int64(unit) - 2000)...(Int64(unit) + 2000)
        }
        for us in Array(0...200_000) + around.filter({ $0 >= 0 })
        where DurationText.parse(DurationText.format(us)) != us {
            broken.append(us)
        }
        #expect(broken == [])
    }

    @Test(arguments: SeededGenerator.seeds([11, 12]))
    func `durations of any size are read back`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<20_000 {
            let us = Int64.random(in: 0...Int64.max, using: &generator) >> Int64.random(in: 0...62, using: &generator)
            let text = DurationText.format(us)
            if DurationText.parse(text) != us { Issue.record("\(us) became \(text), \(generator)") }
        }
        #expect(DurationText.parse(DurationText.format(.max)) == .max)
    }

    @Test(
        arguments: [
            ("0", 0), ("0ms", 0), ("0h0m0s", 0), ("1us", 1), ("1µs", 1), ("1\u{3BC}s", 1), ("40us", 40),
            ("250ms", 250_000),
            ("1.5s", 1_500_000), ("1h30m", 5_400_000_000), ("1h30m5.25s", 5_405_250_000), (".5s", 500_000),
            ("5.s", 5_000_000),
            ("1.5m", 90_000_000), ("0.25h", 900_000_000), ("0.001ms", 1), ("2m3ms", 120_003_000), ("007s", 7_000_000),
            ("1.500000000000s", 1_500_000), ("0.00000005m", 3), ("0.00000015m", 9), ("0.000000005h", 18),
            ("1s1s", 2_000_000),
            ("2562047788h", 9_223_372_036_800_000_000), ("9223372036854775807us", .max),
        ] as [(String, Int64)])
    func `Go's duration strings mean what they mean in Go`(text: String, us: Int64) {
        #expect(DurationText.parse(text) == us)
    }

    @Test(arguments: [
        "", " ", "5", "00", "1.5", "s", "ms", ".s", "-5s", "+5s", "1ns", "100ns", "1d", "1S", "1 s", " 1s", "1s ",
        "1,5s",
        "1.2.3s", "1e3ms", "0.5us", "0.0001ms", "0.0000001s", "0.0000000001h", "1s500", "1h-5m", "١s", "1️⃣s",
        "five seconds",
        "9223372036854775808us", "2562047789h", "2562047788h54m54.775808s", "99999999999999999999s",
        "0.1234567890123456789s", "0x10s", "1\u{0}s", "inf", "nan",
    ])
    func `what is no duration of whole microseconds is refused`(text: String) {
        #expect(DurationText.parse(text) == nil)
    }

    @Test(
        arguments: [
            (0, "0ms"), (1, "1us"), (999, "999us"), (1000, "1ms"), (1500, "1.5ms"), (1001, "1.001ms"),
            (350_000, "350ms"),
            (999_999, "999.999ms"), (1_000_000, "1s"), (1_500_000, "1.5s"), (1_000_001, "1.000001s"),
            (59_999_999, "59.999999s"),
            (60_000_000, "1m"), (90_000_000, "1m30s"), (5_400_000_000, "1h30m"), (3_600_000_001, "1h0.000001s"),
            (86_400_000_000, "24h"), (-5000, "-5ms"),
        ] as [(Int64, String)])
    func `durations are written as people write them`(us: Int64, text: String) {
        #expect(DurationText.format(us) == text)
    }

    @Test func `the one duration without an opposite is off by a microsecond rather than a trap`() {
        #expect(DurationText.format(.min) == "-" + DurationText.format(.max))
    }
}
