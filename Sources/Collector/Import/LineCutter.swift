/// Cuts an input into chunks of whole lines. Memory is bounded by the chunk's size and the longest line that is taken.
final class LineCutter {
    let source: ByteSource
    private let chunkBytes: Int
    /// What was read behind the last chunk's end.
    private var rest: [UInt8] = []
    private var isFirst = true
    private var isRejectFile = false
    private var isEnded = false
    private var fault: InputFault?

    init(_ source: ByteSource, chunkBytes: Int) {
        self.source = source
        self.chunkBytes = max(1, chunkBytes)
    }

    /// Puts the next lines into an empty chunk; `false` at the end of the input.
    ///
    /// - Throws: `InputFault` when the input breaks off, after the lines before the break were given.
    func cut(into chunk: inout LineChunk) throws(InputFault) -> Bool {
        var count = rest.count
        chunk.reserve(count + chunkBytes)
        chunk.bytes.replaceSubrange(0..<count, with: rest)
        rest.removeAll(keepingCapacity: true)
        var wanted = chunkBytes
        while true {
            while !isEnded, count < wanted {
                chunk.reserve(wanted)
                count += fill(&chunk.bytes, from: count, to: wanted)
            }
            if isEnded { break }
            if let newline = Self.lastNewline(chunk.bytes, count) {
                rest += chunk.bytes[(newline + 1)..<count]
                count = newline + 1
                break
            }
            // A byte order mark and a carriage return do not count.
            if count > LineReader.limit + 4 { return skipLongLine(&chunk, count) }
            wanted = count + max(chunkBytes, count)
        }
        chunk.bytesRead = source.bytesRead
        if count == 0 {
            if let fault {
                self.fault = nil
                throw fault
            }
            return false
        }
        begin(&chunk, count)
        return true
    }

    /// Marks the chunk's lines; the input's first line tells what kind of file it is.
    private func begin(_ chunk: inout LineChunk, _ count: Int) {
        chunk.end = count
        if isFirst {
            isFirst = false
            if count >= 3, chunk.bytes[0] == 0xEF, chunk.bytes[1] == 0xBB, chunk.bytes[2] == 0xBF { chunk.start = 3 }
            let line = chunk.bytes[chunk.start..<count].prefix { $0 != 0x0A }
            isRejectFile =
                line.count <= LineReader.limit && line.withUnsafeBytes { RejectFile.isHeading($0) }
        }
        chunk.isRejectFile = isRejectFile
    }

    /// Keeps the beginning of a line that is too long and lets the rest of it go.
    private func skipLongLine(_ chunk: inout LineChunk, _ count: Int) -> Bool {
        begin(&chunk, count)
        let kept = chunk.start + LineReader.keptOfLong
        var length = count - chunk.start
        while !isEnded {
            let more = fill(&chunk.bytes, from: kept, to: chunk.bytes.count - LineChunk.padding)
            if let newline = chunk.bytes[kept..<kept + more].firstIndex(of: 0x0A) {
                length += newline - kept
                rest += chunk.bytes[(newline + 1)..<kept + more]
                break
            }
            length += more
        }
        chunk.end = kept
        chunk.longLine = length
        chunk.bytesRead = source.bytesRead
        return true
    }

    /// Reads once; at the end, or when the input breaks off, nothing comes.
    private func fill(_ bytes: inout [UInt8], from start: Int, to end: Int) -> Int {
        let count = bytes.withUnsafeMutableBytes { buffer in
            do throws(InputFault) {
                return try source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[start..<end]))
            } catch {
                fault = error
                return 0
            }
        }
        isEnded = count == 0
        return count
    }

    private static func lastNewline(_ bytes: [UInt8], _ count: Int) -> Int? {
        bytes.withUnsafeBytes { UnsafeRawBufferPointer(rebasing: $0[..<count]).lastIndex(of: 0x0A) }
    }
}
