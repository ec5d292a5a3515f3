import Retry

extension AttemptStore {
    /// Removes the attempts that began before an instant, and keeps what is known of them by hour, route and outcome:
    /// the views `history`, `history_latency` and `history_dropped`.
    ///
    /// The instant is moved back to the beginning of its hour, so that an hour is either in the attempts or in the
    /// history. A segment that straddles it is written anew without its beginning. Each segment goes in a transaction
    /// of its own, together with the growth of the history: a crash leaves some segments pruned and the others as they
    /// were, and the next prune goes on. Readers keep the state that they began with; a writer waits for one segment at
    /// most. Damaged segments are left and named, unless the options say otherwise.
    ///
    /// - Parameters:
    ///   - instantUs: UNIX microseconds.
    ///   - progress: is told how many segments are done, of how many.
    /// - Throws: `StoreError` `conflict` when nothing would be left and the options do not allow that.
    public func prune(
        beforeUs instantUs: Int64, options: PruneOptions = PruneOptions(), progress: (Int, Int) -> Void = { _, _ in }
    ) throws(StoreError) -> PruneReport {
        var report = PruneReport(beforeUs: HourKey.hour(of: instantUs), isDryRun: options.isDryRun)
        let reader = try freshReader()
        try requireSomethingLeft(report.beforeUs, options, reader)
        let beforeBytes = try Self.databaseBytes(reader.connection)
        if !options.isDryRun { try sealOldTail(beforeUs: report.beforeUs) }
        var known: Set<Int64> = []
        // Again, as long as other processes put segments in the place of those that were about to be pruned.
        while true {
            let entries = try oldEntries(beforeUs: report.beforeUs, reader).filter { !known.contains($0.id) }
            if entries.isEmpty { break }
            for (place, entry) in entries.enumerated() {
                known.insert(entry.id)
                try prune(entry, options, reader, &report)
                progress(place + 1, entries.count)
            }
        }
        try finish(options, reader, &report)
        if !options.isDryRun { report.freedBytes = try giveBackPages(beforeBytes: beforeBytes) }
        note(report.damage)
        return report
    }

    // MARK: Before

    private func requireSomethingLeft(
        _ beforeUs: Int64, _ options: PruneOptions, _ reader: StoreReader
    ) throws(StoreError) {
        try reader.begin()
        defer { reader.end() }
        // Notes of drops that are damaged must not be moved as if they were not.
        _ = try reader.dropped(RowFilter())
        var newestUs = try reader.connection.optionalInteger("SELECT max(start_us) FROM tail")
        for entry in try reader.segments(RowFilter()) where entry.isSound {
            newestUs = max(newestUs ?? .min, entry.zone.lastStartUs)
        }
        guard let newestUs, newestUs < beforeUs, !options.mayEmpty else { return }
        throw StoreError(
            .conflict, path: path,
            "every attempt is older than \(Timestamp.format(beforeUs)) (the newest is of "
                + "\(Timestamp.format(newestUs - newestUs % 1_000_000))): nothing would be left; is the clock right? "
                + "If so, allow it with --allow-empty")
    }

    /// Old rows of the tail go the way of all rows: into a segment first.
    private func sealOldTail(beforeUs: Int64) throws(StoreError) {
        try write { (writer) throws(StoreError) in
            let old = try writer.connection.integer("SELECT count(*) FROM tail WHERE start_us < \(beforeUs)")
            if old > 0 { _ = try writer.sealTail() }
        }
    }

    private func oldEntries(beforeUs: Int64, _ reader: StoreReader) throws(StoreError) -> [SegmentEntry] {
        try reader.begin()
        defer { reader.end() }
        return try reader.segments(RowFilter(toUs: beforeUs))
    }

    // MARK: One segment

