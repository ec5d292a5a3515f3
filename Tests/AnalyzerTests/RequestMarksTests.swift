import Retry
import Testing

@testable import Analyzer

@Suite struct RequestMarksTests {
    @Test func whatIsMarkedIsHeldAndFewOthersAre() {
        var dice = SplitMix64(seed: 3)
        for count in [0, 1, 5, 3000] {
            let marked = (0..<count).map { _ in dice.next() } + (0..<UInt64(count)).map { $0 }
            let marks = RequestMarks(marked)
            #expect(marked.allSatisfy(marks.mayHold))
            let others = (0..<1000).map { _ in dice.next() | 1 << 63 }
            let wrong = others.count(where: marks.mayHold)
            #expect(wrong < 130, "about one in sixteen at most")
        }
    }
}
