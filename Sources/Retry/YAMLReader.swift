import Yams

/// A node of a YAML file that remembers where it stands, so that every refusal names file, line and key.
struct YAMLReader {
    let file: String
    let path: String
    let node: Node
    /// The line of the key that this value belongs to; a value may begin lines below its key.
    var keyLine: Int?

    /// The root of a document, which must be a mapping.
    static func root(of text: String, file: String) throws(FileError) -> YAMLReader {
        if let refusal = YAMLGuard.refusal(of: text) {
            throw FileError(file: file, line: refusal.line, reason: refusal.reason)
        }
        let node: Node?
        do {
            node = try Yams.compose(yaml: text.hasPrefix("\u{FEFF}") ? String(text.dropFirst()) : text)
        } catch let error as YamlError {
            throw describe(error, file: file)
        } catch {
            throw FileError(file: file, reason: "not YAML: \(error)")
        }
        guard let node, node.mapping != nil else {
            throw FileError(
                file: file, line: 1, reason: "the file must be a YAML mapping (key: value), found \(kind(node))")
        }
        return YAMLReader(file: file, path: "", node: node)
    }

    /// Whether the value is absent: nothing, `~` or `null`, unquoted.
    var isNull: Bool {
        guard let scalar = node.scalar, scalar.style == .plain || scalar.style == .any else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    /// What is wrong with the value.
    func error(_ reason: String) -> FileError {
        FileError(file: file, line: node.mark?.line, reason: path.isEmpty ? reason : "\(path): \(reason)")
    }

    /// What is wrong with the key.
    private func keyError(_ reason: String) -> FileError {
        FileError(file: file, line: keyLine ?? node.mark?.line, reason: "\(path): \(reason)")
    }

    /// The entries of a mapping; unknown and doubled keys are refused by name.
    func mapping(keys known: [String]) throws(FileError) -> [String: YAMLReader] {
        var found: [String: YAMLReader] = [:]
        for (key, value) in try entries() {
            guard known.contains(key) else {
                throw value.keyError("unknown key; known here: \(known.joined(separator: ", "))")
            }
            found[key] = value
        }
        return found
    }

    /// The entries of a mapping with free keys, in the order of the file.
    func entries() throws(FileError) -> [(key: String, value: YAMLReader)] {
        guard let mapping = node.mapping else {
            throw error("must be a mapping (key: value), found \(Self.kind(node))")
        }
        var found: [(key: String, value: YAMLReader)] = []
        var seen: Set<String> = []
        for (keyNode, value) in mapping {
            guard let key = keyNode.string else { throw error("keys must be words") }
            let reader = YAMLReader(
                file: file, path: path.isEmpty ? key : "\(path).\(key)", node: value, keyLine: keyNode.mark?.line)
            if !seen.insert(key).inserted { throw reader.keyError("this key stands twice") }
            found.append((key, reader))
        }
        return found
    }

    func items() throws(FileError) -> [YAMLReader] {
        guard let sequence = node.sequence else { throw error("must be a list [a, b], found \(Self.kind(node))") }
        return sequence.enumerated().map { YAMLReader(file: file, path: "\(path)[\($0.offset)]", node: $0.element) }
    }

    func text() throws(FileError) -> String {
        guard let scalar = node.scalar, !isNull else { throw error("must be a word, found \(Self.kind(node))") }
        return scalar.string
    }

    func integer(_ range: ClosedRange<Int>) throws(FileError) -> Int {
        let text = try text()
        guard let value = Int(text), range.contains(value), text.first != "+" else {
            throw error("must be a whole number from \(range.lowerBound) to \(range.upperBound), found '\(text)'")
        }
        return value
    }

    func number(_ range: ClosedRange<Double>) throws(FileError) -> Double {
        let text = try text()
        guard let value = Double(text), range.contains(value) else {
            throw error(
                "must be a number from \(plain(range.lowerBound)) to \(plain(range.upperBound)), found '\(text)'")
        }
        return value
    }

    func boolean() throws(FileError) -> Bool {
        switch try text() {
        case "true": return true
        case "false": return false
        case let other: throw error("must be true or false, found '\(other)'")
        }
    }

    /// Microseconds within bounds.
    func durationUs(_ range: ClosedRange<Int64>) throws(FileError) -> Int64 {
        let text = try text()
        if text.hasPrefix("-") { throw error("a duration cannot be negative, found '\(text)'") }
        guard let us = DurationText.parse(text) else {
            throw error("not a duration: '\(text)'; write a number with us, ms, s, m or h, such as 250ms or 1.5s")
        }
        guard range.contains(us) else {
            let bounds = "\(DurationText.format(range.lowerBound)) to \(DurationText.format(range.upperBound))"
            throw error("must be from \(bounds), found \(text)")
        }
        return us
    }

    func timestampUs() throws(FileError) -> Int64 {
        let text = try text()
        guard let us = Timestamp.parse(text) else {
            throw error("not a time: '\(text)'; write it like 2026-11-22T02:00:00Z")
        }
        return us
    }

    /// One of the words of an enumeration.
    func choice<Value: CaseIterable & RawRepresentable>(
        _ type: Value.Type
    ) throws(FileError) -> Value where Value.RawValue == String {
        let text = try text()
        guard let value = Value(rawValue: text) else {
            let known = Value.allCases.map { "\($0.rawValue)" }.joined(separator: " or ")
            throw error("must be \(known), found '\(text)'")
        }
        return value
    }

    private func plain(_ value: Double) -> String { value == value.rounded() ? "\(Int(value))" : "\(value)" }

    private static func describe(_ error: YamlError, file: String) -> FileError {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            let hint =
                problem.contains("cannot start any token")
                ? "; indent with spaces, not with tabs, and put a word that begins with @, % or ` in quotes" : ""
            return FileError(file: file, line: mark.line, reason: "not YAML: \(problem)\(hint)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            let keys = duplicates.map { "'\($0)'" }.joined(separator: ", ")
            return FileError(
                file: file, line: context.mark.line, reason: "\(keys) stands here and again in the same mapping")
        case .reader(let problem, let offset, _, let text):
            let line = offset.map { text.prefix($0).count { $0.isNewline } + 1 }
            return FileError(file: file, line: line, reason: "not YAML: \(problem)")
        default:
            return FileError(file: file, reason: "not YAML: \(oneLine("\(error)"))")
        }
    }

    private static func oneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }

    private static func kind(_ node: Node?) -> String {
        switch node {
        case .none: "nothing"
        case .some(.mapping): "a mapping"
        case .some(.sequence): "a list"
        case .some(.scalar(let scalar)): scalar.string.isEmpty ? "nothing" : "'\(scalar.string)'"
        case .some(.alias): "an alias"
        }
    }
}
