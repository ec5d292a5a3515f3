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
struct ImportLedger {
    private struct Entry {
        var added: Int32 = 0
        var matched: Int32 = 0
    }

    /// Starts in one batch with less than this between them are asked for in one range, so that a stray time does not
    /// make the store read all that lies between.
    private static let gapUs: Int64 = 600_000_000

    private let generationMax: Int
    private var recent: [UInt64: Entry] = [:]
    private var older: [UInt64: Entry] = [:]

    init(generationMax: Int = 1 << 20) { self.generationMax = generationMax }

    /// The attempts of a batch that the target does not hold yet; they are taken as added by the caller.
    mutating func fresh(of batch: [Reading], in target: any ImportTarget) throws -> [Attempt] {
        let stored = try Self.stored(around: batch, in: target)
        var fresh: [Attempt] = []
        var added: [UInt64] = []
        for reading in batch {
            let keys = reading.attempt.importKeys
            if isHeld(keys, reading.origin, stored) { continue }
            fresh.append(reading.attempt)
            added += keys
        }
        for key in added {
            var entry = entry(key)
            entry.added += 1
            recent[key] = entry
        }
        if recent.count >= generationMax {
            older = recent
            recent = [:]
        }
        return fresh
    }

    private func entry(_ key: UInt64) -> Entry { recent[key] ?? older[key] ?? Entry() }

    /// Whether the target held the attempt before this import; then it counts as met once more.
    private mutating func isHeld(_ keys: [UInt64], _ origin: Reading.Origin, _ stored: [UInt64: Int]) -> Bool {
        let held = stored[keys[0]] ?? 0
        if held > 0 {
            var entry = entry(keys[0])
            if held > Int(entry.added) + Int(entry.matched) {
                entry.matched += 1
                recent[keys[0]] = entry
                return true
            }
            return false
        }
        guard origin == .requestLine, let others = stored[keys[1]] else { return false }
        return others > Int(entry(keys[1]).added)
    }

    /// What the target holds at the times of a batch. The attempts of a request line's request start while it lasts.
    private static func stored(
        around batch: [Reading], in target: any ImportTarget
    ) throws -> [UInt64: Int] {
        let spans = batch.map { reading in
            let attempt = reading.attempt
            return (from: attempt.startUs, to: reading.origin == .requestLine ? attempt.endUs : attempt.startUs)
        }.sorted { $0.from < $1.from }
        guard var (fromUs, lastUs) = spans.first else { return [:] }
        var stored: [UInt64: Int] = [:]
        for span in spans {
            if span.from - gapUs > lastUs {
                stored.merge(try target.fingerprints(fromUs: fromUs, toUs: lastUs + 1)) { $0 + $1 }
                fromUs = span.from
            }
            lastUs = max(lastUs, span.to)
        }
        stored.merge(try target.fingerprints(fromUs: fromUs, toUs: lastUs + 1)) { $0 + $1 }
        return stored
    }
}
