/// Where finished attempts go, off the request path.
public protocol AttemptSink: Sendable {
    /// Hands an attempt over without ever waiting; `false`: the hand-off is full, the attempt was dropped and counted.
    @discardableResult
    func offer(_ attempt: Attempt) -> Bool
}
