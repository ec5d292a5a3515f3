import Retry
import Testing

@testable import Collector

@Suite struct AttemptStoreRulesTests {
    @Test func `every version is kept with who, when and why, and is never overwritten`() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("meantime.db")
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        #expect(try store.nextRuleVersion() == 1)
        #expect(try store.ruleHistory().isEmpty)
        let yaml = "version: 4\nroutes:\n  pay:\n    timeout: 2s\n"
        let rules = try RuleSet(yaml: yaml, file: "rules.yaml")
        try store.recordRuleSet(rules, yaml: yaml, who: "ada", why: "first", atUs: 1_790_000_000_000_000)
        var older = rules
        older.version = 2
        try store.recordRuleSet(older, yaml: "version: 2\nroutes: {}\n", who: "tune", why: "nightly", atUs: 5)
        #expect(
            throws: StoreError(
                .conflict, path: path,
                "rule set 4 was kept already (2026-09-21T14:13:20Z, ada) and is never overwritten; "
                    + "the next free version is 5")
        ) {
            try store.recordRuleSet(rules, yaml: "other", who: "bob", why: "again", atUs: 6)
        }
        store.close()
        let reader = try AttemptStore.open(path: path, mode: .readOnly)
        #expect(try reader.nextRuleVersion() == 5)
        #expect(try reader.ruleHistory().map(\.version) == [2, 4])
        let kept = try #require(try reader.ruleSet(version: 4))
        #expect(kept.who == "ada" && kept.why == "first" && kept.atUs == 1_790_000_000_000_000 && kept.yaml == yaml)
        #expect(try kept.ruleSet() == rules)
        #expect(try reader.ruleSet(version: 3) == nil)
    }
}
