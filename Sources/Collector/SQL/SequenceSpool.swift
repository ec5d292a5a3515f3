/// The request numbers of segments that keep them as a sequence, found once.
///
/// In a sequence one number costs as much as all of them, for it takes the order of all starts. Those of the last
/// segment stay in memory; walks that come back to the segments batch by batch keep them in a temporary file, which
/// lives as long as the statement. Without such a file (no room, no right) they are found again, which is slower and
/// the same.
final class SequenceSpool {
    private let folder: String
    private var last: (segment: Int64, values: [Int64]) = (-1, [])
    private var file: TemporaryFile?
    private var places: [Int64: Int] = [:]
    private(set) var bytesKept = 0
    private var isRefused = false

    /// - Parameter folder: where the temporary file is made.
    init(folder: String = TemporaryFile.folder) { self.folder = folder }

    /// Writes the request numbers of a range of a segment's rows to `out`, `wanted.count` values long.
    ///
    /// - Parameter isKept: whether the segment will be asked for again after others.
    func read(
        _ segment: Segment, id: Int64, in wanted: Range<Int>, isKept: Bool, into out: UnsafeMutablePointer<Int64>
    ) throws(DecodingError) {
        if last.segment != id {
            if recall(id, wanted, into: out) { return }
            if wanted.count == segment.rows {
                try segment.decode(.request, in: wanted, into: out)
                if isKept {
                    keep(id, UnsafeRawBufferPointer(start: out, count: wanted.count * MemoryLayout<Int64>.stride))
                }
                return
            }
            last = (id, try segment.values(of: .request, in: 0..<segment.rows))
            if isKept { last.values.withUnsafeBytes { keep(id, $0) } }
        }
        last.values.withUnsafeBufferPointer { values in
            guard let start = values.baseAddress else { return }
            out.update(from: start + wanted.lowerBound, count: wanted.count)
        }
    }

    private func recall(_ id: Int64, _ wanted: Range<Int>, into out: UnsafeMutablePointer<Int64>) -> Bool {
        guard let place = places[id] else { return false }
        let stride = MemoryLayout<Int64>.stride
        return file?.read(
            into: UnsafeMutableRawBufferPointer(start: out, count: wanted.count * stride),
            at: place + wanted.lowerBound * stride) ?? false
    }

    private func keep(_ id: Int64, _ bytes: UnsafeRawBufferPointer) {
        guard !isRefused, places[id] == nil else { return }
        if file == nil { file = TemporaryFile(purpose: "query", in: folder) }
        guard file?.write(bytes, at: bytesKept) ?? false else {
            // The room that is left belongs to others: SQLite sorts in the same folder.
            (file, places, bytesKept, isRefused) = (nil, [:], 0, true)
            return
        }
        places[id] = bytesKept
        bytesKept += bytes.count
    }
}
