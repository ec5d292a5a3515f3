import Synchronization

/// Decodes the columns of an ordered scan's chunks side by side, into memory that is used again.
final class ChunkDecoder: Sendable {
    /// By the place in `OrderedScanLimits.columns`.
    private let buffers = Mutex([[Int64]](repeating: [], count: OrderedScanLimits.columns.count))

    /// A chunk's rows from its first wanted one to its last; all of its columns, or none.
    ///
    /// - Parameter withAttempts: whether attempt numbers, which are only needed to order rows of several chunks, are
    ///   wanted.
    func decode(
        _ chunk: ScanChunk, withAttempts: Bool, threads: Int
    ) throws(DecodingError) -> ChunkRows {
        let columns = withAttempts ? OrderedScanLimits.columns : OrderedScanLimits.columns.dropLast()
        // That of the first column, whichever thread was first.
        let failure = Mutex<(place: Int, error: DecodingError)?>(nil)
        Crew.run(columns.count, threads: threads) { place in
            var values = buffers.withLock { buffers in
                defer { buffers[place] = [] }
                return buffers[place]
            }
            do throws(DecodingError) {
                try chunk.read(columns[place], chunk.extent, into: &values)
            } catch {
                failure.withLock { failure in
                    if failure.map({ place < $0.place }) ?? true { failure = (place, error) }
                }
            }
            buffers.withLock { $0[place] = values }
        }
        if let failure = failure.withLock({ $0 }) { throw failure.error }
        return buffers.withLock { buffers in
            defer { buffers = [[Int64]](repeating: [], count: buffers.count) }
            return ChunkRows(
                startUs: buffers[0], durationUs: buffers[1], host: buffers[2], outcome: buffers[3],
                attempt: buffers[4])
        }
    }

    /// Takes the memory of rows back that nobody looks at any more.
    func giveBack(_ rows: consuming ChunkRows) {
        let columns = [rows.startUs, rows.durationUs, rows.host, rows.outcome, rows.attempt]
        buffers.withLock { $0 = columns }
    }
}
