import Analyzer
import ArgumentParser
import Collector
import Retry

/// The nightly job: from the attempts on record to the rules they justify.
struct TuneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tune",
        abstract: "Choose each route's rule from its recorded failures, and write rules.yaml.",
        usage: "meantime tune [--dry-run] [--since <when>] [--route <name>] [options]",
        discussion: """
            Needs no configuration: without one, every route in the store is tuned under the \
            default objective, and the result says what was assumed. A rule changes only when \
            the 95 % interval of the change excludes zero, or when all hosts are slow at once and the \
            rule in force sends slow requests again. The rule file is replaced in one step; a running \
            proxy takes it without a restart.

            EXAMPLES
              meantime tune --dry-run                     what would change, and why
              meantime tune --config meantime.yaml        the nightly job
              meantime tune --since 7d --route checkout
              meantime tune --store a.db --store b.db     a.db keeps the history
              meantime tune --dry-run --format json
            """
    )

    @Flag(help: "Say what would change; write nothing.")
    var dryRun = false

    @Option(help: ArgumentHelp("How to write the result.", valueName: "format"))
    var format: DocumentFormat = .table

    @Flag(help: "Say on stderr where the time went.")
    var timings = false

    @OptionGroup var range: RangeOptions
    @OptionGroup var source: SourceOptions
    @OptionGroup var rulesOption: RulesOption
    @OptionGroup var record: RecordOptions

    func run() throws {
        let configuration = try source.configuration()
        let paths = source.storePaths(configuration)
        let present = try RulesFile.load(rulesOption.path(configuration))
        // The first store keeps the history of the rules; the others are only read.
        let store = try dryRun ? StoreFile.openReading(paths[0]) : StoreFile.openWriting(paths[0], mustExist: true)
        defer { store.close() }
        let sources = try StoreFile.openReading(Array(paths.dropFirst()), after: store)
        let nowUs = WallClock.nowUs
        let result = try tune(sources, configuration, present.rules, nowUs: nowUs)
        if let times = result.times { Exit.complain(TuneTimings.text(times)) }
        StoreFile.tellDamage(of: sources)
        if result.routes.isEmpty {
            throw try StoreFile.nothingFound(in: sources, route: range.route, fromUs: range.fromUs(nowUs: nowUs))
        }
        let unseen = unseenRoutes(configuration, result)
        if !unseen.isEmpty { Exit.complain("tune: no attempts seen: \(unseen.joined(separator: ", "))") }
        let ending = try conclude(result, present, store, unseen: unseen, nowUs: nowUs)
        try format.print {
            TuneText.text(result, ending, style: $0)
        } json: {
            TuneJSON.document(result, ending)
        }
    }

    private func tune(
        _ source: AttemptStores, _ configuration: Configuration?, _ present: RuleSet?, nowUs: Int64
    ) throws -> TuneResult {
        let progress = Progress("tune", unit: .steps)
        defer { progress.finish() }
        var tuner = Tuner(configuration: configuration, present: present)
        if timings { tuner.clock = { WallClock.threadNanoseconds } }
        return try tuner.run(
            source, fromUs: range.fromUs(nowUs: nowUs), routes: range.route.map { [$0] }, nowUs: nowUs
        ) { route, place, count in
            progress.update(done: Int64(place), total: Int64(count), note: route)
        }
    }

    /// Routes of the configuration without an attempt: a misspelt name, or a client that does not come.
    private func unseenRoutes(_ configuration: Configuration?, _ result: TuneResult) -> [String] {
        let seen = Set(result.routes.map(\.route))
        return (configuration?.routes ?? []).map(\.name)
            .filter { !seen.contains($0) && (range.route == nil || range.route == $0) }
    }

    /// Writes what is to be written and says what became of it.
    private func conclude(
        _ result: TuneResult, _ present: RulesFile, _ store: AttemptStore, unseen: [String], nowUs: Int64
    ) throws -> TuneEnding {
        let before = present.rules?.version
        let last = try store.nextRuleVersion() - 1
        var ending = TuneEnding(
            rulesPath: present.path, isChanged: result.isChanged, isWritten: false, version: before, before: before,
            lastOnRecord: last > 0 ? last : nil, unseenRoutes: unseen)
        // Without a file the evidence is worth one, also when every rule stays.
        if dryRun || !result.isChanged && before != nil { return ending }
        let changed = result.routes.filter(\.isChanged).map(\.route)
        let what = changed.isEmpty ? "no rule changed" : "changed \(changed.joined(separator: ", "))"
        let rules = try RuleBook(file: present, store: store, who: record.name)
            .put(result.ruleSet.routes, why: record.why ?? "tune: \(what)", nowUs: nowUs)
        ending.isWritten = true
        ending.version = rules.version
        return ending
    }
}
