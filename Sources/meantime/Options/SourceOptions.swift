import ArgumentParser
import Retry

/// Where things are: named one by one, or all at once by a configuration.
struct SourceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The configuration; paths in it are relative to it.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    @Option(
        help: ArgumentHelp(
            "The store of attempts (default: the configuration's, else meantime.db).", valueName: "file"),
        completion: .file())
    var store: [String] = []

    /// The configuration, if one was named.
    func configuration() throws(FileError) -> Configuration? {
        guard let config else { return nil }
        return try ConfigurationFile.load(config)
    }

    /// The paths of the stores, in the order in which they were named.
    func storePaths(_ configuration: Configuration?) -> [String] {
        store.isEmpty ? [configuration?.store ?? Configuration().store] : store
    }

    /// The path of the one store.
    ///
    /// - Throws: where several were named, for a command that would have to pick one.
    func storePath(_ configuration: Configuration?) throws(ValidationError) -> String {
        let paths = storePaths(configuration)
        guard paths.count == 1 else {
            throw ValidationError(
                "--store names \(paths.count) stores and this command takes one; run it for each of them "
                    + "('tune' and 'report' read several at once)")
        }
        return paths[0]
    }
}

/// The rule file's place.
struct RulesOption: ParsableArguments {
    @Option(
        help: ArgumentHelp("The rule file (default: the configuration's, else rules.yaml).", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var rules: String?

    /// The rule file's path.
    func path(_ configuration: Configuration?) -> String { rules ?? configuration?.rules ?? Configuration().rules }
}

/// From when on.
struct SinceOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Only attempts since then: a span such as 24h or 7d, or a time such as 2026-11-22T02:00:00Z.",
            valueName: "when"),
        transform: { try Since.parse($0) })
    var since: Since?

    /// The UNIX microsecond to begin at, if any.
    func fromUs(nowUs: Int64) -> Int64? { since?.fromUs(nowUs: nowUs) }
}

/// From when on, and which route.
struct RangeOptions: ParsableArguments {
    @OptionGroup var since: SinceOption

    @Option(help: ArgumentHelp("Only this route.", valueName: "name"))
    var route: String?

    /// The UNIX microsecond to begin at, if any.
    func fromUs(nowUs: Int64) -> Int64? { since.fromUs(nowUs: nowUs) }
}

/// How a result is written.
enum ResultFormat: String, ExpressibleByArgument, CaseIterable {
    case table
    case json
    case csv
}

/// As `ResultFormat`, where a table of numbers would not make sense as CSV.
enum DocumentFormat: String, ExpressibleByArgument, CaseIterable {
    case table
    case json

    /// Writes a result as it was asked for.
    func print(text: (Style) -> String, json: () -> JSON) throws {
        switch self {
        case .table: try Output.print(text(Style(for: Terminal.output)))
        case .json: try Output.print(json().prettyText() + "\n")
        }
    }
}
