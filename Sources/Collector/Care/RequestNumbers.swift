import Retry

/// Keeps the requests of different stores apart: a number that an earlier store uses already is replaced.
enum RequestNumbers {
    /// Replaces, in every part but the first, the request numbers that a part before it has.
    ///
    /// Takes 8 bytes an attempt beside the columns, and more only for the numbers that clash. The same numbers give the
    /// same replacements on every run.
    static func keepApart(_ parts: inout [AttemptColumns]) {
        guard var taken = parts.first.map({ distinct($0.request) }) else { return }
        for part in parts.indices.dropFirst() {
            let own = distinct(parts[part].request)
            let clashes = own.filter { contains(taken, $0) }
            if !clashes.isEmpty {
                let replaced = replacements(of: clashes, part: part, taken: taken, own: own)
                for row in parts[part].request.indices {
                    if let fresh = replaced[parts[part].request[row]] { parts[part].request[row] = fresh }
                }
            }
            if part < parts.count - 1 { taken = distinct(taken + distinct(parts[part].request)) }
        }
    }

    private static func replacements(
        of clashes: [UInt64], part: Int, taken: [UInt64], own: [UInt64]
    ) -> [UInt64: UInt64] {
        var replaced: [UInt64: UInt64] = [:]
        var fresh: Set<UInt64> = []
        for number in clashes {
            var round: UInt64 = 0
            var candidate: UInt64
            repeat {
                candidate = XXH64.hash(words: [number, UInt64(part), round])
                round += 1
            } while contains(taken, candidate) || contains(own, candidate) || !fresh.insert(candidate).inserted
            replaced[number] = candidate
        }
        return replaced
    }

    /// Sorted, each once.
    private static func distinct(_ numbers: [UInt64]) -> [UInt64] {
        let sorted = numbers.sorted()
        var found: [UInt64] = []
        for number in sorted where found.last != number { found.append(number) }
        return found
    }

    private static func contains(_ sorted: [UInt64], _ number: UInt64) -> Bool {
        var (low, high) = (0, sorted.count)
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < number { low = middle + 1 } else { high = middle }
        }
        return low < sorted.count && sorted[low] == number
    }
}
