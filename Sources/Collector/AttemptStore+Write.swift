public import Retry

extension AttemptStore {
    /// Keeps attempts: all of them, on disk when the call returns, or none.
    ///
    /// They go to the tail, which is sealed when it has grown long enough; a call with as many as that, or with 16,384,
    /// is sealed at once: what never was in the tail leaves no empty pages there.
    ///
    /// - Throws: `StoreError` (`full`, `busy`, `io`, `readOnly`); nothing of the call was kept then.
    public func append(_ attempts: [Attempt]) throws(StoreError) {
        if attempts.isEmpty { return }
        try write { (writer) throws(StoreError) in
            if attempts.count >= min(sealAfterRows, Self.smallSegmentRows) {
                try writer.addSegments(attempts)
                return
            }
            try writer.addToTail(attempts)
            if try writer.tailCount() >= sealAfterRows { _ = try writer.sealTail() }
        }
    }

    /// Moves the tail into segments, in one transaction.
    ///
    /// - Parameters:
    ///   - minimumRows: a shorter tail is left alone: many small segments serve nobody.
    ///   - givesBackPages: whether the pages that the tail took go back to the disk: at the end of some work. Where
    ///     attempts go on coming, the next ones use them.
    /// - Returns: how many segments were made.
    @discardableResult
    public func seal(minimumRows: Int = 1, givesBackPages: Bool = false) throws(StoreError) -> Int {
        let made = try write { (writer) throws(StoreError) in
            try writer.tailCount() >= max(1, minimumRows) ? try writer.sealTail() : 0
        }
        // The attempts are kept whatever becomes of the pages, which another writer may hold.
        if made > 0, givesBackPages { _ = try? giveBackPages(beforeBytes: 0) }
        return made
    }

    /// Notes that attempts are missing, for the reports that they would have been in.
    ///
    /// - Parameters:
    ///   - count: how many.
    ///   - fromUs: the earliest start among them, UNIX microseconds.
    ///   - toUs: the latest start among them.
    ///   - reason: why, in one line.
    public func recordDropped(count: Int, fromUs: Int64, toUs: Int64, reason: String) throws(StoreError) {
        if count <= 0 { return }
        try write { (writer) throws(StoreError) in
            try writer.addDropped(count, fromUs: fromUs, toUs: toUs, reason: reason)
        }
    }
}
