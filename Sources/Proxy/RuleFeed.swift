import Logging
import Retry
import Synchronization

/// When to read a watched file, as a value: signatures go in, one per look, an action comes out.
///
/// A changed file is read only when it looks the same twice in a row: half of a YAML file can be a valid rule set, so a
/// file that is still being written must not be read at all. The first look reads at once.
struct RuleFileWatch: Equatable, Sendable {
    enum Action: Equatable, Sendable {
        case nothing
        case load
        /// It was there, or was expected, and is not.
        case reportMissing
    }

    private enum State: Equatable, Sendable {
        /// Not looked at yet.
        case new
        /// Read (or refused) in this state, or reported missing (`nil`).
        case settled(FileSignature?)
        /// Changed to this since it was read.
        case changing(FileSignature)
    }

    private var state = State.new

    /// Takes what a look at the file saw; `nil`: no file.
    mutating func next(_ seen: FileSignature?) -> Action {
        switch (state, seen) {
        case (.settled(let known), let seen) where known == seen:
            return .nothing
        case (_, .none):
            state = .settled(nil)
            return .reportMissing
        case (.new, .some(let seen)):
            state = .settled(seen)
            return .load
        case (.changing(let before), .some(let seen)) where before == seen:
            state = .settled(seen)
            return .load
        case (_, .some(let seen)):
            state = .changing(seen)
            return .nothing
        }
    }

    /// What was to be read could not be: the next look that sees it unchanged reads again.
    mutating func readFailed() {
        if case .settled(let seen?) = state { state = .changing(seen) }
    }
}

/// Keeps the rules in force up to date with their file: taken whole, or refused whole while the old ones stay.
final class RuleFeed: Sendable {
    private struct Watched {
        var watch = RuleFileWatch()
        var problem: FileError?
    }

    private let path: String
    private let core: ProxyCore
    private let watched = Mutex(Watched())
    private let read: @Sendable (String) throws(FileError) -> [UInt8]

    /// `read` fetches the file's bytes; it throws when that fails for now, and is then asked again.
    init(
        path: String, core: ProxyCore,
        read: @escaping @Sendable (String) throws(FileError) -> [UInt8] = RuleFile.bytes(path:)
    ) {
        self.path = path
        self.core = core
        self.read = read
    }

    /// Why the file as it stands is not in force, if it is refused.
    var problem: FileError? { watched.withLock { $0.problem } }

    /// Looks at the file until the task is cancelled.
    func run() async {
        while (try? await Task.sleep(for: .microseconds(core.limits.rulesPollUs))) != nil { look() }
    }

    /// One look at the file.
    func look() {
        let seen = FileSignature.of(path: path)
        switch watched.withLock({ $0.watch.next(seen) }) {
        case .nothing: break
        case .reportMissing: reportMissing()
        case .load: load()
        }
    }

    private func load() {
        let bytes: [UInt8]
        do {
            bytes = try read(path)
        } catch {
            watched.withLock { $0.watch.readFailed() }
            return refuse(error)
        }
        do {
            let set = try RuleFile.parse(bytes, path: path)
            watched.withLock { $0.problem = nil }
            if set != core.rules.set { put(set, from: path) }
        } catch {
            refuse(error)
        }
    }

    /// Tells a problem once, however often the file is looked at with it.
    private func refuse(_ error: FileError) {
        let isNew = watched.withLock { watched in
            defer { watched.problem = error }
            return watched.problem != error
        }
        guard isNew else { return }
        core.metrics.rulesRefused.add()
        core.logger.error("rules refused: \(error); \(inForce)")
    }

    /// Puts a set in force and says what of it has no effect.
    func put(_ set: RuleSet, from source: String) {
        let warnings = core.rules.put(set)
        core.metrics.rulesLoaded.add()
        core.logger.info("rules in force: version \(set.version) from \(source), \(set.routes.count) routes")
        for warning in warnings { core.logger.warning("rules: \(warning)") }
    }

    private func reportMissing() {
        core.logger.warning("rules: there is no file \(path); \(inForce)")
    }

    private var inForce: String {
        if let set = core.rules.set { return "version \(set.version) stays in force" }
        return "every route has one attempt and a timeout of 15s"
    }
}
