import Retry
import Synchronization

/// How far a long command is, on a terminal and only there, once it has taken two seconds.
final class Progress: Sendable {
    /// What is counted.
    enum Unit: Sendable {
        case bytes
        case steps
    }

    private struct State {
        var done: Int64 = 0
        var total: Int64?
        var note = ""
        var isShown = false
        var isFinished = false
    }

    private let label: String
    private let unit: Unit
    private let startUs: Int64
    private let state = Mutex(State())
    private let ticker = Mutex<Task<Void, Never>?>(nil)

    private static let patienceUs: Int64 = 2_000_000
    private static let tick = Duration.milliseconds(200)

    /// Begins to count; nothing is drawn unless stderr is a terminal.
    init(_ label: String, unit: Unit, total: Int64? = nil) {
        self.label = label
        self.unit = unit
        startUs = WallClock.monotonicUs
        state.withLock { $0.total = total }
        guard Terminal.isTerminal(Terminal.error) else { return }
        let task = Task.detached(priority: .utility) { [weak self] in
            while !Task.isCancelled {
                try? await Task.sleep(for: Self.tick)
                guard let self else { return }
                self.draw()
            }
        }
        ticker.withLock { $0 = task }
    }

    /// Where it stands; cheap enough for every line of a file.
    func update(done: Int64, total: Int64? = nil, note: String = "") {
        state.withLock { state in
            state.done = done
            if let total { state.total = total }
            state.note = note
        }
    }

    /// Takes the bar away, so that what follows starts on a clean line.
    func finish() {
        ticker.withLock { $0?.cancel() }
        let wasShown = state.withLock { state in
            defer { (state.isFinished, state.isShown) = (true, false) }
            return state.isShown
        }
        if wasShown { Terminal.writeError("\r\u{1B}[K") }
    }

    private func draw() {
        let elapsedUs = WallClock.monotonicUs - startUs
        guard elapsedUs >= Self.patienceUs else { return }
        state.withLock { state in
            if state.isFinished || Task.isCancelled { return }
            state.isShown = true
            let line = Self.line(
                label: label, unit: unit, done: state.done, total: state.total, note: state.note,
                elapsedUs: elapsedUs, columns: Terminal.columns(Terminal.error))
            Terminal.writeError("\r" + line + "\u{1B}[K")
        }
    }

    /// One line no wider than the terminal: `import  [#####-----]  48%  1.2 GB  94 MB/s  12s left`.
    static func line(
        label: String, unit: Unit, done: Int64, total: Int64?, note: String, elapsedUs: Int64, columns: Int
    ) -> String {
        let seconds = Double(max(1, elapsedUs)) / 1e6
        let rate = Double(done) / seconds
        var parts = [label]
        if let total, total > 0 {
            let share = min(1, Double(done) / Double(total))
            let full = Int(share * 20)
            parts.append("[" + String(repeating: "#", count: full) + String(repeating: "-", count: 20 - full) + "]")
            parts.append("\(Int(share * 100))%")
        }
        if unit == .bytes {
            parts += [bytes(Double(done)), bytes(rate) + "/s"]
        } else if done > 0 {
            parts.append(total.map { "\(done)/\($0)" } ?? "\(done)")
        }
        if let total, done > 0, done < total {
            parts.append("\(DurationText.format(wholeSecondsUs(Double(total - done) / rate))) left")
        } else {
            parts.append(DurationText.format(wholeSecondsUs(seconds)))
        }
        if !note.isEmpty { parts.append(note) }
        return String(parts.joined(separator: "  ").prefix(max(10, columns - 1)))
    }

    private static func wholeSecondsUs(_ seconds: Double) -> Int64 {
        Int64(min(seconds, 1e6).rounded(.up)) * 1_000_000
    }

    private static func bytes(_ count: Double) -> String {
        let units = ["B", "kB", "MB", "GB", "TB"]
        var value = count
        var index = 0
        while value >= 999.5, index < units.count - 1 {
            value /= 1000
            index += 1
        }
        if index == 0 || value >= 99.95 { return "\(Int(value.rounded())) \(units[index])" }
        return "\(Double(Int((value * 10).rounded())) / 10) \(units[index])"
    }
}
