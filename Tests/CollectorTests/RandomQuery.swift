import Retry
import TestSupport

/// Queries over `attempts` put together by chance; their conditions hit what is there.
struct RandomQuery {
    private let attempts: [Attempt]

    init(_ attempts: [Attempt]) { self.attempts = attempts }

    mutating func next(_ random: inout SeededGenerator) -> String {
        let condition = Int.random(in: 0..<6, using: &random) == 0 ? "" : " WHERE \(self.condition(2, &random))"
        let columns = ["route", "outcome", "host", "method", "status", "attempt", "start_us / 50000"]
        func pick() -> [String] {
            Array(columns.shuffled(using: &random).prefix(Int.random(in: 1...3, using: &random)))
        }
        switch Int.random(in: 0..<5, using: &random) {
        case 0:
            let keys = pick()
            let order = Bool.random(using: &random) ? " ORDER BY \(ordered(keys, &random))" : ""
            return "SELECT \(keys.joined(separator: ", ")), count(*), max(start_us) FROM attempts\(condition) "
                + "GROUP BY \(keys.joined(separator: ", "))\(order)"
        case 1:
            let keys = pick()
            return "SELECT DISTINCT \(keys.joined(separator: ", ")) FROM attempts\(condition) "
                + "ORDER BY \(ordered(keys, &random)) LIMIT 20"
        case 2:
            let direction = Bool.random(using: &random) ? " DESC" : ""
            return "SELECT start_us FROM attempts\(condition) ORDER BY start_us\(direction) "
                + "LIMIT \(Int.random(in: 1...50, using: &random)) OFFSET \(Int.random(in: 0...9, using: &random))"
        case 3:
            return "SELECT a.start_us, b.outcome FROM attempts a JOIN attempts b "
                + "ON b.request = a.request AND b.route = a.route WHERE a.rowid <> b.rowid AND a.start_us IN "
                + "(SELECT start_us FROM attempts\(condition))"
        default:
            return "SELECT start_us, route, host, outcome, request FROM attempts\(condition)"
        }
    }

    private func ordered(_ keys: [String], _ random: inout SeededGenerator) -> String {
        let descends = Bool.random(using: &random) ? " DESC" : ""
        return keys.map { $0 + descends }.joined(separator: ", ")
    }

    private func condition(_ depth: Int, _ random: inout SeededGenerator) -> String {
        guard depth > 0, Int.random(in: 0..<4, using: &random) > 0 else { return leaf(&random) }
        let (left, right) = (condition(depth - 1, &random), condition(depth - 1, &random))
        switch Int.random(in: 0..<7, using: &random) {
        case 0: return "NOT (\(left))"
        case 1...3: return "(\(left) AND \(right))"
        default: return "(\(left) OR \(right))"
        }
    }

    private func leaf(_ random: inout SeededGenerator) -> String {
        func one() -> Attempt { attempts[Int.random(in: 0..<attempts.count, using: &random)] }
        func text(_ value: String) -> String { "'\(value.replacing("'", with: "''"))'" }
        func comparison() -> String { ["<", "<=", "=", ">", ">=", "<>"][Int.random(in: 0..<6, using: &random)] }
        switch Int.random(in: 0..<10, using: &random) {
        case 0: return "route = \(text(one().route))"
        case 1: return "route IN (\(text(one().route)), \(text(one().route)))"
        case 2, 3: return "start_us \(comparison()) \(one().startUs)"
        case 4: return "outcome \(comparison()) \(text(one().outcome.name))"
        case 5: return "outcome IN (\(text(one().outcome.name)), \(text(one().outcome.name)), NULL)"
        case 6: return "host IN (\(text(one().host)), \(text(one().host)))"
        case 7: return "request = \(Int64(bitPattern: one().request))"
        case 8: return "attempt = \(one().attempt) AND status = \(one().status)"
        default: return "start_us BETWEEN \(one().startUs) AND \(one().startUs) + 200000"
        }
    }
}
