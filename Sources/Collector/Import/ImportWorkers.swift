import Dispatch
import Synchronization

/// The threads of one import. Each has a scanner of its own, which never leaves it; jobs begin in the order in which
/// they were given, urgent ones before all others.
final class ImportWorkers: Sendable {
    typealias Job = @Sendable (inout AttemptScanner) -> Void

    private struct Jobs {
        var urgent: [Job] = []
        var waiting: [Job] = []
        var isOpen = true

        mutating func next() -> Job? {
            if !isOpen { return nil }
            return !urgent.isEmpty ? urgent.removeFirst() : !waiting.isEmpty ? waiting.removeFirst() : nil
        }
    }

    private let jobs = Mutex(Jobs())
    /// One signal a job, and at the end one a thread.
    private let signal = DispatchSemaphore(value: 0)
    private let running = DispatchGroup()
    private let threads: Int

    init(threads: Int) {
        self.threads = threads
        for number in 0..<threads {
            // A serial queue with a job that lasts is a thread.
            DispatchQueue(label: "meantime.import.\(number)").async(group: running) { [self] in
                var scanner = AttemptScanner(number: number)
                while true {
                    signal.wait()
                    guard let job = jobs.withLock({ $0.next() }) else { return }
                    job(&scanner)
                }
            }
        }
    }

    func run(isUrgent: Bool = false, _ job: @escaping Job) {
        jobs.withLock { jobs in
            if isUrgent { jobs.urgent.append(job) } else { jobs.waiting.append(job) }
        }
        signal.signal()
    }

    /// Gives up the jobs that have not begun and waits for the others.
    func stop() {
        jobs.withLock { jobs in
            jobs.isOpen = false
            jobs.urgent = []
            jobs.waiting = []
        }
        for _ in 0..<threads { signal.signal() }
        running.wait()
    }
}

/// A value that one thread gives to another, moved and never copied.
final class Handover<Value: Sendable>: Sendable {
    private let value: Mutex<Value?>
    private let signal = DispatchSemaphore(value: 0)

    /// - Parameter value: what the other side may take without waiting.
    init(_ value: consuming Value? = nil) { self.value = Mutex(value) }

    func take() -> Value? {
        value.withLock { value in
            defer { value = nil }
            return value
        }
    }

    func give(_ given: consuming Value) {
        value.withLock { [given] value in value = given }
        signal.signal()
    }

    /// Takes what is given, once it is.
    func wait() -> Value? {
        signal.wait()
        return take()
    }
}
