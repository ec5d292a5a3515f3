import Glibc

/// Cuts an input into lines without copying them. Memory is bounded by the longest line it takes.
final class LineReader {
    /// The longest line in bytes; a longer one is skipped and reported.
    static let limit = 1 << 20
    /// How much of a line that is too long is kept for the reject file.
    static let keptOfLong = 1 << 12

    enum Line {
        /// A line without its line end, valid until the next one is asked for. `isLast`: it has no line end.
        case text(UnsafeRawBufferPointer, isLast: Bool)
        /// The beginning of a line that is longer than the limit, and its length in bytes.
        case tooLong(UnsafeRawBufferPointer, bytes: Int)
    }

    let source: ByteSource
    /// The number of the line that was given last, from 1.
    private(set) var number = 0
    /// Whether the first line is the heading of a reject file; elsewhere what looks like one is data.
    var isRejectFile = false

    private var buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    private var start = 0
    private var end = 0
    private var isEnded = false
    private var fault: InputFault?

    init(_ source: ByteSource) { self.source = source }

    deinit { buffer.deallocate() }

    /// The next line, `nil` at the end.
    ///
    /// - Throws: `InputFault` when the input breaks off, after the lines before the break were given.
    func next() throws(InputFault) -> Line? {
        var searched = start
        while true {
            if let at = newline(from: searched) {
                defer { start = at + 1 }
                return give(start..<at, isLast: false)
            }
            searched = end
            if isEnded {
                defer { start = end }
                if start < end { return give(start..<end, isLast: true) }
                if let fault {
                    self.fault = nil
                    throw fault
                }
                return nil
            }
            if end - start > Self.limit { return skipLong() }
            searched -= makeRoom()
            fill()
        }
    }

    private func give(_ range: Range<Int>, isLast: Bool) -> Line {
        number += 1
        var range = range
        if number == 1, range.count >= 3, buffer[range.lowerBound] == 0xEF, buffer[range.lowerBound + 1] == 0xBB,
            buffer[range.lowerBound + 2] == 0xBF
        {
            range = range.lowerBound + 3..<range.upperBound
        }
        if !range.isEmpty, buffer[range.upperBound - 1] == 0x0D { range = range.lowerBound..<range.upperBound - 1 }
        if range.count > Self.limit {
            let kept = range.prefix(Self.keptOfLong)
            return .tooLong(UnsafeRawBufferPointer(rebasing: buffer[kept]), bytes: range.count)
        }
        return .text(UnsafeRawBufferPointer(rebasing: buffer[range]), isLast: isLast)
    }

    /// Reads on to the end of a line that does not fit, keeping its beginning at the start of the buffer.
    private func skipLong() -> Line {
        number += 1
        let kept = Self.keptOfLong
        buffer.baseAddress.map { _ = memmove($0, $0 + start, kept) }
        var length = end - start
        start = kept
        end = kept
        while !isEnded {
            fill()
            if let at = newline(from: kept) {
                length += at - kept
                start = at + 1
                return .tooLong(UnsafeRawBufferPointer(rebasing: buffer[..<kept]), bytes: length)
            }
            length += end - kept
            end = kept
        }
        return .tooLong(UnsafeRawBufferPointer(rebasing: buffer[..<kept]), bytes: length)
    }

    private func newline(from index: Int) -> Int? {
        guard index < end, let base = buffer.baseAddress, let found = memchr(base + index, 0x0A, end - index) else {
            return nil
        }
        return UnsafeRawPointer(found) - UnsafeRawPointer(base)
    }

    /// Moves what is left to the front, or grows the buffer when it is all one line; returns by how much it moved.
    private func makeRoom() -> Int {
        if start > 0, let base = buffer.baseAddress {
            memmove(base, base + start, end - start)
            defer { start = 0 }
            end -= start
            return start
        }
        if end == buffer.count {
            let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: buffer.count * 2, alignment: 16)
            larger.copyMemory(from: UnsafeRawBufferPointer(buffer))
            buffer.deallocate()
            buffer = larger
        }
        return 0
    }

    private func fill() {
        do {
            let count = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[end...]))
            end += count
            isEnded = count == 0
        } catch {
            fault = error
            isEnded = true
        }
    }
}
