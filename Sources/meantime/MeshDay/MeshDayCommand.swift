import ArgumentParser
import Collector
import Glibc
import MeshDay

/// A day of a busy mesh, into a store or a file.
struct MeshDayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mesh-day",
        abstract: "A day of a busy mesh: 1,000 routes, blips, outages, retries.",
        usage: "meantime generate mesh-day (--store <file> | --output <file>) [options]",
        discussion: """
            1,000 routes with Zipf popularity and 4 hosts each, log-normal latencies that \
            differ by route, blips (0.5 %) and outages of hosts and routes with heavy-tailed \
            lengths (2 % of attempts fail in all), retries with waits, one second for each try. \
            The same seed makes the same day on every machine. About 40 million attempts make \
            10 GB of lines, or some hundred MB of store.

            EXAMPLES
              meantime generate mesh-day --store day.db
              meantime generate mesh-day --attempts 1000000 --seed 7 --output day.jsonl
              meantime generate mesh-day --attempts 1000 --output - | head -1
            """
    )

    @Option(help: ArgumentHelp("How many attempts the day has.", valueName: "number"))
    var attempts = MeshDay.usualAttempts

    @Option(help: ArgumentHelp("What chance is drawn from.", valueName: "number"))
    var seed: UInt64 = 1

    @Option(
        help: ArgumentHelp("Make this store of them; it must not exist yet.", valueName: "file"), completion: .file())
    var store: String?

    @Option(
        help: ArgumentHelp(
            "Write them to this file as JSON Lines (--format attempts); - is stdout.", valueName: "file"),
        completion: .file())
    var output: String?

    func validate() throws {
        guard (1...1_000_000_000).contains(attempts) else {
            throw ValidationError("--attempts must be from 1 to 1000000000, found \(attempts)")
        }
        guard (store == nil) != (output == nil) else {
            throw ValidationError("say where to: --store <file> or --output <file>, one of them")
        }
    }

    func run() throws {
        let progress = Progress("mesh-day", unit: .steps, total: Int64(attempts))
        defer { progress.finish() }
        var day = MeshDay(attempts: attempts, seed: seed)
        if let store {
            try fill(store, from: &day, progress)
        } else if let output {
            try write(to: output, from: &day, progress)
        }
    }

    private func fill(_ path: String, from day: inout MeshDay, _ progress: Progress) throws {
        try Self.refuse(existing: path)
        let target = try AttemptStore.open(path: path, mode: .readWrite)
        defer { target.close() }
        var done = 0
        while true {
            let batch = day.attempts(MeshDay.batchCount)
            if batch.isEmpty { break }
            try target.append(batch)
            done += batch.count
            progress.update(done: Int64(done))
        }
        try target.seal(givesBackPages: true)
    }

    private func write(to path: String, from day: inout MeshDay, _ progress: Progress) throws {
        let file = try LineFile(path)
        let lines = MeshLines(of: day)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(LineFile.chunk + 1024)
        var done = 0
        while let row = day.next() {
            lines.append(row, to: &bytes)
            done += 1
            if bytes.count >= LineFile.chunk {
                try file.write(bytes)
                bytes.removeAll(keepingCapacity: true)
                progress.update(done: Int64(done))
            }
        }
        try file.write(bytes)
    }

    fileprivate static func refuse(existing path: String) throws {
        if access(path, F_OK) == 0 {
            throw Failure(path, "is there already; name a new file, for a day is made from its beginning")
        }
    }
}

/// A new file, or stdout.
private final class LineFile {
    static let chunk = 1 << 20
    private let name: String
    private let descriptor: Int32

    init(_ path: String) throws {
        guard path != "-" else {
            (name, descriptor) = ("stdout", Terminal.output)
            return
        }
        try MeshDayCommand.refuse(existing: path)
        (name, descriptor) = (path, open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644))
        if descriptor < 0 {
            throw Failure(
                path,
                "cannot be written: \(SystemError.text(errno)); its directory must exist and be writable")
        }
    }

    func write(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { throw Failure(name, "cannot be written: \(SystemError.text(errno))") }
            rest = rest.dropFirst(count)
        }
    }

    deinit {
        if descriptor > Terminal.error { close(descriptor) }
    }
}
