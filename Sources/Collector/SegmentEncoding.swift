/// How a column's values are laid out. The numbers stand in segments: they never change meaning; 5 ... 255 are free.
enum Encoding: UInt8, CaseIterable, Sendable {
    /// Every row has the same value.
    case constant = 0
    /// The distinct values, sorted, then one code a row.
    case dictionary = 1
    /// Values, then how often each repeats.
    case runLength = 2
    /// Differences between neighbours, bit-packed by block.
    case delta = 3
    /// Frame of reference: differences from the block's least value, bit-packed by block.
    case packed = 4

    /// Rows of a block: small enough that one odd row spoils little, large enough that its head weighs little.
    static let blockRows = 256
    /// Beyond this many distinct values a dictionary is not tried.
    static let dictionaryLimit = 4_096
}

/// A column's values with the encoding chosen for them and the exact size it will have.
struct EncodingPlan {
    /// What the writer needs beyond the values; made while measuring, so that it is not made twice.
    enum Payload {
        case constant
        case dictionary(values: [Int64], codes: [Int64])
        case runLength(values: [Int64], lengths: [Int64])
        case delta
        case packed
    }

    var payload: Payload
    /// Exact bytes.
    var size: Int

    var encoding: Encoding {
        switch payload {
        case .constant: .constant
        case .dictionary: .dictionary
        case .runLength: .runLength
        case .delta: .delta
        case .packed: .packed
        }
    }

    /// Measures every encoding that can hold the values and takes the smallest, of equals the first in number.
    static func best(for values: [Int64]) -> EncodingPlan {
        candidates(for: values).min { $0.size < $1.size } ?? EncodingPlan(payload: .packed, size: 0)
    }

    /// The measured plans, in the order of their numbers.
    static func candidates(for values: [Int64]) -> [EncodingPlan] {
        guard let first = values.first else { return [] }
        if values.allSatisfy({ $0 == first }) {
            return [EncodingPlan(payload: .constant, size: ByteWriter.varintSize(zigzag: first))]
        }
        var plans: [EncodingPlan] = []
        if let distinct = DistinctValues(of: values, limit: Encoding.dictionaryLimit) {
            let size =
                ByteWriter.varintSize(UInt64(distinct.values.count)) + BlockCodec.deltaSize(distinct.values)
                + BlockCodec.packedSize(distinct.codes)
            plans.append(EncodingPlan(payload: .dictionary(values: distinct.values, codes: distinct.codes), size: size))
        }
        if let runs = Runs(of: values, limit: values.count / 2) {
            let size =
                ByteWriter.varintSize(UInt64(runs.values.count)) + BlockCodec.packedSize(runs.values)
                + BlockCodec.packedSize(runs.lengths)
            plans.append(EncodingPlan(payload: .runLength(values: runs.values, lengths: runs.lengths), size: size))
        }
        plans.append(EncodingPlan(payload: .delta, size: BlockCodec.deltaSize(values)))
        plans.append(EncodingPlan(payload: .packed, size: BlockCodec.packedSize(values)))
        return plans
    }

    /// Writes exactly `size` bytes.
    func write(_ values: [Int64], to writer: inout ByteWriter) {
        switch payload {
        case .constant:
            writer.varint(zigzag: values[0])
        case .dictionary(let distinct, let codes):
            writer.varint(UInt64(distinct.count))
            BlockCodec.writeDelta(distinct, to: &writer)
            BlockCodec.writePacked(codes, to: &writer)
        case .runLength(let runs, let lengths):
            writer.varint(UInt64(runs.count))
            BlockCodec.writePacked(runs, to: &writer)
            BlockCodec.writePacked(lengths, to: &writer)
        case .delta: BlockCodec.writeDelta(values, to: &writer)
        case .packed: BlockCodec.writePacked(values, to: &writer)
        }
    }
}

/// The distinct values of a column, sorted, and each row's position among them.
private struct DistinctValues {
    var values: [Int64]
    var codes: [Int64]

    /// `nil` when there are more than `limit`, or so many that a dictionary cannot pay.
    init?(of column: [Int64], limit: Int) {
        // Open addressing at a load of at most a quarter; a slot holds 1 + the number of a value, 0 when free.
        let mask = limit * 4 - 1
        var slots = [Int32](repeating: 0, count: limit * 4)
        var found: [Int64] = []
        var codes: [Int64] = []
        codes.reserveCapacity(column.count)
        let most = min(limit, column.count / 2)
        for value in column {
            var slot = Int(truncatingIfNeeded: (UInt64(bitPattern: value) &* 0x9E37_79B9_7F4A_7C15) >> 44) & mask
            while slots[slot] != 0, found[Int(slots[slot]) - 1] != value { slot = (slot + 1) & mask }
            if slots[slot] == 0 {
                if found.count == most { return nil }
                found.append(value)
                slots[slot] = Int32(found.count)
            }
            codes.append(Int64(slots[slot]) - 1)
        }
        let order = found.indices.sorted { found[$0] < found[$1] }
        var rank = [Int64](repeating: 0, count: found.count)
        for (position, number) in order.enumerated() { rank[number] = Int64(position) }
        for index in codes.indices { codes[index] = rank[Int(codes[index])] }
        values = order.map { found[$0] }
        self.codes = codes
    }
}

/// A column as runs of equal values.
private struct Runs {
    var values: [Int64] = []
    var lengths: [Int64] = []

    /// `nil` when there are more than `limit`.
    init?(of column: [Int64], limit: Int) {
        var start = 0
        while start < column.count {
            var end = start + 1
            while end < column.count, column[end] == column[start] { end += 1 }
            if values.count == limit { return nil }
            values.append(column[start])
            lengths.append(Int64(end - start))
            start = end
        }
    }
}
