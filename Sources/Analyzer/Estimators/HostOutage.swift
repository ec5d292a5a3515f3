public import Retry

/// A stretch of time in which one host was more likely down than up. methods: outages
public struct HostOutage: Equatable, Sendable {
    /// Index into the columns' host names.
    public var host: Int
    /// The instant at which P(up) fell below one half; the log's first start if it was down from the beginning.
    public var beginUs: Int64
    /// The instant at which P(up) rose above one half (exclusive); just past the log's last start if it stayed down.
    public var endUs: Int64
    /// Start of the last probe that saw the host up before; `nil` at the log's beginning.
    public var lastUpBeforeUs: Int64?
    /// Start of the first and of the last probe that saw it down.
    public var firstDownUs: Int64
    /// See `firstDownUs`.
    public var lastDownUs: Int64
    /// Start of the first probe that saw it up again; `nil` at the log's end.
    public var firstUpAfterUs: Int64?
    /// Failed attempts on the host within.
    public var failures: Int

    /// What the probes say of its length: the state changed somewhere between the probes that saw a change, and a log
    /// that begins or ends within the outage only bounds it from below.
    public var duration: CensoredInterval {
        let least = lastDownUs - firstDownUs
        guard let before = lastUpBeforeUs, let after = firstUpAfterUs else {
            return CensoredInterval(leftUs: max(0, least), rightUs: .max)
        }
        return CensoredInterval(leftUs: max(0, least - 1), rightUs: max(1, after - before))
    }
}
