import ArgumentParser
import Collector

/// Whether a store is what was written into it.
struct StoreCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Read everything in the store and name what is damaged; reads only.",
        usage: "meantime store check [--store <file>] [--format table|json]",
        discussion: """
            Reads all of it: SQLite's pages, the names, each segment with each of its values, the \
            fresh attempts, the notes of missing ones, the history and the rules. A proxy may go on writing.

            Exits with 1 when anything is damaged. What is damaged is left out of every report, \
            and counted there as missing; 'meantime store prune --discard-damaged' removes damaged \
            segments once all of their attempts are old enough to go. A segment whose zone map is damaged \
            does not tell its time, and stays.

            EXAMPLES
              meantime store check
              meantime store check --format json | jq .findings
            """
    )

    @Option(help: ArgumentHelp("How to write it.", valueName: "format"))
    var format: DocumentFormat = .table

    @OptionGroup var source: SourceOptions

    func run() throws {
        let path = try source.storePath(source.configuration())
        let store = try StoreFile.openReading(path)
        defer { store.close() }
        let progress = Progress("check", unit: .bytes)
        defer { progress.finish() }
        let check = try store.checkEverything { progress.update(done: $0, total: $1) }
        progress.finish()
        try format.print {
            StoreText.text(check, path: path, style: $0)
        } json: {
            StoreText.json(check, path: path)
        }
        if !check.isSound { throw ExitCode(Exit.failed) }
    }
}
