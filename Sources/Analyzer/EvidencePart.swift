import Retry

/// A part of the evidence, by which rules are judged.
struct EvidencePart {
    /// Units, ascending.
    let units: [Int]
    /// Their requests as they come in the mean on the days to come, and in the log.
    private let foreseenRequests: Double
    /// See `foreseenRequests`.
    private let requests: Double

    init(_ units: [Int], foreseen: [Double], requests: [Double]) {
        self.units = units
        foreseenRequests = Self.sum(foreseen, units)
        self.requests = Self.sum(requests, units)
    }

    /// Mean cost of a request in microseconds, on the days to come.
    func costUs(_ played: PlayedRule) -> Double {
        foreseenRequests > 0 ? Self.sum(played.foreseenUs, units) / foreseenRequests : 0
    }

    /// Attempts beyond the first by request.
    func extra(_ played: PlayedRule) -> Double {
        requests > 0 ? Self.sum(played.totals.extra, units) / requests : 0
    }

    private static func sum(_ values: [Double], _ units: [Int]) -> Double {
        values.withUnsafeBufferPointer { values in
            var sum = 0.0
            for unit in units { sum += values[unit] }
            return sum
        }
    }
}

/// All evidence, and units dealt alternately to two halves in the order of what they cost, so that both hold long and
/// short outages.
struct EvidenceHalves {
    let all: EvidencePart
    let first: EvidencePart
    let second: EvidencePart

    init(_ facts: RouteFacts, foreseen: [Double]) {
        let ordered = (0..<facts.units).sorted { first, second in
            let (one, other) = (facts.recorded.costUs[first], facts.recorded.costUs[second])
            return one != other ? one > other : first < second
        }
        var halves: ([Int], [Int]) = ([], [])
        for (place, unit) in ordered.enumerated() {
            // 0, 1, 1, 0, 0, 1, 1, 0 ...: no half always gets the larger of a pair.
            if (place % 4 == 0) || (place % 4 == 3) { halves.0.append(unit) } else { halves.1.append(unit) }
        }
        func part(_ units: [Int]) -> EvidencePart {
            EvidencePart(units.sorted(), foreseen: foreseen, requests: facts.requests)
        }
        (all, first, second) = (part(Array(0..<facts.units)), part(halves.0), part(halves.1))
    }
}
