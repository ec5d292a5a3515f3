import FoundationEssentials
import Glibc
import Retry
import TestSupport

@testable import Collector

/// A target in memory that counts like the store.
final class MemoryTarget: ImportTarget {
    struct Full: Error, CustomStringConvertible {
        var description: String { "the disk is full" }
    }

    private(set) var attempts: [Attempt] = []
    private(set) var calls = 0
    /// From this call on `append` refuses.
    var refusesFromCall = Int.max

    func append(_ attempts: [Attempt]) throws {
        calls += 1
        if calls >= refusesFromCall { throw Full() }
        self.attempts += attempts
    }

    func fingerprints(fromUs: Int64, toUs: Int64) -> [UInt64: Int] {
        attempts.filter { $0.startUs >= fromUs && $0.startUs < toUs }
            .flatMap(\.importKeys).reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }
}

/// The recorded logs, and imports of bytes that are nowhere but in a test.
enum ImportSupport {
    static let folder = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

    /// The path of a recorded log.
    static func log(_ name: String) -> String { "/\(folder)/notebooks-data/envoy_access_logs/\(name)" }

    static func bytes(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: path)))
    }

    static func lines(_ path: String) throws -> [String] {
        String(decoding: try bytes(path), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// The value of a key of a flat JSON line, found by searching: independent of the reader under test.
    static func value(_ key: String, of line: String) -> String? {
        guard let start = line.firstRange(of: "\"\(key)\":") else { return nil }
        let rest = line[start.upperBound...]
        if rest.hasPrefix("\"") { return String(rest.dropFirst().prefix { $0 != "\"" }) }
        let word = String(rest.prefix { $0 != "," && $0 != "}" })
        return word == "null" ? nil : word
    }

    /// Imports from memory; the input is called "in". What no pipe holds goes through a file.
    static func run(
        _ bytes: [UInt8], _ format: ImportFormat, strict: Bool = false, into target: any ImportTarget = MemoryTarget()
    ) throws -> ImportReport {
        let importer = AttemptImporter(format: format, strict: strict)
        guard bytes.count > 1 << 20 else {
            return try withPipe(bytes) {
                try importer.run(inputs: [.descriptor($0, name: "in")], into: target)
            }
        }
        return try withTemporaryDirectory { folder in
            try Data(bytes).write(to: URL(filePath: folder + "/in"))
            return try importer.run(inputs: [.file(folder + "/in")], into: target)
        }
    }

    static func run(
        _ text: String, _ format: ImportFormat, strict: Bool = false, into target: any ImportTarget = MemoryTarget()
    ) throws -> ImportReport {
        try run(Array(text.utf8), format, strict: strict, into: target)
    }

    /// The reading end of a pipe that holds the bytes, as a shell's `|` gives them.
    static func withPipe<Value>(_ bytes: [UInt8], _ body: (Int32) throws -> Value) throws -> Value {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw POSIXFailure(number: errno) }
        defer { close(ends[0]) }
        do {
            defer { close(ends[1]) }
            if bytes.count > 1 << 16 { _ = fcntl(ends[1], setPipeSize, Int32(bytes.count)) }
            _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
            guard write(ends[1], bytes, bytes.count) == bytes.count else { throw POSIXFailure(number: errno) }
        }
        return try body(ends[0])
    }

    /// Linux: `F_SETPIPE_SZ`, which the C overlay leaves out.
    private static let setPipeSize: Int32 = 1031

    struct POSIXFailure: Error {
        var number: Int32
    }

    /// One gzip member (RFC 1952) of stored blocks (RFC 1951, 3.2.4): made without the library that reads it.
    static func gzip(_ bytes: [UInt8]) -> [UInt8] {
        var packed: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
        var at = 0
        repeat {
            let count = min(65_535, bytes.count - at)
            packed.append(at + count == bytes.count ? 1 : 0)
            packed += little(UInt32(count), 2) + little(~UInt32(count), 2)
            packed += bytes[at..<at + count]
            at += count
        } while at < bytes.count
        return packed + little(crc(bytes), 4) + little(UInt32(truncatingIfNeeded: bytes.count), 4)
    }

    private static func little(_ value: UInt32, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
    }

    private static let crcTable: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
    }

    private static func crc(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(~0) { crcTable[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ $0 >> 8 }
    }
}
