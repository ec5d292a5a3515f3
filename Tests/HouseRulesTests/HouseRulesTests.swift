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

    @Test func `each source file is known to a test, or has a reason`() throws {
        let cover = TestCover(
            sources: try ProjectTree.sources.get(), tests: try ProjectTree.tests.get(),
            through: TestedElsewhere.through, needsNone: TestedElsewhere.needsNone)
        Self.report(cover.problems())
    }

    /// One issue for all that a rule found, one line each.
    private static func report(_ findings: [String]) {
        if !findings.isEmpty { Issue.record("\(findings.count) found:\n\(findings.joined(separator: "\n"))") }
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
