import Dispatch
import Glibc
import Synchronization

/// Shares numbered tasks out among threads.
enum Crew {
    /// How many threads the machine runs at once.
    static var cores: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// Does every task of 0 ..< `tasks` once and returns when all are done. They are begun in their order; on one
    /// thread, the caller's, each also ends before the next begins.
    static func run(_ tasks: Int, threads: Int, _ task: @Sendable (Int) -> Void) {
        guard threads > 1, tasks > 1 else {
            for number in 0..<tasks { task(number) }
            return
        }
        let next = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: min(threads, tasks)) { _ in
            while true {
                let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
                if number >= tasks { return }
                task(number)
            }
        }
    }
}
