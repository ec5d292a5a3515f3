import Retry

extension StoreReader {
    /// Every row of a segment, read anew, with each value and the zone map checked; or what is wrong with it.
    func everyRow(of entry: SegmentEntry, names: Names) throws(StoreError) -> Result<Rows, DecodingError> {
        switch try load(entry) {
        case .failure(let error): return .failure(error)
        case .success(let segment):
            do throws(DecodingError) {
                let rows = try segment.rows(in: 0..<segment.rows, columns: .all)
                if let column = rows.invalidColumn(names: names) {
                    throw DecodingError(reason: "column \(column.name) has a value that cannot be")
                }
                guard ZoneMap(of: rows) == entry.zone else {
                    throw DecodingError(reason: "rows and zone map differ")
                }
                guard rows.isSortedForSegment else { throw DecodingError(reason: "its rows are not in order") }
                return .success(rows)
            } catch {
                return .failure(error)
            }
        }
    }
}

extension Rows {
    /// Whether the rows stand in the order of (route, start).
    var isSortedForSegment: Bool {
        let (route, start) = (self[.route], self[.startUs])
        return (0..<count).dropFirst().allSatisfy { (route[$0 - 1], start[$0 - 1]) <= (route[$0], start[$0]) }
    }
}

extension StoreWriter {
    /// Puts sorted rows in the place of segments, or removes these when there is no row left.
    ///
    /// What was written is read back and compared before the transaction can end.
    ///
    /// - Returns: `false` when one of the segments is gone already: another process was quicker, nothing was changed.
    mutating func replace(_ ids: [Int64], with rows: Rows) throws(StoreError) -> Bool {
        // The rows' names may be newer than the writer's last look at them.
        try names.refresh(from: connection, ledger: Ledger.of(connection))
        let find = try connection.prepare("SELECT zone_digest, rows FROM segment WHERE id = ?")
        var gone = LedgerChanges()
        for id in ids {
            find.bind(id, at: 1)
            guard try find.step() else { return false }
            gone.remove(
                Ledger.segmentDigest(id: id, zone: find.integer(0)), attempts: find.integer(1), from: .segment)
            find.reset()
        }
        if rows.count > 0 {
            try insert(sorted: rows)
            try requireReadable(connection.lastRowID, rows)
        }
        let delete = try connection.prepare("DELETE FROM segment WHERE id = ?")
        for id in ids {
            delete.bind(id, at: 1)
            try delete.run()
        }
        ledger.add(gone[.segment], to: .segment)
        return true
    }

    private func requireReadable(_ id: Int64, _ rows: Rows) throws(StoreError) {
        let select = try connection.prepare("SELECT data FROM segment WHERE id = ?")
        select.bind(id, at: 1)
        let isThere = try select.step()
        let bytes = isThere ? select.blob(0, padding: Segment.padding) : []
        do throws(DecodingError) {
            let segment = try Segment(padded: bytes, zone: ZoneMap(of: rows), hosts: names.routeHosts)
            guard try segment.rows(in: 0..<segment.rows, columns: .all) == rows else {
                throw DecodingError(reason: "other rows came back")
            }
        } catch {
            throw StoreError(
                .io, path: connection.path,
                "a segment could not be read back as it was written (\(error.reason)); nothing was changed")
        }
    }
}

extension AttemptStore {
    /// A reader of its own that believes nothing read before.
    func freshReader() throws(StoreError) -> StoreReader {
        try StoreReader(path: path, cache: SegmentCache(limit: 0))
    }

    /// Gives free pages back to the file system, a slice a transaction: a writer waits for one slice at most.
    ///
    /// - Parameter beforeBytes: the size of the file before the work that freed them.
    /// - Returns: by how many bytes the file is shorter now, once no reader needs its old end any more; below 0:
    ///   longer.
    func giveBackPages(beforeBytes: Int64) throws(StoreError) -> Int64 {
        let slice = 1_024
        var left = Int64.max
        while true {
            let free = try write { (writer) throws(StoreError) in
                try writer.connection.execute("PRAGMA incremental_vacuum(\(slice))")
                return try writer.connection.integer("PRAGMA freelist_count")
            }
            // A store that was made without the means to do this keeps its pages for later use.
            if free == 0 || free >= left { break }
            left = free
        }
        let after = try write { (writer) throws(StoreError) in try Self.databaseBytes(writer.connection) }
        try setting("PRAGMA wal_checkpoint(PASSIVE)")
        return beforeBytes - after
    }

    /// The size of the file once its log is in it.
    static func databaseBytes(_ connection: Connection) throws(StoreError) -> Int64 {
        try connection.integer("PRAGMA page_count") * connection.integer("PRAGMA page_size")
    }
}
