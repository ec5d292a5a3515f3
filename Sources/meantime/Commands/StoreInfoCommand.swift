import ArgumentParser
import Collector

/// What a store holds and where its bytes go.
struct StoreInfoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info",
        abstract: "Say what the store holds and where its bytes go; reads only.",
        usage: "meantime store info [--store <file>] [--format table|json]",
        discussion: """
            Exits with 1 when what it read is damaged; 'meantime store check' reads more.

            EXAMPLES
              meantime store info
              meantime store info --store meantime.db --format json
            """
    )

    @Option(help: ArgumentHelp("How to write it.", valueName: "format"))
    var format: DocumentFormat = .table

    @OptionGroup var source: SourceOptions

    func run() throws {
        let path = try source.storePath(source.configuration())
        let store = try StoreFile.openReading(path)
        defer { store.close() }
        let progress = Progress("info", unit: .steps)
        defer { progress.finish() }
        let info = try store.info { progress.update(done: Int64($0), total: Int64($1)) }
        progress.finish()
        try format.print {
            StoreText.text(info, path: path, style: $0)
        } json: {
            StoreText.json(info, path: path)
        }
        for damage in info.damage { Exit.complain("\(path): \(damage)") }
        if !info.damage.isEmpty { throw ExitCode(Exit.failed) }
    }
}
