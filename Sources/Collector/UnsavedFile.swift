import Glibc
import Retry

/// The attempts that a store would not take when their proxy ended, in a file beside it that
/// `meantime import --format attempts` reads.
enum UnsavedFile {
    /// How many lines are written at once.
    private static let linesAtOnce = 1_024

    /// Writes a new file, named after the end of its last attempt; on the disk when the call returns. Gives its path.
    static func write(_ attempts: [Attempt], store: String) throws(StoreError) -> String {
        let time = Timestamp.format(attempts.map(\.endUs).max() ?? 0)
        let path = "\(store).unsaved-\(time.filter { $0 != ":" }).jsonl"
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw StoreError(.io, path: path, "cannot be made: \(SystemError.last())") }
        defer { close(file) }
        do throws(InputFault) {
            for start in stride(from: 0, to: attempts.count, by: linesAtOnce) {
                var bytes: [UInt8] = []
                for one in attempts[start..<min(start + linesAtOnce, attempts.count)] { bytes += line(one).utf8 }
                let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
                defer { copy.deallocate() }
                copy.copyBytes(from: bytes)
                try ByteSource.writeAll(UnsafeRawBufferPointer(copy), to: file)
            }
            guard fsync(file) == 0 else { throw InputFault(reason: "cannot be written: \(SystemError.last())") }
        } catch {
            unlink(path)
            throw StoreError(.io, path: path, error.reason)
        }
        return path
    }

    /// One attempt in the `attempts` format, with its line end.
    static func line(_ attempt: Attempt) -> String {
        let fields = [
            "start_us": "\(attempt.startUs)", "duration_us": "\(attempt.durationUs)", "route": quoted(attempt.route),
            "host": quoted(attempt.host), "request": "\(attempt.request)", "attempt": "\(attempt.attempt)",
            "wait_us": "\(attempt.waitUs)", "outcome": quoted(attempt.outcome.name), "status": "\(attempt.status)",
            "is_grpc": "\(attempt.isGRPC)", "timeout_us": "\(attempt.timeoutUs)",
            "retry_after_us": "\(attempt.retryAfterUs)", "method": quoted(attempt.method), "hedge": "\(attempt.hedge)",
            "rule_version": "\(attempt.ruleVersion)",
        ]
        let ordered = Column.allCases.compactMap { column in fields[column.name].map { "\"\(column.name)\":\($0)" } }
        return "{\(ordered.joined(separator: ","))}\n"
    }

    /// A JSON string.
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case "\u{0}"..<"\u{20}":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
