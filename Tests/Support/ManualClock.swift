import Synchronization

/// A clock that stands still until it is moved. Microseconds; it never runs backwards.
public final class ManualClock: Sendable {
    private let now: Atomic<Int64>

    /// A clock that stands at `nowUs`.
    public init(nowUs: Int64 = 0) { now = Atomic(nowUs) }

    /// Where it stands.
    public var nowUs: Int64 { now.load(ordering: .acquiring) }

    /// Moves it on and returns where it then stands.
    @discardableResult
    public func advance(byUs us: Int64) -> Int64 {
        precondition(us >= 0, "a clock cannot run backwards (by \(us) us)")
        return now.add(us, ordering: .acquiringAndReleasing).newValue
    }

    /// Moves it to an instant unless it is past it already; returns where it then stands.
    @discardableResult
    public func advance(toUs us: Int64) -> Int64 {
        now.max(us, ordering: .acquiringAndReleasing).newValue
    }
}
