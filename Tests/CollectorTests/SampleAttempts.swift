import Glibc
import Retry
import TestSupport

@testable import Collector

enum Sample {
    /// Attempts of a small mesh in order of start, with ties, odd names and extreme numbers now and then.
    static func attempts(_ count: Int, seed: UInt64, routes: Int = 5, extremes: Bool = true) -> [Attempt] {
        var random = SeededGenerator(seed: seed)
        var startUs: Int64 = 1_790_000_000_000_000
        return (0..<count).map { number in
            startUs += Int64.random(in: 0...2_000, using: &random)
            let route = Int.random(in: 0..<routes, using: &random)
            var attempt = Attempt(
                startUs: startUs, durationUs: .random(in: 100...90_000, using: &random), route: "route-\(route)",
                host: "10.0.\(route).\(Int.random(in: 1...4, using: &random)):80", request: UInt64(number / 2),
                attempt: 1 + number % 2, outcome: Outcome.allCases.randomElement(using: &random)!,
                status: [200, 200, 404, 503].randomElement(using: &random)!, timeoutUs: 1_000_000,
                method: ["GET", "POST", ""].randomElement(using: &random)!, ruleVersion: 3)
            if attempt.attempt == 2 { attempt.waitUs = .random(in: 0...25_000, using: &random) }
            attempt.hedge = Int.random(in: 0..<20, using: &random) == 0
            attempt.isGRPC = route == 1
            if extremes, Int.random(in: 0..<50, using: &random) == 0 {
                attempt.request = random.next()
                attempt.durationUs = [0, -1, .max, .min].randomElement(using: &random)!
                attempt.retryAfterUs = .max
                attempt.host = ["", "hôte ✓", "a'b\"c;--"].randomElement(using: &random)!
            }
            return attempt
        }
    }

    /// What the store must give for a route and a range: the plain rows, filtered and sorted.
    static func expected(
        _ attempts: [Attempt], route: String, fromUs: Int64? = nil, toUs: Int64? = nil
    ) -> [Attempt] {
        attempts.filter { one in
            one.route == route && fromUs.map { one.startUs >= $0 } ?? true && toUs.map { one.startUs < $0 } ?? true
        }.sorted { ($0.startUs, $0.attempt, $0.fingerprint) < ($1.startUs, $1.attempt, $1.fingerprint) }
    }
}

extension AttemptColumns {
    /// The rows as attempts, with rows that tie in (start, attempt) put in the order `Sample.expected` uses.
    var canonical: [Attempt] {
        (0..<count).map { self[$0] }.sorted {
            ($0.startUs, $0.attempt, $0.fingerprint) < ($1.startUs, $1.attempt, $1.fingerprint)
        }
    }

    var isSorted: Bool {
        (0..<count).dropFirst().allSatisfy {
            (startUs[$0 - 1], attempt[$0 - 1]) <= (startUs[$0], attempt[$0])
        }
    }
}

/// A directory for one test, removed when the value goes.
final class TemporaryDirectory {
    let path: String

    /// - Parameter inMemory: where the machine has a file system in memory, there: nothing waits for a disk.
    init(inMemory: Bool = false) throws {
        let ordinary = String(cString: getenv("TMPDIR") ?? strdup("/tmp"))
        let parent = inMemory && access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : ordinary
        var template = Array("\(parent)/collector-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw StoreError(.io, path: "temporary directory", "cannot be made") }
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    deinit {
        for name in (try? names()) ?? [] { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// The names in the directory.
    func names() throws -> [String] {
        guard let directory = opendir(path) else { throw StoreError(.io, path: path, "cannot be listed") }
        defer { closedir(directory) }
        var found: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { found.append(name) }
        }
        return found.sorted()
    }
}

/// The bytes of a file; empty when there is none.
func fileBytes(_ path: String) -> [UInt8] {
    guard let file = fopen(path, "rb") else { return [] }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = fread(&buffer, 1, buffer.count, file)
        if count == 0 { return bytes }
        bytes += buffer[..<count]
    }
}

func writeFile(_ bytes: [UInt8], to path: String) {
    guard let file = fopen(path, "wb") else { return }
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
}
