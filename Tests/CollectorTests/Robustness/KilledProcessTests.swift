import Glibc
import TestSupport
import Testing

@testable import Collector

/// Two processes write and one reads the same store; again and again one of them, or all, are killed.
///
/// `make test` takes 25 rounds, `make crash` 200.
@Suite(.serialized) struct KilledProcessTests {
    @Test(.timeLimit(.minutes(30))) func `kill -9 loses nothing that was acknowledged and leaves nothing by half`()
        throws
    {
        var random = SeededGenerator(seed: 91)
        let rounds = Thoroughness.isFull ? 200 : 25
        var kept = 0
        for first in stride(from: 0, to: rounds, by: 25) {
            let ensemble = try Ensemble()
            defer { ensemble.killAll() }
            for round in first..<min(first + 25, rounds) {
                usleep(.random(in: 2_000...150_000, using: &random))
                let victims = Ensemble.Member.choices.randomElement(using: &random) ?? []
                for victim in victims { ensemble.kill(victim) }
                try ensemble.check("round \(round), \(victims) killed, \(random)")
                for victim in victims { try ensemble.start(victim) }
            }
            ensemble.killAll()
            kept += try ensemble.check("at the end, \(random)")
        }
        // Rounds in which nothing was written would prove nothing.
        #expect(kept > rounds * 4)
    }
}

/// The processes on one store.
private final class Ensemble {
    enum Member: Hashable {
        case writer(Int)
        case reader

        static let choices: [[Member]] = [[.writer(0)], [.writer(1)], [.reader], [.writer(0), .writer(1), .reader]]
    }

    private let directory: TemporaryDirectory
    private var running: [Member: Worker] = [:]
    /// The number of writers so far; each that starts takes a new one.
    private var writers = 0
    private var path: String { directory.file("meantime.db") }
    private let batch: Int64 = 40

    init() throws {
        directory = try TemporaryDirectory(inMemory: true)
        for member in [Member.writer(0), .writer(1), .reader] { try start(member) }
    }

    func start(_ member: Member) throws {
        switch member {
        case .reader: running[member] = try Worker(Worker.path, ["read", path])
        case .writer:
            running[member] = try Worker(
                Worker.path, ["write", path, directory.file("acknowledged-\(writers)"), "\(writers)"])
            writers += 1
        }
    }

    func kill(_ member: Member) {
        // Nobody but this test ends a worker: one that ended by itself has found something.
        guard let ending = running.removeValue(forKey: member)?.kill() else { return }
        #expect(ending == -SIGKILL, "\(member) ended by itself: \(ending)")
    }

    func killAll() {
        for member in Array(running.keys) { kill(member) }
    }

    /// Judges the store, while those that were not killed go on; gives the number of batches.
    @discardableResult
    func check(_ when: String) throws -> Int {
        guard access(path, F_OK) == 0 else { return 0 }
        let before = acknowledged()
        let opened: Result<AttemptStore, any Error> = Result { try AttemptStore.open(path: path, mode: .readOnly) }
        if case .failure(let error) = opened, (error as? StoreError)?.code == .notFound {
            // Killed, or not yet done, while it was being made: then nobody can have kept anything.
            #expect(before.allSatisfy { $0 == 0 }, "\(when): no store, but acknowledged attempts")
            return 0
        }
        let store = try opened.get()
        #expect(try store.check().isEmpty, "\(when)")
        let found = try store.query(
            """
            SELECT request >> 32, count(*), max(request & 4294967295) + 1, min(n), max(n), sum(attempts)
            FROM (SELECT request, count(*) AS n, count(DISTINCT attempt) AS attempts FROM attempts GROUP BY request)
            GROUP BY 1
            """)
        let after = acknowledged()
        var batches = [Int64](repeating: 0, count: writers)
        for row in found.rows {
            let numbers = row.map { value in if case .integer(let number) = value { number } else { Int64.min } }
            let (writer, count) = (Int(numbers[0]), numbers[1])
            batches[writer] = count
            // Every batch from the first on, each with all of its attempts, each of them once.
            #expect(
                numbers[2] == count && numbers[3] == batch && numbers[4] == batch && numbers[5] == count * batch,
                "\(when)")
        }
        for writer in 0..<writers {
            // The batch in flight may have been kept without its acknowledgement.
            #expect((before[writer]...after[writer] + 1).contains(Int(batches[writer])), "writer \(writer) \(when)")
        }
        return Int(batches.reduce(0, +))
    }

    private func acknowledged() -> [Int] {
        (0..<writers).map { writer in
            var status = stat()
            return stat(directory.file("acknowledged-\(writer)"), &status) == 0 ? Int(status.st_size) : 0
        }
    }
}
