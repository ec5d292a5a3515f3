import CAllocations

/// What one piece of work took: the best of several rounds, and what it came to.
struct Measurement {
    let name: String
    let nanosecondsPerOperation: Double
    let allocationsPerOperation: Double
    /// A hash of the answers: the same in every round and on every machine.
    let answer: UInt64

    /// Runs `work` (which does `operations` operations and hashes its answers) once to warm up, then several times.
    init(_ name: String, operations: Int, rounds: Int = 7, work: () -> UInt64) {
        let answer = work()
        var best = Duration.seconds(3600)
        var fewest = UInt64.max
        for _ in 0..<rounds {
            let before = allocation_count()
            let took = ContinuousClock().measure {
                precondition(work() == answer, "\(name): the answer changed between rounds")
            }
            fewest = min(fewest, allocation_count() - before)
            best = min(best, took)
        }
        self.name = name
        self.answer = answer
        nanosecondsPerOperation =
            Double(best.components.attoseconds) / 1e9 / Double(operations)
            + Double(best.components.seconds) * 1e9 / Double(operations)
        allocationsPerOperation = Double(fewest) / Double(operations)
    }
}

/// FNV-1a over whole words.
struct AnswerHash {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ word: Int64) {
        value = (value ^ UInt64(bitPattern: word)) &* 0x100_0000_01B3
    }
}
