@testable import Collector
import Retry

/// Lines of logs.
enum LineTarget {
    /// The quick way to read lines gives what the slow one gives, which alone says what a line means.
    static func attempts(_ bytes: UnsafeRawBufferPointer) {
        var chunk = LineChunk()
        chunk.reserve(bytes.count)
        for (index, byte) in bytes.enumerated() { chunk.bytes[index] = byte }
        chunk.end = bytes.count
        if chunk.end == 0 { return }
        var scanner = AttemptScanner(number: 0)
        scanner.read(&chunk)
        var slow = AttemptLine()
        var found: [Attempt] = []
        for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
            let text = UnsafeRawBufferPointer(rebasing: line)
            guard case .text(let content) = LineChunk.content(text, isRejectFile: false) else { continue }
            if let attempt = try? slow.parse(content) { found.append(attempt) }
        }
        precondition(found.count == chunk.rows, "\(found.count) attempts slowly, \(chunk.rows) quickly")
        let width = Column.allCases.count
        for (row, attempt) in found.enumerated() {
            func word(_ column: Column) -> Int64 { chunk.words[row * width + column.index] }
            func name(_ column: Column, _ kind: NameKind) -> String { chunk.names[kind.rawValue][Int(word(column))] }
            let quick = Attempt(
                startUs: word(.startUs), durationUs: word(.durationUs), route: name(.route, .route),
                host: name(.host, .host), request: UInt64(bitPattern: word(.request)), attempt: Int(word(.attempt)),
                waitUs: word(.waitUs), outcome: Outcome(rawValue: UInt8(clamping: word(.outcome))) ?? .success,
                status: Int(word(.status)), isGRPC: word(.isGRPC) != 0, timeoutUs: word(.timeoutUs),
                retryAfterUs: word(.retryAfterUs), method: name(.method, .method), hedge: word(.hedge) != 0,
                ruleVersion: Int(word(.ruleVersion)))
            precondition(quick == attempt, "\(quick) quickly, \(attempt) slowly")
        }
    }

    /// Lines of an Envoy log, brought together; the attempts can be summed up without overflow.
    static func envoy(_ bytes: UnsafeRawBufferPointer) {
        var parser = EnvoyLineParser()
        var join = EnvoyJoin()
        var report = ImportReport()
        var ready: [Reading] = []
        for line in bytes.split(separator: 0x0A) {
            guard case .line(let parsed)? = try? parser.parse(UnsafeRawBufferPointer(rebasing: line)) else { continue }
            join.accept(parsed, &report, &ready)
        }
        join.end(&report, &ready)
        for reading in ready {
            precondition(reading.attempt.endUs >= reading.attempt.startUs, "an attempt ends before it starts")
            _ = reading.attempt.importKeys
        }
    }
}
