import Retry

/// Routes that call routes, read off request numbers that several routes share. methods: chains
///
/// A number alone proves nothing: proxies may count their requests from one. It is the same request only if the second
/// route's attempts began while one of the first route's was under way, again and again.
struct RouteChains {
    /// One route's part of a request.
    struct Part: Sendable {
        var request: UInt64
        var startUs: Int64
        var endUs: Int64
        var attempts: Int32
    }

    /// Routes in the order in which they were called.
    struct Chain: Equatable {
        var routes: [String]
        /// Requests that went this way.
        var requests: Int
        /// Attempts on the first route, and on the last.
        var firstAttempts: Int
        var lastAttempts: Int

        /// Attempts on the last route for each request of the first.
        var amplification: Double { Double(lastAttempts) / Double(requests) }
    }

    /// Fewer requests than this, or a smaller share of them nested in time, and a chain is not believed.
    static let leastRequests = 20
    static let leastNested = 0.9

    /// The parts of the requests that are looked at: of many attempts, a sample by request number, the same on all
    /// routes.
    static func parts(of attempts: AttemptColumns, oneIn: UInt64) -> [Part] {
        var place: [UInt64: Int] = [:]
        var parts: [Part] = []
        for row in 0..<attempts.count {
            let number = attempts.request[row]
            if oneIn > 1 && (number &* 0x9E37_79B9_7F4A_7C15) >> 32 % oneIn != 0 { continue }
            let endUs = attempts.startUs[row] &+ attempts.durationUs[row]
            if let known = place[number] {
                parts[known].endUs = max(parts[known].endUs, endUs)
                parts[known].attempts += 1
            } else {
                place[number] = parts.count
                parts.append(Part(request: number, startUs: attempts.startUs[row], endUs: endUs, attempts: 1))
            }
        }
        return parts
    }

    /// The chains that are believed, the busiest first.
    static func chains(_ routes: [(route: String, parts: [Part])]) -> [Chain] {
        var seen: [UInt64: [(route: Int, part: Part)]] = [:]
        var shared: Set<UInt64> = []
        for (index, one) in routes.enumerated() {
            for part in one.parts {
                if seen[part.request] != nil { shared.insert(part.request) }
                seen[part.request, default: []].append((index, part))
            }
        }
        var found: [[Int]: (chain: Chain, nested: Int)] = [:]
        for number in shared {
            guard let hops = seen[number]?.sorted(by: { ($0.part.startUs, $0.route) < ($1.part.startUs, $1.route) }),
                let first = hops.first, let last = hops.last
            else { continue }
            let isNested = zip(hops, hops.dropFirst()).allSatisfy {
                $1.part.startUs >= $0.part.startUs && $1.part.startUs <= $0.part.endUs
            }
            let key = hops.map(\.route)
            var one =
                found[key]
                ?? (
                    Chain(routes: key.map { routes[$0].route }, requests: 0, firstAttempts: 0, lastAttempts: 0), 0
                )
            one.chain.requests += 1
            one.chain.firstAttempts += Int(first.part.attempts)
            one.chain.lastAttempts += Int(last.part.attempts)
            one.nested += isNested ? 1 : 0
            found[key] = one
        }
        return found.values.filter {
            $0.chain.requests >= leastRequests && Double($0.nested) >= leastNested * Double($0.chain.requests)
        }.map(\.chain).sorted { ($1.requests, $0.routes.joined()) < ($0.requests, $1.routes.joined()) }
    }
}
