/// Which source files no test knows of.
struct TestCover {
    let sources: [ProjectFile]
    let tests: [ProjectFile]
    let through: [String: [String]]
    let needsNone: [String: String]

    /// What is missing and what is too much, one line each.
    func problems() -> [String] {
        let testNames = Set(tests.map(\.name))
        var reasons: [String: String] = [:]
        var problems: [String] = []
        for (test, paths) in through.sorted(by: { $0.key < $1.key }) {
            if !testNames.contains(test) { problems.append("\(test) is on the list but does not exist") }
            for path in paths { reasons["Sources/" + path] = test }
        }
        for path in needsNone.keys { reasons["Sources/" + path] = "none" }
        for file in sources {
            let name = String(file.name.dropLast(".swift".count))
            let wanted = name.filter { $0 != "+" } + "Tests.swift"
            let isKnown = testNames.contains(wanted) || isNamed(file)
            if isKnown, reasons[file.path] != nil {
                problems.append("\(file.path) is tested by name and needs no place on the list any more")
            }
            if !isKnown, reasons[file.path] == nil {
                problems.append(
                    "\(file.path) has no \(wanted), and no test names what it declares: write one, or list it")
            }
        }
        let known = Set(sources.map(\.path))
        for path in reasons.keys.sorted() where !known.contains(path) {
            problems.append("\(path) is on the list but does not exist")
        }
        return problems
    }

    /// Whether a test names one of the file's own types; of an extension's file, one of its functions.
    private func isNamed(_ file: ProjectFile) -> Bool {
        let keywords: Set<Substring> =
            file.name.contains("+")
            ? ["struct", "class", "enum", "actor", "protocol", "func"]
            : ["struct", "class", "enum", "actor", "protocol"]
        var names: [String] = []
        for (_, line) in HouseRule.codeLines(of: file) {
            let words = line.split { !$0.isLetter && !$0.isNumber && $0 != "_" }
            guard !words.contains("private"), let at = words.firstIndex(where: keywords.contains) else { continue }
            if line.first == " ", words[at] != "func" { continue }
            if at + 1 < words.count { names.append(String(words[at + 1])) }
        }
        return names.contains { name in
            tests.contains { !HouseRule.lines(of: $0, with: [name], afterDot: true).isEmpty }
        }
    }
}
