import Collector
import Retry

/// The rule file and the history of rules, moved together: no version is in force that is not on record.
///
/// The order is: write the new file beside the old one, record it, rename. What can be foreseen to fail fails before
/// anything has changed; a crash between record and rename leaves a version on record that never was in force, which
/// only means that its number is not used again.
struct RuleBook {
    /// The rule file as it stood when the work began.
    let file: RulesFile
    /// The store that keeps the history.
    let store: AttemptStore
    /// Who does it, for the record.
    let who: String

    /// Puts rules in force as the next version and records them.
    ///
    /// - Throws: when the file was changed since it was read, or cannot be written or recorded; it is unchanged then.
    func put(_ routes: [String: RuleSet.Entry], why: String, nowUs: Int64) throws -> RuleSet {
        let last = max(file.rules?.version ?? 0, try store.nextRuleVersion() - 1)
        let stray = try handMade(last: last, nowUs: nowUs)
        let version = max(last, stray?.rules.version ?? 0) + 1
        let rules = RuleSet(version: version, createdUs: nowUs, routes: routes)
        let text = rules.yaml()
        var written = try AtomicFile.prepare(file.path, text: text)
        guard try file.isUnchanged() else {
            throw FileError(
                file: file.path, reason: "was changed by someone else meanwhile; nothing was written: run it again")
        }
        let copy = file.damage == nil ? nil : try file.keepCopy(nowUs: nowUs)
        if let stray {
            try store.recordRuleSet(
                stray.rules, yaml: stray.text, who: stray.who, why: stray.why, atUs: stray.atUs)
        }
        try store.recordRuleSet(rules, yaml: text, who: who, why: why, atUs: nowUs)
        try written.commit()
        if let damage = file.damage, let copy {
            Exit.complain("\(damage); the damaged file was replaced and is kept as \(copy)")
        }
        return rules
    }

    private struct Stray {
        var rules: RuleSet
        var text: String
        var who: String
        var why: String
        var atUs: Int64
    }

    /// Rules that a person put into the file and that no version on record holds: they are about to be replaced, so
    /// they are recorded first and can be rolled back to.
    private func handMade(last: Int, nowUs: Int64) throws -> Stray? {
        guard var rules = file.rules, var text = file.text else { return nil }
        let (writtenUs, owner) = file.lastWritten() ?? (nowUs, who)
        var why = "found in \(file.path), written by hand"
        if let recorded = try store.ruleSet(version: rules.version) {
            if try recorded.ruleSet().changes(to: rules).isEmpty { return nil }
            why = "found in \(file.path), version \(rules.version) edited by hand"
            rules.version = last + 1
            text = rules.yaml()
        }
        return Stray(rules: rules, text: text, who: owner, why: why, atUs: writtenUs)
    }
}
