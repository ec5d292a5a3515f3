import Retry

/// Tells attempts that were in the store before this import from new ones.
///
/// The rule is of multisets: if the store held an attempt m times before the import and the inputs hold it n times,
/// then max(0, n − m) are added. So a second import adds nothing, one of a log that has grown adds what has grown,
/// and lines that are truly alike inside one import are all kept. What this import itself has added must not count as
/// held before: the ledger remembers it, for the last one to two million attempts. Two attempts that agree in every
/// column and stand further apart than that in the inputs count as one.
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
    mutating func fresh(of batch: [Attempt], in target: any ImportTarget) throws -> [Attempt] {
        let stored = try Self.stored(around: batch, in: target)
        let fingerprints = batch.map(\.fingerprint)
        var fresh: [Attempt] = []
        var added: [UInt64] = []
        for (attempt, fingerprint) in zip(batch, fingerprints) {
            let held = stored[fingerprint] ?? 0
            var entry = held == 0 ? Entry() : recent[fingerprint] ?? older[fingerprint] ?? Entry()
            if held - Int(entry.added) - Int(entry.matched) > 0 {
                entry.matched += 1
                recent[fingerprint] = entry
            } else {
                fresh.append(attempt)
                added.append(fingerprint)
            }
        }
        for fingerprint in added {
            var entry = recent[fingerprint] ?? older[fingerprint] ?? Entry()
            entry.added += 1
            recent[fingerprint] = entry
        }
        if recent.count >= generationMax {
            older = recent
            recent = [:]
        }
        return fresh
    }

    private static func stored(
        around batch: [Attempt], in target: any ImportTarget
    ) throws -> [UInt64: Int] {
        let starts = batch.map(\.startUs).sorted()
        guard var fromUs = starts.first else { return [:] }
        var stored: [UInt64: Int] = [:]
        var lastUs = fromUs
        for startUs in starts + [Int64.max] {
            if startUs - gapUs > lastUs {
                stored.merge(try target.fingerprints(fromUs: fromUs, toUs: lastUs + 1)) { $0 + $1 }
                fromUs = startUs
            }
            lastUs = startUs
        }
        return stored
    }
}
