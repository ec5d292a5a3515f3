import Retry

/// What stays of pruned attempts, in SQL: the tables that retention fills, and the views by which people read them.
/// `docs/segment.md` describes both.
enum HistoryTable {
    /// Part of the store from format 2 on. The bounds of bins are those of the grid of
    /// durations; below 8 µs they are rounded up to whole microseconds.
    static let schema = """
        CREATE TABLE IF NOT EXISTS hour_summary (
          hour_us INTEGER NOT NULL, route INTEGER NOT NULL, outcome INTEGER NOT NULL, attempts INTEGER NOT NULL,
          retries INTEGER NOT NULL, hedges INTEGER NOT NULL, latency TEXT NOT NULL, digest INTEGER NOT NULL,
          PRIMARY KEY (hour_us, route, outcome)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS hour_dropped (
          hour_us INTEGER NOT NULL, reason TEXT NOT NULL, attempts INTEGER NOT NULL, digest INTEGER NOT NULL,
          PRIMARY KEY (hour_us, reason)) WITHOUT ROWID;
        CREATE VIEW IF NOT EXISTS history AS
          SELECT strftime('%Y-%m-%dT%H:%M:%SZ', h.hour_us / 1000000, 'unixepoch') AS hour, h.hour_us AS hour_us,
            r.name AS route, \(outcomeName) AS outcome, h.attempts AS attempts, h.retries AS retries,
            h.hedges AS hedges
          FROM hour_summary h JOIN route r ON r.code = h.route;
        CREATE VIEW IF NOT EXISTS history_latency AS
          SELECT h.hour_us AS hour_us, r.name AS route, \(outcomeName) AS outcome,
            CASE WHEN b.key + 0 > 0 THEN \(lowerBound("b.key + 0")) ELSE 0 END AS from_us,
            CASE WHEN b.key + 1 < \(LogGrid.count) THEN \(lowerBound("b.key + 1")) END AS below_us,
            b.value AS attempts
          FROM hour_summary h JOIN route r ON r.code = h.route, json_each(h.latency) b;
        CREATE VIEW IF NOT EXISTS history_dropped AS
          SELECT strftime('%Y-%m-%dT%H:%M:%SZ', hour_us / 1000000, 'unixepoch') AS hour, hour_us, reason, attempts
          FROM hour_dropped;
        """

    private static var outcomeName: String {
        let cases = Outcome.allCases.map { "WHEN \($0.rawValue) THEN '\($0.name)'" }
        return "CASE h.outcome \(cases.joined(separator: " ")) END"
    }

    /// The least whole microsecond of a bin, in SQL.
    private static func lowerBound(_ bin: String) -> String {
        "CASE WHEN (\(bin)) / 8 >= 3 THEN (8 + (\(bin)) % 8) << ((\(bin)) / 8 - 3) "
            + "ELSE ((8 + (\(bin)) % 8) + (1 << (3 - (\(bin)) / 8)) - 1) >> (3 - (\(bin)) / 8) END"
    }

    /// Stores of format 1 that have not been written since have no history.
    static func exists(on connection: Connection) throws(StoreError) -> Bool {
        try connection.integer("PRAGMA user_version") >= 2
    }

    /// How many attempts it sums up.
    static func attempts(on connection: Connection) throws(StoreError) -> Int {
        guard try exists(on: connection) else { return 0 }
        return Int(try connection.integer("SELECT coalesce(sum(attempts), 0) FROM hour_summary"))
    }

    // MARK: Write

    /// Adds to the summaries. Only within a write transaction.
    ///
    /// - Parameter replaceDamaged: a summary whose digest does not fit is begun anew; otherwise it is an error.
    static func add(
        _ summaries: [HourKey: HourSummary], replaceDamaged: Bool, to writer: inout StoreWriter
    ) throws(StoreError) {
        let connection = writer.connection
        var isRecount = false
        let select = try connection.prepare("\(everySummary) WHERE hour_us = ? AND route = ? AND outcome = ?")
        let put = try connection.prepare(
            """
            INSERT OR REPLACE INTO hour_summary (hour_us, route, outcome, attempts, retries, hedges, latency, digest)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """)
        for (key, added) in summaries.sorted(by: { $0.key < $1.key }) {
            for (index, value) in [key.hourUs, key.route, key.outcome].enumerated() {
                select.bind(value, at: Int32(index + 1))
            }
            var sum = added
            if try select.step() {
                if let kept = read(select).summary {
                    sum.add(kept)
                    writer.ledger.remove(
                        UInt64(bitPattern: select.integer(7)), attempts: kept.attempts, from: .history)
                } else if replaceDamaged {
                    isRecount = true
                } else {
                    throw StoreError(
                        .damaged, path: connection.path,
                        "the history of \(Timestamp.format(key.hourUs)) is damaged and would be added to; "
                            + "begin it anew with 'meantime store prune --discard-damaged'")
                }
            }
            select.reset()
            let text = sum.latencyText
            let digest = sum.digest(key, latencyText: text)
            let values = [key.hourUs, key.route, key.outcome, sum.attempts, sum.retries, sum.hedges]
            for (index, value) in values.enumerated() { put.bind(value, at: Int32(index + 1)) }
            put.bind(text, at: 7)
            put.bind(digest, at: 8)
            try put.run()
            writer.ledger.add(UInt64(bitPattern: digest), attempts: sum.attempts, to: .history)
        }
        // What was damaged is given up, so that the ledger counts what is there.
        if isRecount {
            writer.ledger.empty(.history)
            writer.ledger.add(try Ledger.account(of: .history, on: connection), to: .history)
        }
    }

