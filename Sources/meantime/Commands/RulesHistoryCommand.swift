import ArgumentParser
import Collector
import Retry

/// Every version of the rules that was put in force.
struct RulesHistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "List every version with who put it in force, when and why.",
        usage: "meantime rules history [--store <file>] [--format table|json|csv]",
        discussion: """
            EXAMPLES
              meantime rules history
              meantime rules history --store meantime.db --format json
            """
    )

    @Option(help: ArgumentHelp("How to write it.", valueName: "format"))
    var format: ResultFormat = .table

    @OptionGroup var source: SourceOptions

    func run() throws {
        let store = try StoreFile.openReading(source.storePath(source.configuration()))
        defer { store.close() }
        let records = try store.ruleHistory().sorted { $0.version > $1.version }
        switch format {
        case .table:
            if records.isEmpty { return try Output.print("no version is on record\n") }
            var table = TextTable([
                TextTable.Column(title: "version", isNumber: true), TextTable.Column(title: "when", isNumber: false),
                TextTable.Column(title: "who", isNumber: false), TextTable.Column(title: "why", isNumber: false),
            ])
            table.rows = records.map { ["\($0.version)", secondsText($0.atUs), $0.who, $0.why] }
            try Output.print(table.text(style: Style(for: Terminal.output)))
        case .csv:
            let rows = records.map { ["\($0.version)", "\($0.atUs)", $0.who, $0.why] }
            try Output.print(([["version", "at_us", "who", "why"]] + rows).map(CSV.line).joined())
        case .json:
            let rows = records.map { record in
                JSON.object([
                    ("version", .int(Int64(record.version))), ("at_us", .int(record.atUs)),
                    ("who", .string(record.who)), ("why", .string(record.why)),
                ])
            }
            try Output.print(JSON.array(rows).prettyText() + "\n")
        }
    }

    private func secondsText(_ us: Int64) -> String { Timestamp.format(us - us % 1_000_000) }
}
