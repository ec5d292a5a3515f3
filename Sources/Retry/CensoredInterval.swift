/// A duration that is known to lie in (`leftUs`, `rightUs`]; `rightUs` = `Int64.max`: only bounded from below.
public struct CensoredInterval: Equatable, Hashable, Sendable {
    /// Exclusive lower bound, microseconds.
    public var leftUs: Int64
    /// Inclusive upper bound, microseconds; `Int64.max` for none.
    public var rightUs: Int64

    /// An interval; an exact value *t* is (t − 1, t].
    public init(leftUs: Int64, rightUs: Int64) {
        self.leftUs = leftUs
        self.rightUs = rightUs
    }

    /// Whether there is no upper bound.
    public var isRightCensored: Bool { rightUs == .max }
}
