import Testing

@testable import meantime

/// The nearest command.
struct SubcommandTypoTests {
    @Test func `the nearest command is a swap, a slip or a letter away`() {
        #expect(SubcommandTypo.distance("tuen", "tune") == 1)
        #expect(SubcommandTypo.distance("repot", "report") == 1)
        #expect(SubcommandTypo.distance("", "tune") == 4)
        #expect(SubcommandTypo.distance("query", "query") == 0)
    }
}
