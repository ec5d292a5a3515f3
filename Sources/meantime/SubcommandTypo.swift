import ArgumentParser

/// A word where a subcommand must stand, that is none: said with the nearest one.
struct SubcommandTypo: Error, CustomStringConvertible {
    var word: String
    var parents: [String]
    var known: [String]

    /// Walks down the words of the command line as long as they name subcommands; `nil` when nothing is wrong.
    init?(_ arguments: [String], root: any ParsableCommand.Type) {
        var command: any ParsableCommand.Type = root
        var parents = ["meantime"]
        for argument in arguments {
            let children = command.configuration.subcommands
            if argument == "help" { continue }
            if children.isEmpty || argument.hasPrefix("-") { return nil }
            if let next = children.first(where: { Self.name(of: $0) == argument }) {
                command = next
                parents.append(argument)
                continue
            }
            if command.configuration.defaultSubcommand != nil { return nil }
            self.word = argument
            self.parents = parents
            self.known = children.filter { $0.configuration.shouldDisplay }.map(Self.name)
            return
        }
        return nil
    }

    var description: String {
        let nearest = known.min { Self.distance($0, word) < Self.distance($1, word) }
        let guess = nearest.flatMap { Self.distance($0, word) <= 2 ? "did you mean '\($0)'?" : nil }
        let list = "known: \(known.joined(separator: ", "))"
        return "\(parents.dropFirst().map { $0 + ": " }.joined())'\(word)' is no command; \(guess ?? list)"
            + " (see '\(parents.joined(separator: " ")) --help')"
    }

    private static func name(of command: any ParsableCommand.Type) -> String {
        command.configuration.commandName ?? "\(command)"
    }

    /// Levenshtein's distance, with a swap of neighbours as one step.
    static func distance(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left), Array(right))
        var rows = [Array(0...right.count)]
        for i in 1..<(left.count + 1) {
            var row = [i]
            for j in 1..<(right.count + 1) {
                let isSame = left[i - 1] == right[j - 1]
                var best = min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + (isSame ? 0 : 1))
                if i > 1, j > 1, left[i - 1] == right[j - 2], left[i - 2] == right[j - 1] {
                    best = min(best, rows[i - 2][j - 2] + 1)
                }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[left.count][right.count]
    }
}
