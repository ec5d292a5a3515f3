/// The request numbers of segments that keep them as a sequence, found once.
///
/// In a sequence one number costs as much as all of them, for it takes the order of all starts. Those of the last
/// segment stay in memory; who comes back to the segments batch by batch has them kept in a temporary file. Without
/// such a file (no room, no right) they are found again, which is slower and the same.
final class SequenceSpool {
    private let isKept: Bool
    private let folder: String
    private var last: (segment: Int64, values: [Int64]) = (-1, [])
    private var file: TemporaryFile?
    private var places: [Int64: Int] = [:]
    private var size = 0
    private var isRefused = false

    /// - Parameters:
    ///   - isKept: whether segments will be asked for again after others.
    ///   - folder: where the temporary file is made.
    init(isKept: Bool, folder: String = TemporaryFile.folder) {
        self.isKept = isKept
        self.folder = folder
    }

    /// Writes the request numbers of a range of a segment's rows to `out`, `wanted.count` values long.
    func read(
        _ segment: Segment, id: Int64, in wanted: Range<Int>, into out: UnsafeMutablePointer<Int64>
    ) throws(DecodingError) {
        if last.segment != id {
            if recall(id, wanted, into: out) { return }
            if wanted.count == segment.rows {
                try segment.decode(.request, in: wanted, into: out)
                return keep(id, UnsafeRawBufferPointer(start: out, count: wanted.count * MemoryLayout<Int64>.stride))
            }
            last = (id, try segment.values(of: .request, in: 0..<segment.rows))
            last.values.withUnsafeBytes { keep(id, $0) }
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
        guard isKept, !isRefused, places[id] == nil else { return }
        if size == 0 { file = TemporaryFile(purpose: "query", in: folder) }
        guard file?.write(bytes, at: size) ?? false else {
            isRefused = true
            return
        }
        places[id] = size
        size += bytes.count
    }
}
