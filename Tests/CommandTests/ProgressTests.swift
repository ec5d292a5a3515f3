import Testing

@testable import meantime

/// The progress line.
struct ProgressTests {
    @Test func `the progress line shows share, amount, rate and time left`() {
        let line = Progress.line(
            label: "import", unit: .bytes, done: 250_000_000, total: 1_000_000_000, note: "", elapsedUs: 5_000_000,
            columns: 120)
        #expect(line == "import  [#####---------------]  25%  250 MB  50.0 MB/s  15s left")
        let steps = Progress.line(
            label: "tune", unit: .steps, done: 3, total: 12, note: "checkout", elapsedUs: 6_000_000, columns: 120)
        #expect(steps == "tune  [#####---------------]  25%  3/12  18s left  checkout")
        let unknown = Progress.line(
            label: "query", unit: .steps, done: 0, total: nil, note: "", elapsedUs: 3_400_000, columns: 120)
        #expect(unknown == "query  4s")
    }

    @Test func `the progress line never wraps`() {
        for columns in 1...80 {
            let line = Progress.line(
                label: "import", unit: .bytes, done: 1, total: 2, note: String(repeating: "x", count: 200),
                elapsedUs: 1, columns: columns)
            #expect(line.count <= max(10, columns - 1))
        }
    }
}
