import Retry

/// Attempts in memory.
struct ListedAttempts: AttemptSource {
    var columns: [AttemptColumns]
    var missing = 0

    func routes(fromUs: Int64?, toUs: Int64?) throws -> [RouteSummary] {
        columns.map {
            RouteSummary(
                route: $0.route, attempts: $0.count, firstStartUs: $0.startUs.first ?? 0,
                lastStartUs: $0.startUs.last ?? 0)
        }
    }

    func attempts(route: String, fromUs: Int64?, toUs: Int64?) throws -> AttemptColumns {
        let all = columns.first { $0.route == route } ?? AttemptColumns(route: route)
        let kept = (0..<all.count).filter { all.startUs[$0] >= fromUs ?? .min && all.startUs[$0] < toUs ?? .max }
        return AttemptColumns(route: route, attempts: kept.map { all[$0] })
    }

    func missingAttempts(fromUs: Int64?, toUs: Int64?) throws -> Int { missing }
}
