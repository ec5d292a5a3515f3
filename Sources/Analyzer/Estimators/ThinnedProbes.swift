extension ProbeSequence {
    /// Probes that follow each other and count as often as `weight` says, the gaps before them with them.
    struct Block: Equatable {
        var begin: Int
        var weight: Double
    }

    /// A success with a failure among so many probes before or after it is no quiet one: each success between divides
    /// what the failure says by some thirty, by at least two.
    static let quietFrom = 8
    /// At least so many quiet probes are kept, in pieces of `quietPiece`.
    static let leastQuiet = 2_048
    /// See `leastQuiet`.
    static let quietPiece = 32

    /// A gap of more than so many mean ones is no quiet one.
    static let longGap: Int64 = 8

    /// The same log with most of its quiet stretches left out, for EM's steps. Those kept count for those left out, so
    /// that probes and time add up as before. Of a log with few quiet probes: itself. methods: host state
    func thinned() -> ProbeSequence {
        let isQuiet = quiet()
        let quiet = isQuiet.count { $0 }
        let every = quiet / Self.leastQuiet
        guard every > 1 else { return self }
        let isKept = isQuiet.indices.kept(isQuiet, every)
        var (kept, keptUs, allUs) = (0, Int64(0), Int64(0))
        for index in isQuiet.indices where isQuiet[index] {
            let gapUs = startUs[index] - startUs[index - 1]
            allUs += gapUs
            if isKept[index] { (kept, keptUs) = (kept + 1, keptUs + gapUs) }
        }
        guard kept > 0, keptUs > 0 else { return self }
        let weight = Double(quiet) / Double(kept)
        // Kept gaps are a little longer or shorter than all of them, by chance.
        let stretch = Double(allUs) / (weight * Double(keptUs))
        var thinned = ProbeSequence()
        var atUs = startUs.first ?? 0
        for index in isQuiet.indices where isKept[index] {
            let gapUs = index > 0 ? startUs[index] - startUs[index - 1] : 0
            atUs += isQuiet[index] ? Int64((Double(gapUs) * stretch).rounded()) : gapUs
            let counted = isQuiet[index] ? weight : 1
            if thinned.blocks.last?.weight != counted {
                thinned.blocks.append(Block(begin: thinned.count, weight: counted))
            }
            thinned.startUs.append(atUs)
            thinned.symbol.append(symbol[index])
        }
        return thinned
    }

    /// Which probes are successes far from any failure and from the ends of the log, and not long after the one before:
    /// what a night without traffic says is little, and must not count for the days.
    private func quiet() -> [Bool] {
        var isQuiet = farFromFailures()
        guard let first = startUs.first, let last = startUs.last else { return isQuiet }
        let longUs = Self.longGap * ((last - first) / Int64(count) + 1)
        for index in isQuiet.indices.dropFirst() where startUs[index] - startUs[index - 1] > longUs {
            isQuiet[index] = false
        }
        return isQuiet
    }

    private func farFromFailures() -> [Bool] {
        var isQuiet = [Bool](repeating: false, count: count)
        var free = Self.quietFrom
        while free + Self.quietFrom < count {
            // The last failure within reach, if any, rules out all up to there.
            let reach = free - Self.quietFrom...free + Self.quietFrom
            guard let failure = reach.last(where: { symbol[$0] != 0 }) else {
                isQuiet[free] = true
                free += 1
                while free + Self.quietFrom < count && symbol[free + Self.quietFrom] == 0 {
                    isQuiet[free] = true
                    free += 1
                }
                continue
            }
            free = failure + Self.quietFrom + 1
        }
        return isQuiet
    }
}

extension Range<Int> {
    /// All that are not quiet, and of the quiet ones every n-th piece.
    fileprivate func kept(_ isQuiet: [Bool], _ every: Int) -> [Bool] {
        var seen = 0
        return map { index in
            if !isQuiet[index] { return true }
            // Across all quiet stretches: where failures come at even distances, pieces of each would be all alike.
            let piece = seen / ProbeSequence.quietPiece
            seen += 1
            return piece % every == every / 2
        }
    }
}
