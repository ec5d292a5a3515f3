import Testing

@testable import meantime

/// `--since`.
struct SinceTests {
    @Test(arguments: [
        ("24h", 86_400_000_000), ("7d", 604_800_000_000), ("1d12h", 129_600_000_000), ("90m", 5_400_000_000),
        ("1.5s", 1_500_000),
    ])
    func `a span counts back from now`(text: String, us: Int64) throws {
        #expect(try Since.parse(text) == .ago(us: us))
        #expect(try Since.parse(text).fromUs(nowUs: 1_790_000_000_000_000) == 1_790_000_000_000_000 - us)
    }

    @Test func `a time is itself`() throws {
        #expect(try Since.parse("2026-11-22T02:00:00Z") == .at(us: 1_795_312_800_000_000))
        #expect(try Since.parse("2026-11-22T03:00:00+01:00").fromUs(nowUs: 5) == 1_795_312_800_000_000)
    }

    @Test(arguments: [
        "", "24", "-24h", "d", "7 d", "1dd", "24hours", "yesterday", "2026-11-22", "0h", "0d", "1h1d",
        "99999999999999999999d", "99999999999d", "+1d",
    ])
    func `anything else is refused`(text: String) {
        #expect(throws: (any Error).self) { try Since.parse(text) }
    }
}
