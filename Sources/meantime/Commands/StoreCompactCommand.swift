import ArgumentParser
import Collector

/// Many small segments into few full ones.
struct StoreCompactCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compact",
        abstract: "Merge small segments into full ones and give free pages back.",
        usage: "meantime store compact [--store <file>] [--format table|json]",
        discussion: """
            Small segments come from proxies that restart often and from small imports; a proxy \
            merges its own now and then. No attempt is changed or lost: what is merged is read back and \
            compared before the old segments go. Proxies may go on writing. Damaged \
            segments are left as they are, and named.

            EXAMPLES
              meantime store compact
              meantime store compact --config meantime.yaml --format json
            """
    )

    @Option(help: ArgumentHelp("How to write what was done.", valueName: "format"))
    var format: DocumentFormat = .table

    @OptionGroup var source: SourceOptions

    func run() throws {
        let path = try source.storePath(source.configuration())
        let store = try StoreFile.openWriting(path, mustExist: true)
        defer { store.close() }
        let progress = Progress("compact", unit: .steps)
        defer { progress.finish() }
        let report = try store.compact { progress.update(done: Int64($0), total: Int64($1)) }
        progress.finish()
        try format.print { _ in
            StoreText.text(report, path: path)
        } json: {
            StoreText.json(report, path: path)
        }
        for damage in report.damage { Exit.complain("\(path): \(damage); left as it is") }
        if !report.damage.isEmpty { throw ExitCode(Exit.failed) }
    }
}
