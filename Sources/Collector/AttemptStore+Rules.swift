public import Retry

/// A rule set that was put in force: what, when, by whom and why.
public struct RuleSetRecord: Equatable, Sendable {
    /// Its version, never given twice.
    public var version: Int
    /// When it was kept, UNIX microseconds.
    public var atUs: Int64
    /// Who put it in force.
    public var who: String
    /// Why.
    public var why: String
    /// The rule file as it was.
    public var yaml: String

    /// The rules, read again from the file's text.
    public func ruleSet() throws(FileError) -> RuleSet {
        try RuleSet(yaml: yaml, file: "rule set \(version)")
    }
}

extension AttemptStore {
    /// Keeps a version of the rules for good.
    ///
    /// - Parameters:
    ///   - ruleSet: the rules; their version must be new to the store.
    ///   - yaml: the rule file's text, which is what is kept.
    ///   - who: who put them in force.
    ///   - why: why.
    ///   - atUs: when, UNIX microseconds.
    /// - Throws: `StoreError` `conflict` when the version was kept before: it is never overwritten.
    public func recordRuleSet(
        _ ruleSet: RuleSet, yaml: String, who: String, why: String, atUs: Int64
    ) throws(StoreError) {
        try write { (writer) throws(StoreError) in
            let find = try writer.connection.prepare(
                "SELECT at_us, who, (SELECT max(version) FROM rule_set) FROM rule_set WHERE version = ?")
            find.bind(Int64(ruleSet.version), at: 1)
            if try find.step() {
                let when = Timestamp.format(find.integer(0))
                throw StoreError(
                    .conflict, path: path,
                    "rule set \(ruleSet.version) was kept already (\(when), \(find.text(1))) and is never overwritten; "
                        + "the next free version is \(find.integer(2) + 1)")
            }
            let insert = try writer.connection.prepare(
                "INSERT INTO rule_set (version, at_us, who, why, yaml) VALUES (?, ?, ?, ?, ?)")
            insert.bind(Int64(ruleSet.version), at: 1)
            insert.bind(atUs, at: 2)
            insert.bind(who, at: 3)
            insert.bind(why, at: 4)
            insert.bind(yaml, at: 5)
            try insert.run()
            writer.ledger.add(
                Ledger.digest(integers: [Int64(ruleSet.version), atUs], texts: [who, why, yaml]), to: .ruleSet)
        }
    }

    /// Every version that was kept, oldest first.
    public func ruleHistory() throws(StoreError) -> [RuleSetRecord] {
        try read { (reader) throws(StoreError) in try reader.ruleSets() }
    }

    /// One version, if it was kept.
    public func ruleSet(version: Int) throws(StoreError) -> RuleSetRecord? {
        try ruleHistory().first { $0.version == version }
    }

    /// The version after the newest that was kept; 1 when there is none.
    public func nextRuleVersion() throws(StoreError) -> Int {
        let newest = try ruleHistory().last?.version ?? 0
        guard newest < Int.max else {
            throw StoreError(.conflict, path: path, "there is no rule version after \(newest)")
        }
        return newest + 1
    }
}
