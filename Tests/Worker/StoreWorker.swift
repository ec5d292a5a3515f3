import Collector
import Glibc
import Retry

/// A process of its own for tests that kill, or that need a file system of their own.
@main
struct StoreWorker {
    static func main() throws {
        let arguments = CommandLine.arguments
        // A worker whose test is gone does not stay.
        alarm(600)
        switch arguments.dropFirst().first {
        case "write": try write(path: arguments[2], acknowledged: arguments[3], number: Int(arguments[4]) ?? 0)
        case "read": try read(path: arguments[2])
        case "full-disk": try FullDisk(directory: arguments[2]).run()
        default:
            complain("usage: StoreWorker write STORE FILE NUMBER | read STORE | full-disk DIRECTORY\n")
            exit(2)
        }
    }

    private static func complain(_ text: String) { _ = text.withCString { Glibc.write(2, $0, strlen($0)) } }

    /// How many attempts a batch has; all of one request, which is the writer's number and the batch's.
    static let batch = 40

    static func attempts(writer: Int, batch number: Int) -> [Attempt] {
        (0..<batch).map { row in
            Attempt(
                startUs: Int64(number * 1_000 + row), durationUs: 5, route: "route-\(row % 3)-\(number % 50)",
                host: "host-\(writer)", request: UInt64(writer) << 32 | UInt64(number), attempt: row + 1,
                outcome: .success)
        }
    }

    /// Appends until it is killed; adds a byte to a file for every batch that was acknowledged.
    private static func write(path: String, acknowledged: String, number: Int) throws {
        let store = try AttemptStore.open(path: path, mode: .readWrite, sealAfterRows: 400)
        let file = open(acknowledged, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        for batch in 0... {
            // Where the store is held for longer than the busy timeout, this ends the worker, and its test.
            try store.append(attempts(writer: number, batch: batch))
            Glibc.write(file, "x", 1)
            if batch % 37 == 36 { try store.seal() }
        }
    }

    /// Reads until it is killed; ends with 3 when a batch is there by half, or something is damaged.
    private static func read(path: String) throws {
        while true {
            // The writers may not have made it yet.
            guard let store = try? AttemptStore.open(path: path, mode: .readOnly) else { continue }
            let halves = try store.query("SELECT request FROM attempts GROUP BY request HAVING count(*) <> \(batch)")
            let damage = try store.check()
            guard halves.rows.isEmpty, halves.damage.isEmpty, damage.isEmpty else {
                complain("half: \(halves)\n")
                exit(3)
            }
        }
    }
}
