import Collector
import Retry

/// A checksum of all that a store holds, in arithmetic that SQL has too (`peers.py digest` does the same): the lines
/// `route host method count sum`, where a row adds the square, modulo a prime, of the weighted sum of its numbers.
enum ContentDigest {
    private static let prime: Int64 = 2_147_483_647

    static func run(store path: String) throws {
        let store = try AttemptStore.open(path: path, mode: .readOnly)
        var names: [String: Int] = [:]
        var sums: [(count: Int, sum: Int64)] = []
        var attempts = 0
        let report = try store.scan { rows in
            // A chunk's few pairs of names are looked up once.
            let methods = rows.methodNames.count
            var places = [Int](repeating: -1, count: rows.hostNames.count * methods)
            for index in 0..<rows.count {
                let pair = Int(rows.host[index]) * methods + Int(rows.method[index])
                if places[pair] < 0 {
                    let host = rows.hostNames[Int(rows.host[index])]
                    let name = "\(rows.route) \(host) \(rows.methodNames[Int(rows.method[index])])"
                    places[pair] = names[name] ?? sums.count
                    if places[pair] == sums.count {
                        names[name] = sums.count
                        sums.append((0, 0))
                    }
                }
                sums[places[pair]].count += 1
                sums[places[pair]].sum += number(rows, index)
            }
            attempts += rows.count
        }
        store.close()
        guard report.damage.isEmpty else { throw StoreDamaged(reasons: "\(report.damage)") }
        var checksum = Checksum()
        for (name, place) in names { checksum.add("\(name) \(sums[place].count) \(sums[place].sum)") }
        Answer.print([], ["\(checksum.json), \"attempts\": \(attempts)"])
    }

    private static func number(_ rows: AttemptColumns, _ index: Int) -> Int64 {
        var sum = rows.startUs[index] % prime * 3 + rows.startUs[index] / prime * 5
        sum += rows.durationUs[index] % prime * 7 + Int64(rows.request[index] % UInt64(prime)) * 11
        sum += Int64(rows.attempt[index]) * 13 + rows.waitUs[index] % prime * 17
        sum += Int64(rows.outcome[index].rawValue) * 19 + Int64(rows.status[index]) * 23
        sum += (rows.isGRPC[index] ? 29 : 0) + rows.timeoutUs[index] % prime * 31
        sum += rows.retryAfterUs[index] % prime * 37 + (rows.hedge[index] ? 41 : 0)
        sum += Int64(rows.ruleVersion[index]) * 43
        let rest = sum % prime
        return rest * rest % prime
    }
}

/// What could not be read of a store that is to be measured.
struct StoreDamaged: Error {
    let reasons: String
}
