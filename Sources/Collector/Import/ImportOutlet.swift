import Retry

/// Hands the attempts of an import to its target, in their order.
///
/// A store gets whole segments: the workers sort and encode them while the calling thread goes on, and it writes them
/// one after the other. Everything else gets attempts.
struct ImportOutlet {
    /// Segments that may be encoded at once; each takes about 40 MiB.
    private static let underWayMax = 2

    /// Attempts that the target has kept.
    private(set) var appended = 0

    private let target: any ImportTarget
    private let workers: ImportWorkers
    private var underWay: [(segment: Handover<SealedSegment>, count: Int)] = []
    /// The store's codes by kind and the import's code; -1 where they were not asked for yet.
    private var codes: [[Int64]] = NameKind.allCases.map { _ in [] }

    init(_ target: any ImportTarget, workers: ImportWorkers) {
        self.target = target
        self.workers = workers
    }

    /// Takes rows with codes of `names`. What was taken is in the target when `drain` has returned.
    mutating func append(_ rows: consuming Rows, names: Names) throws {
        if rows.count == 0 { return }
        guard let store = try target.columnStore(), rows.count >= AttemptStore.minimumSegmentRows else {
            try drain()
            try target.append((0..<rows.count).map { rows.attempt($0, names: names) })
            appended += rows.count
            return
        }
        try translate(&rows, names, into: store)
        if underWay.count == Self.underWayMax { try writeFirst(to: store) }
        let count = rows.count
        let places = try store.places(of: rows)
        let asked = Handover(rows)
        let answered = Handover<SealedSegment>()
        workers.run(isUrgent: true) { _ in
            guard let rows = asked.take() else { return }
            answered.give(SealedSegment(rows, places: places))
        }
        underWay.append((answered, count))
    }

    /// Writes everything that was taken.
    mutating func drain() throws {
        while !underWay.isEmpty, let store = try target.columnStore() { try writeFirst(to: store) }
    }

    private mutating func writeFirst(to store: AttemptStore) throws {
        let (handover, count) = underWay.removeFirst()
        guard let segment = handover.wait() else { preconditionFailure("a segment came back empty") }
        do {
            try store.append(segment)
        } catch {
            // What came after it must not be there without it.
            underWay = []
            throw error
        }
        appended += count
    }

    /// Puts the store's codes in the place of the import's.
    private mutating func translate(_ rows: inout Rows, _ names: Names, into store: AttemptStore) throws {
        var missing = NameKind.allCases.map { _ in [Int]() }
        for kind in NameKind.allCases {
            let known = codes[kind.rawValue].count
            codes[kind.rawValue] += repeatElement(-1, count: names[kind].count - known)
            for code in rows[kind.column] where codes[kind.rawValue][Int(code)] == -1 {
                codes[kind.rawValue][Int(code)] = -2
                missing[kind.rawValue].append(Int(code))
            }
        }
        if missing.contains(where: { !$0.isEmpty }) {
            let found: [[Int64]]
            do {
                found = try store.codes(
                    of: NameKind.allCases.map { kind in missing[kind.rawValue].map { names[kind].names[$0] } })
            } catch {
                for (kind, codes) in missing.enumerated() { for code in codes { self.codes[kind][code] = -1 } }
                throw error
            }
            for (kind, codes) in missing.enumerated() {
                for (code, stored) in zip(codes, found[kind]) { self.codes[kind][code] = stored }
            }
        }
        for kind in NameKind.allCases {
            let map = codes[kind.rawValue]
            for row in 0..<rows.count { rows[kind.column][row] = map[Int(rows[kind.column][row])] }
        }
    }
}
