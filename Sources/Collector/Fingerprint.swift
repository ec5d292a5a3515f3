public import Retry

extension Attempt {
    /// A digest of every field, the same in every run and on every machine: equal attempts have equal fingerprints.
    ///
    /// 64 bits (xxHash): among 100 million different attempts two share one with a chance of about 1 in 3,700.
    public var fingerprint: UInt64 {
        Fingerprint.of(
            self, route: XXH64.hash(route), host: XXH64.hash(host), method: XXH64.hash(method))
    }
}

/// Fingerprints from integers and from digests of names that were made once.
enum Fingerprint {
    static func of(_ attempt: Attempt, route: UInt64, host: UInt64, method: UInt64) -> UInt64 {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: Column.allCases.count) { words in
            words[Column.startUs.index] = UInt64(bitPattern: attempt.startUs)
            words[Column.durationUs.index] = UInt64(bitPattern: attempt.durationUs)
            words[Column.route.index] = route
            words[Column.host.index] = host
            words[Column.request.index] = attempt.request
            words[Column.attempt.index] = UInt64(bitPattern: Int64(attempt.attempt))
            words[Column.waitUs.index] = UInt64(bitPattern: attempt.waitUs)
            words[Column.outcome.index] = UInt64(attempt.outcome.rawValue)
            words[Column.status.index] = UInt64(bitPattern: Int64(attempt.status))
            words[Column.isGRPC.index] = attempt.isGRPC ? 1 : 0
            words[Column.timeoutUs.index] = UInt64(bitPattern: attempt.timeoutUs)
            words[Column.retryAfterUs.index] = UInt64(bitPattern: attempt.retryAfterUs)
            words[Column.method.index] = method
            words[Column.hedge.index] = attempt.hedge ? 1 : 0
            words[Column.ruleVersion.index] = UInt64(bitPattern: Int64(attempt.ruleVersion))
            return XXH64.hash(UnsafeRawBufferPointer(words))
        }
    }

    /// The fingerprint of a stored row. Every code must be one of `names`.
    static func of(row: Int, in rows: Rows, names: Names) -> UInt64 {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: Column.allCases.count) { words in
            for index in words.indices { words[index] = UInt64(bitPattern: rows.columns[index][row]) }
            words[Column.route.index] = names[.route].hashes[Int(rows[.route][row])]
            words[Column.host.index] = names[.host].hashes[Int(rows[.host][row])]
            words[Column.method.index] = names[.method].hashes[Int(rows[.method][row])]
            return XXH64.hash(UnsafeRawBufferPointer(words))
        }
    }
}
