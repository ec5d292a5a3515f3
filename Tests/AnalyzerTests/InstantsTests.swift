import Retry
import Testing

@testable import Analyzer

struct InstantsTests {
    private static func interval(_ leftUs: Int64, _ rightUs: Int64) -> CensoredInterval {
        CensoredInterval(leftUs: leftUs, rightUs: rightUs)
    }

    @Test func `steps begin at a tenth of the shortest end and stop past the longest`() {
        let steps = Instants.steps(for: [Self.interval(0, 20_000), Self.interval(30_000, 400_000)])
        #expect(steps == [2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000])
        // What lies past the end of the log has no end of its own.
        #expect(Instants.steps(for: [Self.interval(0, 20_000), Self.interval(30_000, .max)]).last == 50_000)
    }

    @Test func `probes by the quarter of an hour get minutes to days`() {
        let minute: Int64 = 60_000_000
        let steps = Instants.steps(for: [Self.interval(0, 15 * minute), Self.interval(600 * minute, 3_000 * minute)])
        #expect(steps.first == minute && steps.last == 5 * 1_440 * minute)
        #expect(steps.count == 12)
    }

    @Test func `nothing shorter than a millisecond, nothing without data`() {
        #expect(Instants.steps(for: [Self.interval(0, 40)]) == [1_000])
        #expect(Instants.steps(for: []).isEmpty && Instants.dense(for: []).isEmpty)
        #expect(Instants.steps(for: [Self.interval(0, .max)]).isEmpty)
    }

    @Test func `a picture has the steps and more between them`() {
        let data = [Self.interval(0, 20_000), Self.interval(30_000, 400_000)]
        let dense = Instants.dense(for: data)
        #expect(Set(dense).isSuperset(of: Instants.steps(for: data)))
        #expect(dense == dense.sorted() && (110...130).contains(dense.count) && dense.last == 500_000)
    }
}
