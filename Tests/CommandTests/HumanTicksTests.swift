import Testing

@testable import meantime

struct HumanTicksTests {
    @Test func `durations in the units that people use`() {
        let labels = [1, 999, 5e3, 2e6, 30e6, 60e6, 90e6, 3_600e6, 86_400e6, 12 * 86_400e6].map {
            HumanTicks.label(durationUs: $0)
        }
        #expect(labels == ["1 µs", "999 µs", "5 ms", "2 s", "30 s", "1 min", "1.5 min", "1 h", "1 d", "12 d"])
    }

    @Test(arguments: [1e3...1e4, 1e3...1e6, 1e3...1e9, 1...1e13, 60e6...2_592_000e6, 5e5...6e5])
    func `never more marks than there is room for, ascending and inside`(range: ClosedRange<Double>) {
        for most in 3...9 {
            let ticks = HumanTicks.durations(range, atMost: most)
            #expect(ticks.count <= max(most, 4))
            #expect(
                ticks == ticks.sorted() && ticks.allSatisfy { range.contains($0 * 1.001) || range.contains($0 * 0.999) }
            )
        }
        #expect(
            Set(HumanTicks.durations(range, atMost: 9).map { HumanTicks.label(durationUs: $0) }).count
                == HumanTicks.durations(range, atMost: 9).count)
    }

    @Test func `a wide range is marked by few units, a narrow one closely`() {
        #expect(HumanTicks.durations(1e3...1e5, atMost: 7) == [1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5])
        #expect(HumanTicks.durations(1e3...60e6, atMost: 7) == [1e3, 1e4, 1e5, 1e6, 1e7, 60e6])
    }

    @Test func `times: seconds, hours, days, months, years`() {
        func labels(_ spanUs: Double) -> [String] {
            // 2026-11-22T02:00:00Z.
            HumanTicks.times(1_795_312_800e6...1_795_312_800e6 + spanUs, atMost: 4).map(\.label)
        }
        #expect(labels(3e6) == ["02:00:00", "02:00:01", "02:00:02", "02:00:03"])
        #expect(labels(7_200e6) == ["02:00", "03:00", "04:00"])
        #expect(labels(3 * 86_400e6) == ["2026-11-23", "2026-11-24", "2026-11-25"])
        #expect(labels(300 * 86_400e6) == ["2027-01", "2027-04", "2027-07"])
        #expect(labels(1_400 * 86_400e6) == ["2027", "2028", "2029", "2030"])
    }
}
