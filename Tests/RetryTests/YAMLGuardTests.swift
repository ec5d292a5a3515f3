import Testing

@testable import Retry

@Suite struct YAMLGuardTests {
    private static func refusal(_ text: String) -> String? {
        do {
            _ = try RuleSet(yaml: text, file: "rules.yaml")
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test(arguments: ["[", "{a: ", "- ", "? ", "version: 1\nroutes: {}\nx: [", "'a' : ["])
    func `nesting without end is refused, not recursed into`(level: String) throws {
        let refusal = try #require(Self.refusal(String(repeating: level, count: 100_000)))
        #expect(refusal.contains("nested deeper than 32 levels"))
    }

    @Test func `indentation without end is refused`() throws {
        let text = (0..<2000).map { String(repeating: " ", count: $0) + "a:" }.joined(separator: "\n")
        #expect(
            Self.refusal(text) == "rules.yaml:258: nested deeper than 32 levels; six are enough for anything here")
    }

    @Test func `a billion laughs are refused at the thirty-third`() throws {
        var text = "version: 1\nroutes: {}\nl0: &l0 [ha, ha]\n"
        for level in 1...40 { text += "l\(level): &l\(level) [*l\(level - 1), *l\(level - 1)]\n" }
        #expect(Self.refusal(text) == "rules.yaml:20: more than 32 aliases (*name); write the values out")
        let asKeys =
            "version: 1\nroutes: {}\nl0: &l0 [ha, ha]\n"
            + (1...40).map { "l\($0): &l\($0) {? [*l\($0 - 1), *l\($0 - 1)] : x}\n" }.joined()
        #expect(Self.refusal(asKeys) == "rules.yaml:20: more than 32 aliases (*name); write the values out")
    }

    @Test func `what a file within the bounds can cost is bounded`() {
        // The worst key that 32 aliases can build; it must be refused for what it is, in reasonable time.
        var text = "version: 1\nroutes: {}\nl0: &l0 [ha, ha, ha]\n"
        for level in 1...10 { text += "l\(level): &l\(level) [*l\(level - 1), *l\(level - 1), *l\(level - 1)]\n" }
        text += "k: {? *l10 : x}\n"
        #expect(Self.refusal(text) == "rules.yaml:3: l0: unknown key; known here: version, created, routes")
    }

    @Test func `a file beyond all measure is refused before it is parsed`() {
        let text = "version: 1\nroutes: {}\n" + String(repeating: "#\n", count: 9 << 20)
        #expect(
            Self.refusal(text)
                == "rules.yaml:1: the file is larger than 16 MiB; no rule or configuration file should be")
    }

    @Test func `brackets, stars and dashes in quotes and comments are words`() throws {
        let many = String(repeating: "[ {* - ", count: 40)
        let text = """
            version: 1   # \(many)
            # ------------------------------------------------------------------------------------------
            routes:
              "\(many) \\" \(many)": {}
              '\(many) '' \(many)': {timeout: 1s}
            """
        let set = try RuleSet(yaml: text, file: "rules.yaml")
        #expect(set.routes.count == 2)
    }

    @Test func `a file of a thousand routes is within the bounds`() throws {
        var set = RuleSet(version: 1, createdUs: 0, routes: [:])
        for route in 0..<1000 { set.routes["route-\(route)"] = .init(rule: DefaultRules.envoy) }
        let text = set.yaml()
        #expect(YAMLGuard.refusal(of: text) == nil)
        #expect(try RuleSet(yaml: text, file: "rules.yaml") == set)
    }
}
