import CSQLite

/// The bytes of segments as SQLite keeps them, read a stretch at a time: a scan of three columns does not read fifteen.
final class StoredBlob {
    private let connection: Connection
    private var handle: OpaquePointer?

    init(_ connection: Connection) { self.connection = connection }

    deinit { sqlite3_blob_close(handle) }

    /// Turns to a segment's bytes; gives how many there are, `nil` when there is no such segment.
    func open(segment id: Int64) throws(StoreError) -> Int? {
        sqlite3_blob_close(handle)
        handle = nil
        let code = sqlite3_blob_open(connection.handle, "main", "segment", "data", id, 0, &handle)
        // An error without a kind: no row of that number, or one without bytes.
        if code & 0xFF == SQLITE_ERROR { return nil }
        guard code == SQLITE_OK else { throw connection.error() }
        return Int(sqlite3_blob_bytes(handle))
    }

    /// Copies a stretch of the bytes to its place in `buffer`.
    func read(_ range: Range<Int>, into buffer: UnsafeMutableBufferPointer<UInt8>) throws(StoreError) {
        precondition(range.upperBound <= buffer.count, "bytes \(range) of \(buffer.count)")
        guard !range.isEmpty, let start = buffer.baseAddress else { return }
        let code = sqlite3_blob_read(handle, start + range.lowerBound, Int32(range.count), Int32(range.lowerBound))
        if code != SQLITE_OK { throw connection.error() }
    }
}
