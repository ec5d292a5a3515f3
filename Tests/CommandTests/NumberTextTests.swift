import Testing

@testable import meantime

/// Numbers for people's eyes.
struct NumberTextTests {
    @Test(arguments: [
        (0.0, "0ms"), (0.4, "0ms"), (40, "40us"), (999, "999us"), (999.7, "1ms"), (1500, "1.5ms"), (12_345, "12.3ms"),
        (405_321, "405ms"), (999_600, "1s"), (1_234_567, "1.23s"), (12_340_000, "12.3s"), (59_960_000, "1m"),
        (61_400_000, "1m1s"), (3_600_000_000, "1h"), (90_000_000_000, "25h"), (360_000_000_000, "4.17d"),
        (-6_877_500_000_000, "-79.6d"), (-362_000, "-362ms"), (-0.2, "0ms"),
        (-90_000_000, "-1m30s"), (.infinity, "∞"),
    ])
    func `durations have three figures and a unit`(us: Double, text: String) {
        #expect(NumberText.duration(us: us) == text)
    }

    @Test(arguments: [(0, "0"), (999, "999"), (1000, "1,000"), (-1_234_567, "-1,234,567"), (Int.min, nil as String?)])
    func `thousands are set apart`(value: Int, text: String?) {
        #expect(NumberText.grouped(value) == text ?? "-9,223,372,036,854,775,808")
    }

    @Test(arguments: [
        (0.005, 2, "0.01"), (1.005, 1, "1.0"), (-0.004, 2, "0.00"), (-1.25, 1, "-1.3"), (12, 0, "12"),
        (0.1, 3, "0.100"),
    ])
    func `decimals are rounded half away from zero`(value: Double, places: Int, text: String) {
        #expect(NumberText.fixed(value, places: places) == text)
    }

    @Test func `trimming leaves whole numbers whole`() {
        #expect(NumberText.fixed(20, places: 1, trim: true) == "20")
        #expect(NumberText.fixed(2.50, places: 2, trim: true) == "2.5")
        #expect(NumberText.fixed(.nan, places: 2) == "nan")
    }
}
