import Foundation
import Testing

@Suite struct HouseRulesTests {
    @Test(arguments: HouseRule.all)
    func `the house rules hold in every Swift file`(rule: HouseRule) throws {
        let files = try ProjectTree.sources.get() + ProjectTree.tests.get()
        try #require(files.count > 40, "the tree was not found at \(ProjectTree.top)")
        Self.report(files.flatMap(rule.findings).map(\.description))
    }

    @Test func `no page, script or unit knows the machine that it was written on`() throws {
        let files = try ProjectTree.otherTexts()
        try #require(files.contains { $0.path == "Makefile" })
        Self.report(files.flatMap(HouseRule.places.findings).map(\.description))
    }

    @Test func `each source file has a test file of its name, or a reason`() throws {
        let sources = try ProjectTree.sources.get().map(\.path)
        Self.report(Self.untested(sources, tests: try ProjectTree.tests.get(), elsewhere: TestedElsewhere.files))
    }

    /// One issue for all that a rule found, one line each.
    private static func report(_ findings: [String]) {
        if !findings.isEmpty { Issue.record("\(findings.count) found:\n\(findings.joined(separator: "\n"))") }
    }

    static func untested(
        _ sources: [String], tests: [ProjectFile], elsewhere: [String: TestedElsewhere.Where]
    ) -> [String] {
        let texts = Dictionary(tests.map { ($0.name, $0.text) }) { $0 + $1 }
        var problems: [String] = []
        for path in sources {
            let name = (path.split(separator: "/").last.map(String.init) ?? path).dropLast(".swift".count)
            let wanted = name.filter { $0 != "+" } + "Tests.swift"
            switch (texts[wanted], elsewhere[path]) {
            case (.some, .some): problems.append("\(path) has \(wanted) and needs no reason any more")
            case (.some, nil): break
            case (nil, nil): problems.append("\(path) has no \(wanted); write it, or say where it is tested")
            case (nil, .in(let file)):
                let type = name.prefix { $0 != "+" }
                if !(texts[file]?.contains(type) ?? false) {
                    problems.append("\(path) is said to be tested in \(file), which does not name \(type)")
                }
            case (nil, .through(let file)):
                if texts[file] == nil {
                    problems.append("\(path) is said to be tested through \(file), which does not exist")
                }
            case (nil, .needsNone): break
            }
        }
        for path in elsewhere.keys.sorted() where !sources.contains(path) {
            problems.append("\(path) has a reason but does not exist")
        }
        return problems
    }

    @Test func `each file in notebooks-data has its line and its right sum`() throws {
        let paths = try ProjectTree.paths(below: "notebooks-data")
        let pages = try paths.filter { $0.hasSuffix("/README.md") }.map(ProjectTree.file)
        let data = paths.filter { !$0.hasSuffix("/README.md") }
        try #require(!pages.isEmpty && !data.isEmpty)
        let sums = try Checksum.sha256(of: data.map { ProjectTree.top + "/" + $0 })
        Self.report(Self.unlisted(Array(zip(data, sums)), pages: pages))
    }

    /// A line of a README beside or above the file must hold its name and its sum.
    static func unlisted(_ files: [(path: String, sum: String)], pages: [ProjectFile]) -> [String] {
        files.compactMap { path, sum in
            let near = pages.filter { path.hasPrefix($0.path.dropLast("README.md".count)) }
            let name = path.split(separator: "/").last.map(String.init) ?? path
            let lines = near.flatMap(\.lines).filter { $0.contains(name) }
            if lines.isEmpty { return "\(path) is in no README" }
            return lines.contains { $0.contains(sum) } ? nil : "\(path) has the sum \(sum), its README says otherwise"
        }
    }
}
