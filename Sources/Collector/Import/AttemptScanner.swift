import Glibc
import Retry

/// Reads chunks of lines of the `attempts` format into words.
///
/// Two ways lead to the same attempts. The quick one knows what lines written by machines look like: plain whole
/// numbers, names without escapes, the keys in the order of the line before. Whatever it does not know it leaves to
/// `AttemptLine`, which alone says what is malformed and why.
struct AttemptScanner {
    /// Tells the scanners of one import apart.
    let number: Int
    private var line = AttemptLine()
    private var quick = AttemptQuickLine()

    init(number: Int) { self.number = number }

    /// Reads all lines of a chunk. The attempts of one chunk after the other come out in the order of the lines.
    mutating func read(_ chunk: inout LineChunk) {
        if chunk.longLine != nil {
            chunk.lines = 1
            chunk.faults = [LineChunk.Fault(line: 0, start: Int32(chunk.start), end: Int32(chunk.end))]
            return
        }
        chunk.reserveRows()
        var words = chunk.words
        chunk.words = []
        var bytes = chunk.bytes
        chunk.bytes = []
        bytes.withUnsafeMutableBytes { bytes in
            // What stands behind the lines must not look like a part of them.
            for index in chunk.end..<chunk.end + LineChunk.padding { bytes[index] = 0 }
            words.withUnsafeMutableBufferPointer { words in
                if let base = bytes.baseAddress, let out = words.baseAddress {
                    readLines(&chunk, UnsafeRawPointer(base), out)
                }
            }
        }
        chunk.words = words
        chunk.bytes = bytes
        chunk.unknownKeys = line.takeUnknownKeys()
        chunk.scanner = number
        chunk.names = quick.takeNames()
    }

    private mutating func readLines(
        _ chunk: inout LineChunk, _ base: UnsafeRawPointer, _ words: UnsafeMutablePointer<Int64>
    ) {
        var at = chunk.start
        repeat {
            let row = words + chunk.rows * Column.allCases.count
            let length = quick.read(base + at, into: row)
            // Behind a last line without a line end stands a zero, which no line ends in: `length` stays inside.
            if length > 0 {
                at += length
                chunk.rows += 1
            } else {
                let newline = at < chunk.end ? memchr(base + at, 0x0A, chunk.end - at) : nil
                let end = newline.map { UnsafeRawPointer($0) - base } ?? chunk.end
                readSlowly(&chunk, UnsafeRawBufferPointer(start: base + at, count: end - at), at, row)
                at = end + 1
            }
            chunk.lines += 1
        } while at < chunk.end
    }

    private mutating func readSlowly(
        _ chunk: inout LineChunk, _ bytes: UnsafeRawBufferPointer, _ start: Int, _ row: UnsafeMutablePointer<Int64>
    ) {
        switch LineChunk.content(bytes, isRejectFile: chunk.isRejectFile) {
        case .blank:
            chunk.blankLines += 1
            return
        case .tooLong: break
        case .text(let text):
            if let attempt = try? line.parse(text) {
                quick.put(attempt, into: row)
                chunk.rows += 1
                return
            }
        }
        chunk.faults.append(
            LineChunk.Fault(line: Int32(chunk.lines), start: Int32(start), end: Int32(start + bytes.count)))
    }
}
