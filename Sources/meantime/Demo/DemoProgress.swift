/// What the demo is doing: a bar on a terminal for what takes long, one line a phase everywhere.
struct DemoProgress {
    private let startUs = WallClock.monotonicUs

    /// One line on stderr, with the time since the start.
    func say(_ words: String) {
        let seconds = DemoText.fixed(Double(WallClock.monotonicUs - startUs) / 1e6, 0)
        let pad = String(repeating: " ", count: max(0, 4 - seconds.count))
        Terminal.writeError("\(pad)\(seconds) s  \(words)\n")
    }

    /// Microseconds since the start.
    var elapsedUs: Int64 { WallClock.monotonicUs - startUs }
}
