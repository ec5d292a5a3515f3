/// Whole lines of one input, and what was read from them: goes from the thread that reads to one that parses and back.
struct LineChunk: Sendable {
    /// Readable bytes behind the last line, so that a scanner may load whole words.
    static let padding = 32
    /// No attempt's line is shorter: the required keys with their shortest values take 75 bytes.
    static let shortestLine = 64

    /// A line that is no attempt.
    struct Fault: Sendable {
        /// Its number within the chunk, from 0.
        var line: Int32
        /// Its bytes without the line end.
        var start: Int32
        var end: Int32
    }

    /// Where the bytes come from.
    var input = 0
    /// The lines, then what is left of the buffer.
    var bytes: [UInt8] = []
    /// Where the first line begins: behind a byte order mark.
    var start = 0
    /// Where the last line ends.
    var end = 0
    /// Whether headings of a reject file are skipped.
    var isRejectFile = false
    /// The chunk is the beginning of one line of so many bytes, more than are taken.
    var longLine: Int?
    /// Bytes taken from the input when the chunk was cut.
    var bytesRead: Int64 = 0

    /// Lines, all kinds.
    var lines = 0
    var blankLines = 0
    /// Attempts found.
    var rows = 0
    /// The attempts: `Column.allCases.count` words each, names as codes of `names`.
    var words: [Int64] = []
    var faults: [Fault] = []
    var unknownKeys = UnknownKeys(limit: .max)
    /// The scanner that has read the chunk, and the names that are new in it, by `NameKind`.
    var scanner = 0
    var names: [[String]] = []

    /// Empties the chunk for the next lines; its memory stays.
    mutating func clear() {
        (start, end, longLine, isRejectFile) = (0, 0, nil, false)
        (lines, blankLines, rows) = (0, 0, 0)
        faults.removeAll(keepingCapacity: true)
        unknownKeys = UnknownKeys(limit: .max)
        names = []
    }

    /// Makes room for so many bytes.
    mutating func reserve(_ count: Int) {
        let missing = count + Self.padding - bytes.count
        if missing > 0 { bytes += repeatElement(0, count: missing) }
    }

    /// Makes room for the attempts of all lines.
    mutating func reserveRows() {
        let wanted = ((end - start) / Self.shortestLine + 1) * Column.allCases.count
        if words.count < wanted { words += repeatElement(0, count: wanted - words.count) }
    }

    /// What a line's bytes are, without the line end.
    enum Content {
        case blank
        case tooLong(bytes: Int)
        case text(UnsafeRawBufferPointer)
    }

    static func content(_ line: UnsafeRawBufferPointer, isRejectFile: Bool) -> Content {
        var line = line
        if line.last == 0x0D { line = UnsafeRawBufferPointer(rebasing: line.dropLast()) }
        if line.count > LineReader.limit { return .tooLong(bytes: line.count) }
        let isBlank = line.allSatisfy { $0 == 0x20 || $0 == 0x09 }
        return isBlank || isRejectFile && RejectFile.isHeading(line) ? .blank : .text(line)
    }
}
