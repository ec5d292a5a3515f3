extension AttemptStore {
    /// How many of the attempts that started in a range have each of the given identities (`ImportKey`); those of none
    /// are left out, so that memory does not grow with the range.
    ///
    /// The range's rows must all be readable: with a damaged segment nobody can say what is there already.
    func importKeyCounts(
        of keys: Set<UInt64>, fromUs: Int64, toUs: Int64
    ) throws(StoreError) -> [UInt64: Int] {
        var found: [UInt64: Int] = [:]
        let damage = try walk(RowFilter(fromUs: fromUs, toUs: toUs), columns: ImportKey.columns) { chunk, names in
            for row in chunk.runs.lazy.flatMap(\.rows) {
                let key = ImportKey.identity(row: row, in: chunk.rows, names: names)
                if keys.contains(key) { found[key, default: 0] += 1 }
            }
        }
        if let first = damage.first { throw StoreError(.damaged, path: path, "\(first)") }
        return found
    }
}
