import ArgumentParser
import Collector
import Logging
import Proxy
import Retry
import ServiceLifecycle
import UnixSignals

/// The sidecar.
struct ProxyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "proxy",
        abstract: "Run the sidecar: enforce the rules, log every attempt.",
        usage: "meantime proxy --config <file> [--log-level <level>]",
        discussion: """
            Requests go to the hosts of the first route that matches, under that route's \
            rule. The rule file is watched: a new one is in force within a second, for the \
            requests that begin then; one that does not validate is refused and the old \
            rules stay. SIGTERM and SIGINT drain.

            EXAMPLES
              meantime proxy --config meantime.yaml
              meantime proxy --config meantime.yaml --log-level debug
              curl http://127.0.0.1:9090/metrics      (also /healthz /readyz /rules)
            """
    )

    @Option(
        help: ArgumentHelp("The configuration; paths in it are relative to it.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String

    @Option(help: ArgumentHelp("What is logged to stderr.", valueName: "level"))
    var logLevel: LogLevel = .info

    func run() async throws {
        let configuration = try ConfigurationFile.load(config, isNeeded: true)
        let text = try TextFile.read(config, hint: "")
        try ListenCheck(file: config, text: text).check(configuration)
        // A file that does not validate must stop a start: nobody would notice that the proxy runs without its rules.
        let rules = try RulesFile.load(configuration.rules).rules
        let isNewStore = !StoreFile.exists(configuration.store)
        let store = try StoreFile.openWriting(configuration.store)
        let recorder = AttemptRecorder(store: store)
        do {
            try await serve(configuration, rules, recorder)
            store.close()
        } catch {
            store.close()
            if isNewStore && recorder.counters.offered == 0 { StoreFile.remove(configuration.store) }
            throw error
        }
    }

    private func serve(_ configuration: Configuration, _ rules: RuleSet?, _ recorder: AttemptRecorder) async throws {
        var logger = Logger(label: "meantime", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = logLevel.level
        let server: ProxyServer
        do {
            server = try ProxyServer(
                configuration: configuration, rules: rules, rulesFile: configuration.rules, sink: recorder,
                logger: logger, recorderProblem: { recorder.counters.lastError },
                extraMetrics: { RecorderService.metrics(recorder) })
        } catch {
            throw Failure(config, error.message)
        }
        // Services stop in reverse order: when the recorder is told to, the last request has been answered.
        let group = ServiceGroup(
            services: [RecorderService(recorder: recorder, logger: logger), server],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        try await group.run()
    }
}

/// The words for `--log-level`.
enum LogLevel: String, ExpressibleByArgument, CaseIterable {
    case debug
    case info
    case warning
    case error

    var level: Logger.Level {
        switch self {
        case .debug: .debug
        case .info: .info
        case .warning: .warning
        case .error: .error
        }
    }
}