    private func prune(
        _ entry: SegmentEntry, _ options: PruneOptions, _ reader: StoreReader, _ report: inout PruneReport
    ) throws(StoreError) {
        let rows: Rows
        switch try readAnew(entry, reader) {
        case .success(let found): rows = found
        case .failure(let error):
            try reader.begin()
            defer { reader.end() }
            // Gone is not damaged: another process merged or pruned it.
            guard try reader.has(entry) else { return }
            // A damaged zone map does not tell the time, and a segment across the boundary holds younger attempts too:
            // that these are missing must stay known.
            if options.discardsDamaged, entry.isSound, entry.zone.lastStartUs < report.beforeUs {
                if !options.isDryRun { try discard(entry, error.reason) }
                report.discarded.append(entry.damage(error.reason))
            } else {
                report.damage.append(entry.damage(error.reason))
            }
            return
        }
        let beforeUs = report.beforeUs
        let kept = rows.inOrder((0..<Int32(rows.count)).filter { rows[.startUs][Int($0)] >= beforeUs })
        if !options.isDryRun {
            let summaries = HourSummary.of(rows, beforeUs: beforeUs)
            let isDone = try write { (writer) throws(StoreError) in
                guard try writer.replace([entry.id], with: kept) else { return false }
                try HistoryTable.add(summaries, replaceDamaged: options.discardsDamaged, to: &writer)
                return true
            }
            if !isDone { return }
        }
        report.attempts += rows.count - kept.count
        if kept.count == 0 {
            report.segmentsRemoved += 1
            if options.isDryRun { report.freedBytes += try bytes(of: entry, reader) }
        } else {
            report.segmentsCut += 1
        }
    }

    private func readAnew(
        _ entry: SegmentEntry, _ reader: StoreReader
    ) throws(StoreError) -> Result<Rows, DecodingError> {
        try reader.begin()
        defer { reader.end() }
        return try reader.everyRow(of: entry, names: try reader.names())
    }

    private func bytes(of entry: SegmentEntry, _ reader: StoreReader) throws(StoreError) -> Int64 {
        try reader.connection.integer("SELECT length(data) FROM segment WHERE id = \(entry.id)")
    }

    /// Removes a segment that nobody can read; its attempts are missing from then on, and the history says so.
    private func discard(_ entry: SegmentEntry, _ reason: String) throws(StoreError) {
        try write { (writer) throws(StoreError) in
            guard try writer.replace([entry.id], with: Rows()) else { return }
            try HistoryTable.addDropped(
                Int64(entry.zone.rows), hourUs: HourKey.hour(of: entry.zone.firstStartUs),
                reason: "segment \(entry.id) was damaged: \(reason)", to: &writer)
        }
    }

    // MARK: After

    private func finish(
        _ options: PruneOptions, _ reader: StoreReader, _ report: inout PruneReport
    ) throws(StoreError) {
        report.droppedMoved = try moveDropped(beforeUs: report.beforeUs, isDryRun: options.isDryRun, reader)
        // A SELECT is a state of its own: nothing may be held open while pages are given back.
        let all = try reader.connection.integer(
            "SELECT (SELECT count(*) FROM tail) + (SELECT coalesce(sum(rows), 0) FROM segment)")
        if options.isDryRun {
            report.attempts += Int(
                try reader.connection.integer("SELECT count(*) FROM tail WHERE start_us < \(report.beforeUs)"))
            report.remaining = Int(all) - report.attempts
        } else {
            report.remaining = Int(all)
        }
    }

    /// Notes of missing attempts that are wholly older than the boundary go into the history: no report over what is
    /// left is the worse for them.
    private func moveDropped(
        beforeUs: Int64, isDryRun: Bool, _ reader: StoreReader
    ) throws(StoreError) -> Int {
        let condition = "FROM dropped WHERE last_start_us < \(beforeUs)"
        if isDryRun { return Int(try reader.connection.integer("SELECT coalesce(sum(attempts), 0) \(condition)")) }
        return try write { (writer) throws(StoreError) in
            let select = try writer.connection.prepare("\(Ledger.query(.dropped)) WHERE last_start_us < \(beforeUs)")
            var moved = 0
            while try select.step() {
                let attempts = select.integer(1)
                try HistoryTable.addDropped(
                    attempts, hourUs: HourKey.hour(of: select.integer(2)), reason: select.text(4), to: &writer)
                writer.ledger.remove(Ledger.droppedDigest(select), attempts: attempts, from: .dropped)
                moved += Int(attempts)
            }
            if moved > 0 { try writer.connection.execute("DELETE \(condition)") }
            return moved
        }
    }
}
