/// How a column's values are laid out. The numbers stand in segments: they never change meaning; 12 ... 255 are free.
///
/// Numbers 1 to 4 are read, for stores of the first format have them; they are not written any more.
enum Encoding: UInt8, CaseIterable, Sendable {
    /// Every row has the same value.
    case constant = 0
    /// The distinct values, sorted, then one code a row; format 1.
    case plainDictionary = 1
    /// Values, then how often each repeats; format 1.
    case plainRunLength = 2
    /// Differences between neighbours, bit-packed by block; format 1.
    case plainDelta = 3
    /// Frame of reference: differences from the block's least value, bit-packed by block; format 1.
    case packed = 4
    /// Offsets from the block's base, with exceptions.
    case patched = 5
    /// The same in blocks that do not cross from one route to the next.
    case patchedByRoute = 6
    /// Differences between neighbours as offsets from the block's base, with exceptions.
    case delta = 7
    /// The same in blocks that do not cross from one route to the next.
    case deltaByRoute = 8
    /// One value, and the places and values of the rows that have another.
    case sparse = 9
    /// The distinct values, sorted, then one code a row.
    case dictionary = 10
    /// Values, then how often each repeats.
    case runLength = 11

    /// Rows of a block of format 1.
    static let blockRows = 256
    /// Beyond this many distinct values a dictionary is not tried.
    static let dictionaryLimit = 4_096
    /// How deep columns lie within columns: the codes of the dictionary of the values of a sparse column.
    static let depthLimit = 3
}

/// A column's values with the encoding chosen for them and the exact size it will have.
struct EncodingPlan: Sendable {
    /// A column within a column: the places of exceptions, the codes of a dictionary.
    struct Part: Sendable {
        var values: [Int64]
        var plan: EncodingPlan

        /// With its encoding and its length.
        var size: Int { 1 + ByteWriter.varintSize(UInt64(plan.size)) + plan.size }
    }

    /// What the writer needs beyond the values; made while measuring, so that it is not made twice.
    indirect enum Payload: Sendable {
        case constant(Int64)
        case patched([PatchedBlocks.Head])
        case sparse(common: Int64, gaps: Part, values: Part)
        case dictionary(distinct: Part, codes: Part)
        case runLength(values: Part, lengths: Part)
    }

    var encoding: Encoding
    var payload: Payload
    /// Exact bytes.
    var size: Int

    /// Writes exactly `size` bytes.
    func write(_ values: UnsafeBufferPointer<Int64>, runEnds: [Int32]?, to writer: inout ByteWriter) {
        switch payload {
        case .constant(let value): writer.varint(zigzag: value)
        case .patched(let heads):
            PatchedBlocks.write(
                values, isDelta: encoding.isDelta, runEnds: encoding.isByRoute ? runEnds : nil, heads: heads,
                to: &writer)
        case .sparse(let common, let gaps, let others):
            writer.varint(zigzag: common)
            writer.varint(UInt64(gaps.values.count))
            gaps.write(runEnds: nil, to: &writer)
            others.write(runEnds: nil, to: &writer)
        case .dictionary(let distinct, let codes):
            writer.varint(UInt64(distinct.values.count))
            distinct.write(runEnds: nil, to: &writer)
            codes.write(runEnds: runEnds, to: &writer)
        case .runLength(let runs, let lengths):
            writer.varint(UInt64(runs.values.count))
            runs.write(runEnds: nil, to: &writer)
            lengths.write(runEnds: nil, to: &writer)
        }
    }
}

extension EncodingPlan.Part {
    func write(runEnds: [Int32]?, to writer: inout ByteWriter) {
        writer.byte(plan.encoding.rawValue)
        writer.varint(UInt64(plan.size))
        values.withUnsafeBufferPointer { plan.write($0, runEnds: runEnds, to: &writer) }
    }
}

extension Encoding {
    var isDelta: Bool { self == .delta || self == .deltaByRoute }
    var isByRoute: Bool { self == .patchedByRoute || self == .deltaByRoute }
    /// Whether it is cut by routes, or the codes of its dictionary may be.
    var mayFollowRoutes: Bool { isByRoute || self == .dictionary }

    /// Whether it may stand within another.
    var mayNest: Bool {
        switch self {
        case .plainDictionary, .plainRunLength, .plainDelta, .packed: false
        default: true
        }
    }
}
