import Analyzer
import Collector
import Retry

/// What the stores hold of one route from some time on.
struct RouteLog {
    let source: AttemptStores
    let scope: SummaryScope
    private let route: String

    init(_ route: String, _ paths: [String], fromUs: Int64?) throws(StoreError) {
        self.route = route
        source = try StoreFile.openReading(paths)
        scope = SummaryScope(route: route, fromUs: fromUs)
    }

    /// What `body` makes of the attempts; damage that was met is told.
    func read<Value>(_ body: (AttemptColumns) throws -> Value?) throws -> Value? {
        defer { StoreFile.tellDamage(of: source) }
        return try body(source.attempts(route: route, fromUs: scope.fromUs, toUs: nil))
    }

    /// Why there is nothing to make anything of.
    func nothingFound() throws -> Failure {
        try StoreFile.nothingFound(in: source, route: route, fromUs: scope.fromUs)
    }

    func close() { source.close() }
}
