import Foundation
import Testing

/// Each rule on texts that it must and must not complain of.
@Suite struct HouseRuleTests {
    private static func reasons(_ rule: HouseRule, _ text: String, at path: String = "Sources/Retry/A.swift")
        -> [String]
    {
        rule.findings(ProjectFile(path: path, text: text)).map { "\($0.line): \($0.reason)" }
    }

    @Test func `imports against the arrows are found`() {
        let imports = HouseRule.imports
        #expect(
            Self.reasons(imports, "import Yams\nimport Glibc") == [
                "1: only YAMLReader.swift may import Yams", "2: Retry does not import Glibc",
            ])
        #expect(Self.reasons(imports, "import Yams", at: "Sources/Retry/YAMLReader.swift") == [])
        #expect(
            Self.reasons(imports, "public import NIOCore", at: "Sources/Analyzer/A.swift") == [
                "1: Analyzer does not import NIOCore"
            ])
        #expect(
            Self.reasons(imports, "@preconcurrency import NIOCore", at: "Sources/Collector/A.swift") == [
                "1: Collector does not import NIOCore"
            ])
        #expect(
            Self.reasons(imports, "import COpenBLAS", at: "Sources/Proxy/LinearAlgebra.swift") == [
                "1: Proxy does not import COpenBLAS"
            ])
        #expect(
            Self.reasons(imports, "import COpenBLAS", at: "Sources/Analyzer/B.swift") == [
                "1: only LinearAlgebra.swift may import COpenBLAS"
            ])
        #expect(Self.reasons(imports, "import struct Analyzer.Tuner", at: "Sources/Proxy/A.swift") != [])
        #expect(
            Self.reasons(imports, "import Foundation", at: "Sources/meantime/A.swift") == [
                "1: meantime does not import Foundation"
            ])
        #expect(Self.reasons(imports, "// import Glibc\nlet a = \"\"\"\nimport Glibc\n\"\"\"") == [])
        #expect(Self.reasons(imports, "import Foundation", at: "Tests/RetryTests/A.swift") == [])
    }

    @Test func `clocks are found, names that only sound like them are not`() {
        let clocks = HouseRule.clocks
        #expect(
            Self.reasons(clocks, "let a = Date()\nlet b = ContinuousClock.now") == [
                "1: 'Date('", "2: '.now'", "2: 'ContinuousClock'",
            ])
        #expect(Self.reasons(clocks, "try await Task.sleep(for: .seconds(1))") == ["1: 'Task.sleep'"])
        #expect(Self.reasons(clocks, "var t: TimeInterval") == ["1: 'TimeInterval'"])
        #expect(Self.reasons(clocks, "let nowUs = x.nowUs // Date()\nlet s = \"Date()\"; let u = UpDate()") == [])
        #expect(Self.reasons(clocks, "Date()", at: "Sources/Proxy/A.swift") == [])
        #expect(Self.reasons(clocks, "Date()", at: "Sources/Collector/AttemptRecorder.swift") == [])
        #expect(Self.reasons(clocks, "Date()", at: "Sources/Collector/Other.swift") == ["1: 'Date('"])
    }

    @Test func `chance without a generator is found, also in tests`() {
        let chance = HouseRule.chance
        #expect(
            Self.reasons(chance, "let a = Int.random(in: 0...3)", at: "Tests/A/B.swift") == [
                "1: '.random(' without 'using:'"
            ])
        #expect(Self.reasons(chance, "let a = Int.random(\n    in: 0...f(3),\n    using: &g)") == [])
        #expect(
            Self.reasons(chance, "x.randomElement()!; x.shuffled()") == ["1: '.randomElement()'", "1: '.shuffled()'"])
        #expect(Self.reasons(chance, "x.randomElement(using: &g)") == [])
        let system = "var g = SystemRandomNumberGenerator()"
        #expect(Self.reasons(chance, system) == ["1: 'SystemRandomNumberGenerator'"])
        #expect(Self.reasons(chance, system, at: "Sources/Proxy/A.swift") == [])
    }

    @Test func `words that are banned are found where they count`() {
        let words = HouseRule.bannedWords
        // Written in two parts, so that this file does not break the rule that it tests.
        let later = "TO" + "DO"
        #expect(
            Self.reasons(words, "let a = try! f()\nfatalError()\nextension A: @unchecked Sendable {}") == [
                "1: 'try!'", "2: 'fatalError'", "3: '@unchecked Sendable'",
            ])
        #expect(Self.reasons(words, "// \(later): more\nlet a = 1") == ["1: '\(later)'"])
        #expect(Self.reasons(words, "// never try! or fatalError\nlet a = \"fatalError\"") == [])
        #expect(Self.reasons(words, "fatalError()", at: "Tests/A/B.swift") == [])
    }

    @Test func `preconditions without a message are found`() {
        let rule = HouseRule.preconditions
        #expect(Self.reasons(rule, "precondition(a > 0)") == ["1: 'precondition(' without a message"])
        #expect(
            Self.reasons(rule, "precondition(f(a, b) && [1, 2].contains(a))") == [
                "1: 'precondition(' without a message"
            ])
        #expect(Self.reasons(rule, "precondition(\n    a > 0,\n    \"a must be positive (is \\(a))\")") == [])
        #expect(Self.reasons(rule, "preconditionFailure()") == ["1: 'preconditionFailure(' without a message"])
        #expect(Self.reasons(rule, "preconditionFailure(\"no\")") == [])
        #expect(Self.reasons(rule, "assert(a)") == ["1: 'assert(' without a message"])
        #expect(Self.reasons(rule, "myassert(a)") == [])
    }

    @Test func `long functions, files and lines are found`() {
        func function(_ count: Int) -> String {
            "struct A {\n    func f(\n        _ a: Int\n    ) {\n"
                + String(repeating: "    let x = 1\n", count: count - 4) + "    }\n}\n"
        }
        #expect(Self.reasons(HouseRule.functionLength, function(70)) == [])
        #expect(Self.reasons(HouseRule.functionLength, function(71)) == ["2: 71 lines"])
        #expect(Self.reasons(HouseRule.functionLength, function(71), at: "Tests/A/B.swift") == ["2: 71 lines"])
        let requirement = "protocol P {\n    func f()\n    init(a: Int)\n}\n" + function(71)
        #expect(Self.reasons(HouseRule.functionLength, requirement) == ["6: 71 lines"])
        let called = "struct A {\n    let a = A.init(\n        1)\n    init() { self.init(2) }\n}\n"
        #expect(FunctionFinder(SwiftText(called)).functions == [.init(firstLine: 4, lastLine: 4)])
        let lines = String(repeating: "let a = 1\n", count: 400)
        #expect(Self.reasons(HouseRule.fileLength, lines) == [])
        #expect(Self.reasons(HouseRule.fileLength, lines + "// one more") == ["401: 401 lines"])
        let wide = String(repeating: "é", count: 117)
        #expect(Self.reasons(HouseRule.lineLength, "// \(wide)") == [])
        #expect(Self.reasons(HouseRule.lineLength, "\n/// \(wide)") == ["2: 121 characters"])
        #expect(Self.reasons(HouseRule.lineLength, "let a = \"\(wide)\"") == [])
        #expect(Self.reasons(HouseRule.lineLength, "let a = \"\"\"\n    \(wide)\(wide)\n    \"\"\"") == [])
        #expect(Self.reasons(HouseRule.lineLength, "let a = \"x\" + \(wide)") != [])
    }

    @Test func `what is public and not explained is found`() {
        let rule = HouseRule.documentation
        #expect(Self.reasons(rule, "public struct A {}") == ["1: public without ///"])
        #expect(
            Self.reasons(rule, "/// An A.\npublic struct A {\n    public let b: Int\n}") == ["3: public without ///"])
        #expect(Self.reasons(rule, "/// An A.\n@frozen\npublic struct A {}") == [])
        #expect(Self.reasons(rule, "// An A.\n@discardableResult public func f() {}") == ["2: public without ///"])
        #expect(Self.reasons(rule, "    public(set) var a = 1") == ["1: public without ///"])
        #expect(Self.reasons(rule, "public import Retry\nlet public_ = 1\n// public struct A") == [])
        #expect(Self.reasons(rule, "static public let a = 1") == ["1: public without ///"])
    }

    @Test func `paths of a machine are found`() {
        let place = "/" + "work" + "/main"
        #expect(Self.reasons(HouseRule.places, "// see \(place)") == ["1: '/" + "work/'"])
        #expect(Self.reasons(HouseRule.places, "let a = \"/var/lib/meantime\" // artwork/, tmp/x") == [])
    }

    @Test func `code is told from comments, literals and names in quotes`() {
        #expect(SwiftText("a \"b \\(c(\"d\")) e\" // f \"g\"").code == "a \"  \\(c(\" \"))  \"         ")
        #expect(SwiftText("a /* b /* c */ d */ e").code == "a                   e")
        #expect(SwiftText("let a = #\"b \"c\" \\(d) \\#(e)\"# f").code == "let a = #\"           \\#(e)\"# f")
        #expect(SwiftText("a \"\"\"\n\"b\" c\n\"\"\" d").code == "a \"\"\"\n     \n\"\"\" d")
        #expect(SwiftText("func `it's \"fine\"`() {}").code == "func `           `() {}")
        #expect(SwiftText("a \"\\\"\" b").code == "a \"  \" b")
    }

    private static func cover(
        _ sources: [String: String], tests: [String: String], through: [String: [String]] = [:],
        needsNone: [String: String] = [:]
    ) -> [String] {
        func files(_ texts: [String: String]) -> [ProjectFile] {
            texts.sorted { $0.key < $1.key }.map { ProjectFile(path: $0.key, text: $0.value) }
        }
        return TestCover(
            sources: files(sources), tests: files(tests), through: through, needsNone: needsNone
        ).problems()
    }

    @Test func `a source file without a test is found`() {
        let missing =
            "Sources/A/One.swift has no OneTests.swift, and no test names what it declares: write one, or list it"
        #expect(Self.cover(["Sources/A/One.swift": "struct One {}"], tests: [:]) == [missing])
        #expect(
            Self.cover(["Sources/A/One.swift": "struct One {}"], tests: ["Tests/B/C.swift": "// One\nlet a = Ones()"])
                == [missing])
        #expect(Self.cover(["Sources/A/One.swift": ""], tests: ["Tests/B/OneTests.swift": ""]) == [])
        #expect(
            Self.cover(["Sources/A/One.swift": "public enum Two {}"], tests: ["Tests/B/C.swift": "A.Two.f()"]) == [])
        #expect(
            Self.cover(["Sources/A/One.swift": "private enum Two {}"], tests: ["Tests/B/C.swift": "Two.f()"])
                == [missing])
        let part = ["Sources/A/One+Two.swift": "extension One {\n    func parse() {}\n}"]
        #expect(Self.cover(part, tests: ["Tests/B/C.swift": "one.parse()"]) == [])
        #expect(Self.cover(part, tests: ["Tests/B/C.swift": "One()"]).count == 1)
        #expect(Self.cover(part, tests: ["Tests/B/OneTwoTests.swift": ""]) == [])
    }

    @Test func `a place on the list holds as long as it is needed and its test exists`() {
        let source = ["Sources/A/One.swift": "struct One {}"]
        let other = ["Tests/B/C.swift": "f()"]
        #expect(Self.cover(source, tests: other, through: ["C.swift": ["A/One.swift"]]) == [])
        #expect(Self.cover(source, tests: other, needsNone: ["A/One.swift": "empty"]) == [])
        #expect(
            Self.cover(source, tests: other, through: ["D.swift": ["A/One.swift"]])
                == ["D.swift is on the list but does not exist"])
        #expect(
            Self.cover(source, tests: ["Tests/B/C.swift": "One()"], through: ["C.swift": ["A/One.swift"]])
                == ["Sources/A/One.swift is tested by name and needs no place on the list any more"])
        #expect(
            Self.cover([:], tests: other, needsNone: ["A/One.swift": "empty"])
                == ["Sources/A/One.swift is on the list but does not exist"])
    }

    @Test func `data without a line, or with a wrong sum, is found`() {
        let pages = [
            ProjectFile(path: "notebooks-data/README.md", text: "| a.jsonl | 123 |"),
            ProjectFile(path: "notebooks-data/b/README.md", text: "| b.json | 456 |"),
        ]
        #expect(
            HouseRulesTests.unlisted(
                [
                    ("notebooks-data/a.jsonl", "123"), ("notebooks-data/b/b.json", "456"),
                    ("notebooks-data/b/a.jsonl", "9"),
                    ("notebooks-data/b.json", "456"),
                ], pages: pages) == [
                    "notebooks-data/b/a.jsonl has the sum 9, its README says otherwise",
                    "notebooks-data/b.json is in no README",
                ])
    }

    @Test func `sums are those of the standard`() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "sum-\(UUID().uuidString)").path()
        try Data("abc".utf8).write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        // FIPS 180-2, appendix B.1.
        #expect(
            try Checksum.sha256(of: [path]) == ["ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"])
        #expect(throws: Checksum.Failure.self) { try Checksum.sha256(of: [path + "-missing"]) }
    }
}
