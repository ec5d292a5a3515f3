import Retry

/// The store as the tables of one connection see it: one state for as long as one of their cursors is open.
///
/// An open cursor keeps a read transaction open, so that a statement that walks over a table twice sees the same rows
/// twice, and so that what stands in memory (names, zone maps, tail) is the state that SQLite reads.
final class StoreView {
    let reader: StoreReader
    let texts = NameTexts()
    /// Whether a statement goes on after damage, without the rows that cannot be read.
    var skipsDamage: Bool
    /// How many values of attempts a walk by route has in memory at once; more only where all rows of a route or of a
    /// request must come together and have more.
    var mostValues = 8 << 20
    /// Where walks keep what does not fit.
    var temporaryFolder = TemporaryFile.folder
    /// What the statement's walks by route keep, so that a join which begins one again and again keeps it once.
    private(set) var sequences = SequenceSpool()
    private(set) var names = Names()
    private(set) var entries: [SegmentEntry] = []
    /// What the statements so far could not read; each part once.
    private(set) var damage: [SegmentDamage] = []
    /// Whether the reader's connection is ours and between `begin` and `end`.
    private let isOurs: Bool
    private var hold: Statement?
    private var users = 0
    private var keptOutline: (entries: [SegmentEntry], tailRows: Int, routes: Int)?
    private var tail: (rows: Rows, ids: [Int64])?

    init(_ reader: StoreReader, isOurs: Bool, skipsDamage: Bool) {
        self.reader = reader
        self.isOurs = isOurs
        self.skipsDamage = skipsDamage
    }

    /// A cursor opens.
    func enter() throws(StoreError) {
        if users == 0 {
            do throws(StoreError) {
                try look()
            } catch {
                if !isOurs { reader.endHeld() }
                hold = nil
                throw error
            }
        }
        users += 1
    }

    private func look() throws(StoreError) {
        // A statement that has given a row and is not over keeps its read transaction.
        let hold = try reader.connection.prepare("SELECT count(*) FROM main.segment")
        _ = try hold.step()
        self.hold = hold
        if !isOurs { try reader.beginHeld() }
        names = try reader.names()
        texts.refresh(names)
        entries = try reader.segments(RowFilter())
        tail = nil
        sequences = SequenceSpool(folder: temporaryFolder)
    }

    /// A cursor closes.
    func leave() {
        users -= 1
        if users == 0 {
            tail = nil
            sequences = SequenceSpool()
            // Where the reader has begun itself, its state stays what it was.
            if !isOurs { reader.endHeld() }
            hold = nil
        }
    }

    /// The tail's rows, sorted as in a segment.
    func tailRows() throws(StoreError) -> (rows: Rows, ids: [Int64]) {
        if let tail { return tail }
        let (rows, ids, broken) = try reader.tail(names: names)
        for one in broken { try note(one) }
        tail = (rows, ids)
        return (rows, ids)
    }

    /// A segment's bytes, checked; `nil` when they are damaged and the statement goes on without them.
    func load(_ entry: SegmentEntry) throws(StoreError) -> Segment? {
        switch try reader.load(entry) {
        case .success(let segment): return segment
        case .failure(let error):
            try note(entry.damage(error.reason))
            return nil
        }
    }

    /// Keeps what could not be read, or ends the statement with it.
    func note(_ one: SegmentDamage) throws(StoreError) {
        if !damage.contains(one) { damage.append(one) }
        if !skipsDamage {
            throw StoreError(
                .damaged, path: reader.connection.path,
                "\(one); SELECT meantime_skip_damage(1) goes on without what is damaged")
        }
    }

    /// Reads the outline now, for all plans to come.
    func keepOutline() { keptOutline = outline() }

    /// The zone maps and the length of the tail, for estimates; they may be of another state than the one to be read.
    func outline() -> (entries: [SegmentEntry], tailRows: Int, routes: Int) {
        if let keptOutline { return keptOutline }
        if users > 0, let rows = tail?.rows { return (entries, rows.count, names[.route].count) }
        let entries = (try? reader.segments(RowFilter())) ?? []
        // The greatest id less the least: cheap, and close enough.
        let tail = (try? reader.connection.integer("SELECT coalesce(max(id) - min(id) + 1, 0) FROM main.tail")) ?? 0
        let routes = (try? reader.connection.integer("SELECT count(*) FROM main.route")) ?? 0
        return (entries, Int(tail), Int(routes))
    }
}
