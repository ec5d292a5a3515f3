import ArgumentParser
import Collector
import Retry

/// What is older than people want to keep becomes history.
struct StorePruneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Remove attempts that are older than a span; their summaries stay.",
        usage: "meantime store prune --keep <span> [--dry-run] [--store <file>] [options]",
        discussion: """
            Attempts that began more than <span> ago, by this machine's clock and to the hour, are removed. \
            What is known of them by hour, route and outcome stays: how many, how many retries, and how long \
            they took, in eight steps an octave. Ask for it in SQL: views history, history_latency \
            and history_dropped. Proxies may go on writing; an interrupted prune is continued by the next.

            Damaged segments are left and named, for they cannot be summed up; --discard-damaged removes \
            those that are wholly of that age by a zone map that is sound, and the history says how many \
            attempts they were. On a mesh with few attempts an hour the summaries can take more room than \
            what went. A log that is imported again \
            after its attempts were pruned counts twice in the history.

            EXAMPLES
              meantime store prune --keep 30d --dry-run          what would go
              meantime store prune --keep 30d                    a nightly job
              meantime query "SELECT * FROM history WHERE route = 'checkout'"
              meantime query "SELECT route, below_us, sum(attempts) FROM history_latency
                WHERE outcome = 'success' GROUP BY 1, 2"
            """
    )

    @Option(
        help: ArgumentHelp(
            "How far back attempts are kept, such as 30d, 12h or 7d12h; 1h to 36500d.", valueName: "span"),
        transform: { try KeepSpan.parse($0) })
    var keep: KeepSpan

    @Flag(help: "Say what would go; change nothing.")
    var dryRun = false

    @Flag(help: "Go on where no attempt would be left.")
    var allowEmpty = false

    @Flag(help: "Remove damaged segments wholly of that age too.")
    var discardDamaged = false

    @Option(help: ArgumentHelp("How to write what was done.", valueName: "format"))
    var format: DocumentFormat = .table

    @OptionGroup var source: SourceOptions

    func run() throws {
        let path = try source.storePath(source.configuration())
        let store = try dryRun ? StoreFile.openReading(path) : StoreFile.openWriting(path, mustExist: true)
        defer { store.close() }
        let progress = Progress("prune", unit: .steps)
        defer { progress.finish() }
        let options = PruneOptions(isDryRun: dryRun, mayEmpty: allowEmpty, discardsDamaged: discardDamaged)
        let report = try store.prune(beforeUs: WallClock.nowUs - keep.us, options: options) {
            progress.update(done: Int64($0), total: Int64($1))
        }
        progress.finish()
        try format.print { _ in
            StoreText.text(report, path: path)
        } json: {
            StoreText.json(report, path: path)
        }
        for one in report.discarded {
            Exit.complain("\(path): \(one); \(dryRun ? "would be removed" : "removed, and noted in history_dropped")")
        }
        for one in report.damage { Exit.complain("\(path): \(one); kept, for it cannot be summed up") }
        if !report.damage.isEmpty { throw ExitCode(Exit.failed) }
    }
}
