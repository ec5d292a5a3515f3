import Retry

extension AttemptColumns {
    /// The rows of several sets of columns of one route in order of (start, attempt); rows that tie keep the order of
    /// the parts. Hosts and methods are numbered in the order in which the result names them first. Columns that were
    /// not read, start and attempt number not among them, are empty in every part and in the result.
    init(route: String, merging parts: [AttemptColumns]) {
        self.init(route: route)
        var all = AttemptColumns(route: route)
        var (hosts, methods) = (NameUnion(), NameUnion())
        for part in parts {
            all.startUs += part.startUs
            all.durationUs += part.durationUs
            all.request += part.request
            all.attempt += part.attempt
            all.waitUs += part.waitUs
            all.outcome += part.outcome
            all.status += part.status
            all.timeoutUs += part.timeoutUs
            all.retryAfterUs += part.retryAfterUs
            all.hedge += part.hedge
            all.ruleVersion += part.ruleVersion
            all.isGRPC += part.isGRPC
            all.host += hosts.codes(part.host, names: part.hostNames)
            all.method += methods.codes(part.method, names: part.methodNames)
        }
        var order = Array(all.startUs.indices)
        order.sort { left, right in
            (all.startUs[left], all.attempt[left], left) < (all.startUs[right], all.attempt[right], right)
        }
        func arranged<Value>(_ column: [Value]) -> [Value] { column.isEmpty ? [] : order.map { column[$0] } }
        startUs = arranged(all.startUs)
        durationUs = arranged(all.durationUs)
        request = arranged(all.request)
        attempt = arranged(all.attempt)
        waitUs = arranged(all.waitUs)
        outcome = arranged(all.outcome)
        status = arranged(all.status)
        timeoutUs = arranged(all.timeoutUs)
        retryAfterUs = arranged(all.retryAfterUs)
        hedge = arranged(all.hedge)
        ruleVersion = arranged(all.ruleVersion)
        isGRPC = arranged(all.isGRPC)
        (host, hostNames) = hosts.renumbered(arranged(all.host))
        (method, methodNames) = methods.renumbered(arranged(all.method))
    }
}

/// The names of several lists as one.
private struct NameUnion {
    private var names: [String] = []
    private var index: [String: Int32] = [:]

    /// One part's codes as codes of the union.
    mutating func codes(_ codes: [Int32], names part: [String]) -> [Int32] {
        var map: [Int32] = []
        for name in part {
            if index[name] == nil {
                index[name] = Int32(names.count)
                names.append(name)
            }
            map.append(index[name] ?? 0)
        }
        return codes.map { map[Int($0)] }
    }

    /// The codes numbered by first appearance, with the names in that order.
    func renumbered(_ codes: [Int32]) -> ([Int32], [String]) {
        var map = [Int32](repeating: -1, count: names.count)
        var order: [String] = []
        let fresh = codes.map { code in
            if map[Int(code)] < 0 {
                map[Int(code)] = Int32(order.count)
                order.append(names[Int(code)])
            }
            return map[Int(code)]
        }
        return (fresh, order)
    }
}