    /// Adds missing attempts to the history. Only within a write transaction.
    static func addDropped(
        _ attempts: Int64, hourUs: Int64, reason: String, to writer: inout StoreWriter
    ) throws(StoreError) {
        let select = try writer.connection.prepare("\(everyDrop) WHERE hour_us = ? AND reason = ?")
        select.bind(hourUs, at: 1)
        select.bind(reason, at: 2)
        var sum = attempts
        if try select.step() {
            // A damaged number is not added to, and the ledger goes on to say that one is damaged.
            if isSound(drop: select) { sum += select.integer(2) }
            writer.ledger.remove(
                UInt64(bitPattern: select.integer(3)), attempts: select.integer(2), from: .historyDropped)
        }
        select.reset()
        let digest = dropDigest(hourUs: hourUs, reason: reason, attempts: sum)
        let put = try writer.connection.prepare(
            "INSERT OR REPLACE INTO hour_dropped (hour_us, reason, attempts, digest) VALUES (?, ?, ?, ?)")
        put.bind(hourUs, at: 1)
        put.bind(reason, at: 2)
        put.bind(sum, at: 3)
        put.bind(digest, at: 4)
        try put.run()
        writer.ledger.add(UInt64(bitPattern: digest), attempts: sum, to: .historyDropped)
    }

    // MARK: Read

    static let everySummary =
        "SELECT hour_us, route, outcome, attempts, retries, hedges, latency, digest FROM hour_summary"
    static let everyDrop = "SELECT hour_us, reason, attempts, digest FROM hour_dropped"

    /// One row of `everySummary`; the summary is `nil` when it is not what was written.
    static func read(_ row: Statement) -> (key: HourKey, summary: HourSummary?) {
        let key = HourKey(hourUs: row.integer(0), route: row.integer(1), outcome: row.integer(2))
        let text = row.text(6)
        guard let latency = HourSummary.latency(text: text) else { return (key, nil) }
        let summary = HourSummary(
            attempts: row.integer(3), retries: row.integer(4), hedges: row.integer(5), latency: latency)
        let isSound =
            summary.digest(key, latencyText: text) == row.integer(7)
            && Int64(latency.count) == summary.attempts && Outcome(rawValue: UInt8(clamping: key.outcome)) != nil
        return (key, isSound ? summary : nil)
    }

    /// Whether a row of `everyDrop` is what was written.
    static func isSound(drop row: Statement) -> Bool {
        dropDigest(hourUs: row.integer(0), reason: row.text(1), attempts: row.integer(2)) == row.integer(3)
    }

    /// Fails unless every summary is what was written.
    static func requireSummaries(on connection: Connection) throws(StoreError) {
        let statement = try connection.prepare(everySummary)
        while try statement.step() {
            let (key, summary) = read(statement)
            if summary == nil { throw damaged(hourUs: key.hourUs, connection) }
        }
    }

    /// Fails unless every number of missing attempts is what was written.
    static func requireDrops(on connection: Connection) throws(StoreError) {
        let statement = try connection.prepare(everyDrop)
        while try statement.step() {
            if !isSound(drop: statement) { throw damaged(hourUs: statement.integer(0), connection) }
        }
    }

    private static func damaged(hourUs: Int64, _ connection: Connection) -> StoreError {
        StoreError(.damaged, path: connection.path, "the history of hour \(Timestamp.format(hourUs)) is damaged")
    }

    private static func dropDigest(hourUs: Int64, reason: String, attempts: Int64) -> Int64 {
        let words = [UInt64(bitPattern: hourUs), UInt64(bitPattern: attempts), XXH64.hash(reason)]
        return Int64(bitPattern: XXH64.hash(words: words))
    }
}
