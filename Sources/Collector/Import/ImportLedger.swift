import Retry

/// Tells attempts that were in the store before this import from new ones.
///
/// The rule is of multisets: if the store held an attempt m times before the import and the inputs hold it n times,
/// then max(0, n − m) are added. So a second import adds nothing, one of a log that has grown adds what has grown,
/// and lines that are truly alike inside one import are all kept. What this import itself has added must not count as
/// held before: the ledger remembers it, for the last half to one million attempts. Two attempts of one identity that
/// stand further apart than that in the inputs count as one.
///
/// An attempt is held if one of its identity is (`ImportKey`), whatever the inputs were that it came from. What was
/// read first stays: a later import that knows more (a method, why an attempt was cut off) changes no stored attempt.
/// An attempt made from a request line is also held if any attempt of its request is: the line is then of a log whose
/// attempt lines were imported before. (Envoy's own request ids tell; an id that clients made may come with many
/// requests, and tells only the same line again.)
///
/// Only at the times at which the target held something before the import is it asked, and anything remembered: an
/// import into an empty store costs neither.
struct ImportLedger {
    private struct Entry {
        var added: Int32 = 0
        var matched: Int32 = 0
    }

    /// Starts in one batch with less than this between them are asked for in one range, so that a stray time does not
    /// make the store read all that lies between.
    private static let gapUs: Int64 = 600_000_000

    private let generationMax: Int
    /// When the target held something before the import.
    private let occupied: TimeSpans
    private var recent: [UInt64: Entry] = [:]
    private var older: [UInt64: Entry] = [:]

    /// - Parameter keysPerAttempt: Envoy's attempts are remembered by two.
    init(occupied: TimeSpans = .always, keysPerAttempt: Int = 2, attempts: Int = 1 << 19) {
        self.occupied = occupied
        generationMax = attempts * keysPerAttempt
    }

    /// The attempts of a batch that the target does not hold yet; they are taken as added by the caller.
    mutating func fresh(of batch: [Reading], in target: any ImportTarget) throws -> [Attempt] {
        let spans = batch.map { reading in
            let attempt = reading.attempt
            // The attempts of a request line's request start while it lasts.
            return attempt.startUs...(reading.origin == .requestLine ? attempt.endUs : attempt.startUs)
        }
        if !occupied.meets(spans) { return batch.map(\.attempt) }
        let stored = try stored(around: spans, in: target)
        var fresh: [Attempt] = []
        var added: [UInt64] = []
        for (reading, span) in zip(batch, spans) {
            if occupied.meets([span]) {
                let keys = reading.attempt.importKeys
                if isHeld(keys[0], request: keys[1], reading.origin, stored) { continue }
                added += keys
            }
            fresh.append(reading.attempt)
        }
        remember(added)
        return fresh
    }

    /// The numbers of the rows that the target does not hold yet, `nil` for all of them; they are taken as added by
    /// the caller. All are of attempt lines. Before the target is asked, `settle` must bring what it was given into it.
    mutating func fresh(
        of rows: Rows, names: Names, in target: any ImportTarget, settle: () throws -> Void
    ) throws -> [Int32]? {
        let starts = rows[.startUs]
        guard let first = starts.min(), let last = starts.max(), occupied.meets([first...last]) else { return nil }
        let asked = (0..<rows.count).filter { occupied.meets([starts[$0]...starts[$0]]) }
        if asked.isEmpty { return nil }
        try settle()
        let keys = asked.map { ImportKey.identity(row: $0, in: rows, names: names) }
        let stored = try stored(around: asked.map { starts[$0]...starts[$0] }, in: target, among: keys)
        var fresh: [Int32] = []
        var added: [UInt64] = []
        var next = 0
        for row in 0..<rows.count {
            if next < asked.count, asked[next] == row {
                next += 1
                let key = keys[next - 1]
                if isHeld(key, request: 0, .attemptLine, stored) { continue }
                added.append(key)
            }
            fresh.append(Int32(row))
        }
        remember(added)
        return fresh
    }

    private mutating func remember(_ added: [UInt64]) {
        for key in added {
            var entry = entry(key)
            entry.added += 1
            recent[key] = entry
        }
        if recent.count >= generationMax {
            older = recent
            recent = [:]
        }
    }

    private func entry(_ key: UInt64) -> Entry { recent[key] ?? older[key] ?? Entry() }

    /// Whether the target held the attempt before this import; then it counts as met once more.
    private mutating func isHeld(
        _ identity: UInt64, request: UInt64, _ origin: Reading.Origin, _ stored: [UInt64: Int]
    ) -> Bool {
        let held = stored[identity] ?? 0
        if held > 0 {
            var entry = entry(identity)
            if held > Int(entry.added) + Int(entry.matched) {
                entry.matched += 1
                recent[identity] = entry
                return true
            }
            return false
        }
        guard origin == .requestLine, let others = stored[request] else { return false }
        return others > Int(entry(request).added)
    }

    /// What the target holds at some times.
    ///
    /// - Parameter keys: identities that alone are of interest, if it can tell them apart; `nil`: all keys.
    private func stored(
        around times: [ClosedRange<Int64>], in target: any ImportTarget, among keys: [UInt64]? = nil
    ) throws -> [UInt64: Int] {
        var stored: [UInt64: Int] = [:]
        let wanted = keys.map { Set($0) }
        let store = wanted == nil ? nil : try target.columnStore()
        for span in TimeSpans(times, gapUs: Self.gapUs).spans {
            for part in occupied.parts(of: span) {
                let fromUs = part.lowerBound
                let toUs = part.upperBound == .max ? .max : part.upperBound + 1
                let found: [UInt64: Int]
                if let store, let wanted {
                    found = try store.importKeyCounts(of: wanted, fromUs: fromUs, toUs: toUs)
                } else {
                    found = try target.fingerprints(fromUs: fromUs, toUs: toUs)
                }
                if stored.isEmpty { stored = found } else { stored.merge(found) { $0 + $1 } }
            }
        }
        return stored
    }
}
