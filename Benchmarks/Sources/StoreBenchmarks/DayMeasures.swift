import Collector
import MeshDay
import Retry

/// What is measured on a mesh-day as it is made.
enum DayMeasures {
    /// What the day tells, in bits an attempt and column, and how many of its attempts fail.
    static func entropy(attempts: Int, seed: UInt64) throws {
        var day = MeshDay(attempts: attempts, seed: seed)
        let (failed, took) = Stopwatch.time {
            var failed = 0
            while let row = day.next() { failed += row.outcome.isFailure ? 1 : 0 }
            return failed
        }
        let columns = day.entropy.byColumn.map { "\"\($0.column)\": \($0.bits / Double(attempts))" }
        Answer.print(
            [took],
            [
                "\"failed\": \(Double(failed) / Double(attempts)), "
                    + "\"bits\": \(day.entropy.total / Double(attempts)), "
                    + "\"columns\": {\(columns.joined(separator: ", "))}"
            ])
    }

    /// Attempts from memory into a new store, on this thread: sealed when the call returns. Making them is not timed.
    static func append(attempts: Int, seed: UInt64, store path: String) throws {
        var day = MeshDay(attempts: attempts, seed: seed)
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        var sum = Took()
        while true {
            let batch = day.attempts(MeshDay.batchCount)
            let (_, took) = try Stopwatch.time {
                if batch.isEmpty { try store.seal() } else { try store.append(batch) }
            }
            sum.wall += took.wall
            sum.cpu += took.cpu
            if batch.isEmpty { break }
        }
        store.close()
        Answer.print([sum], ["\"attempts\": \(attempts)"])
    }
}
