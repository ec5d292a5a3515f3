/// Blocks of values, or of differences between neighbours, as offsets from a base in few bits; the few that need more
/// bits keep the rest of theirs behind the block (M. Zukowski et al., "Super-Scalar RAM-CPU Cache Compression", ICDE
/// 2006, call this a patched frame of reference).
///
/// Differences, and columns within columns, may have the high bits of all offsets in unary instead (`UnaryBits`): fewer
/// bytes for times between events, and slower to read.
///
/// A block is no longer than 256 offsets, so a place in it is one byte, and its length follows from its head: a reader
/// steps over blocks that it does not need. Arithmetic wraps: any 64-bit values survive.
enum PatchedBlocks {
    /// Offsets of a block. Small enough that one odd row spoils little, and to fit one route's rate and scale; large
    /// enough that a head weighs little.
    static let offsets = 256
    /// In a head's first byte, beside the width: there are exceptions.
    private static let hasExceptions: UInt8 = 0x80
    /// The first byte of a head with no low bits and a unary part; up to 62 low bits follow as the next numbers.
    private static let unaryMark: UInt8 = 65

    /// What a block's head says.
    struct Head {
        var base: Int64 = 0
        /// Bits of every offset.
        var width: UInt8 = 0
        /// Further bits of an exception.
        var extra: UInt8 = 0
        var exceptions: UInt8 = 0
        /// Bytes of the unary part; 0: there is none.
        var unary: UInt16 = 0
    }

    /// How a column was measured: the heads of its blocks and their bytes in all.
    struct Measure {
        var heads: [Head]
        var size: Int
    }

    static func walk(_ count: Int, isDelta: Bool, runEnds: [Int32]?) -> BlockWalk {
        BlockWalk(count: count, limit: isDelta ? offsets + 1 : offsets, runEnds: runEnds)
    }

    // MARK: Measure

    /// - Parameters:
    ///   - mayBeUnary: whether blocks may have a unary part.
    ///   - step: only every so manieth block is measured: for an estimate, not for writing.
    static func measure(
        _ values: UnsafeBufferPointer<Int64>, isDelta: Bool, runEnds: [Int32]?, mayBeUnary: Bool, step: Int = 1
    ) -> Measure {
        var walk = walk(values.count, isDelta: isDelta, runEnds: runEnds)
        var heads: [Head] = []
        heads.reserveCapacity(walk.most)
        var size = 0
        var previousFirst: Int64 = 0
        var number = 0
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: offsets) { scratch in
            withUnsafeTemporaryAllocation(of: UInt16.self, capacity: 65) { widths in
                while let rows = walk.next() {
                    number &+= 1
                    if step > 1, number % step != 0 { continue }
                    var block = UnsafeBufferPointer(rebasing: values[rows])
                    if isDelta {
                        size += ByteWriter.varintSize(zigzag: block[0] &- previousFirst)
                        previousFirst = block[0]
                        block = differences(block, into: scratch)
                    }
                    var (head, bytes) = fit(block, widths: widths)
                    if mayBeUnary { fitUnary(block, &head, &bytes) }
                    heads.append(head)
                    size += bytes
                }
            }
        }
        return Measure(heads: heads, size: size)
    }

    /// The differences between neighbours, one fewer than values.
    private static func differences(
        _ block: UnsafeBufferPointer<Int64>, into scratch: UnsafeMutableBufferPointer<Int64>
    ) -> UnsafeBufferPointer<Int64> {
        for index in 1..<max(1, block.count) { scratch[index &- 1] = block[index] &- block[index &- 1] }
        return UnsafeBufferPointer(start: scratch.baseAddress, count: block.count - 1)
    }

    /// The head with which a block takes the fewest bytes, and how many those are without a first value.
    private static func fit(
        _ block: UnsafeBufferPointer<Int64>, widths: UnsafeMutableBufferPointer<UInt16>
    ) -> (Head, Int) {
        guard var least = block.first else { return (Head(), 2) }
        var most = least
        for value in block {
            least = min(least, value)
            most = max(most, value)
        }
        let top = 64 - UInt64(bitPattern: most &- least).leadingZeroBitCount
        var head = Head(base: least, width: UInt8(top))
        let fixed = 1 + ByteWriter.varintSize(zigzag: least)
        var size = BitPacking.size(block.count, width: top)
        if top == 0 { return (head, fixed) }
        for width in 0...top { widths[width] = 0 }
        for value in block { widths[64 &- UInt64(bitPattern: value &- least).leadingZeroBitCount] &+= 1 }
        var above = 0
        for width in stride(from: top - 1, through: 0, by: -1) {
            above += Int(widths[width + 1])
            if above > 255 || 2 + above >= size { break }
            let extra = top - width
            let bytes = BitPacking.size(block.count, width: width) + 2 + above + BitPacking.size(above, width: extra)
            if bytes < size {
                size = bytes
                head = Head(base: least, width: UInt8(width), extra: UInt8(extra), exceptions: UInt8(above))
            }
        }
        return (head, fixed + size)
    }

    /// Takes a unary part if that takes fewer bytes.
    private static func fitUnary(_ block: UnsafeBufferPointer<Int64>, _ head: inout Head, _ bytes: inout Int) {
        // A base of two bytes or more would rarely save as many.
        let base = head.base < 0 ? head.base : min(head.base, 63)
        let top = Int(head.width) + Int(head.extra)
        guard top <= UnaryBits.mostBits, head.base &- base <= BitPacking.mask(UnaryBits.mostBits),
            let split = UnaryBits.split(block, base: base)
        else { return }
        let size = 1 + ByteWriter.varintSize(zigzag: base) + ByteWriter.varintSize(UInt64(split.bytes)) + split.size
        guard size < bytes, split.bytes <= UInt16.max else { return }
        bytes = size
        head = Head(base: base, width: UInt8(split.low), unary: UInt16(split.bytes))
    }

    // MARK: Write

    static func write(
        _ values: UnsafeBufferPointer<Int64>, isDelta: Bool, runEnds: [Int32]?, heads: [Head],
        to writer: inout ByteWriter
    ) {
        var walk = walk(values.count, isDelta: isDelta, runEnds: runEnds)
        var previousFirst: Int64 = 0
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: offsets) { scratch in
            withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 2 * offsets) { space in
                for head in heads {
                    guard let rows = walk.next() else { break }
                    var block = UnsafeBufferPointer(rebasing: values[rows])
                    writer.byte(
                        head.unary > 0 ? unaryMark + head.width : head.width | (head.exceptions > 0 ? hasExceptions : 0)
                    )
                    if head.exceptions > 0 {
                        writer.byte(head.exceptions)
                        writer.byte(head.extra)
                    }
                    if isDelta {
                        writer.varint(zigzag: block[0] &- previousFirst)
                        previousFirst = block[0]
                        block = differences(block, into: scratch)
                    }
                    writer.varint(zigzag: head.base)
                    if head.unary > 0 { writer.varint(UInt64(head.unary)) }
                    write(block, head, space, to: &writer)
                }
            }
        }
    }

    private static func write(
        _ block: UnsafeBufferPointer<Int64>, _ head: Head, _ space: UnsafeMutableBufferPointer<UInt64>,
        to writer: inout ByteWriter
    ) {
        for index in block.indices { space[index] = UInt64(bitPattern: block[index] &- head.base) }
        let all = UnsafeBufferPointer(rebasing: space[..<block.count])
        let width = Int(head.width)
        BitPacking.pack(all, width: width, to: &writer)
        if head.unary > 0 { return UnaryBits.write(all, low: width, bytes: Int(head.unary), to: &writer) }
        if head.exceptions == 0 { return }
        let high = UnsafeMutableBufferPointer(rebasing: space[offsets...])
        var found = 0
        for index in all.indices where all[index] > BitPacking.mask(width) {
            writer.byte(UInt8(index))
            high[found] = all[index] >> UInt64(width)
            found += 1
        }
        BitPacking.pack(UnsafeBufferPointer(rebasing: high[..<found]), width: Int(head.extra), to: &writer)
    }

    // MARK: Read

    /// Reads the values of the rows in `wanted` of a column of `count`; leaves the reader behind the column.
    static func read(
        _ reader: inout ByteReader, count: Int, isDelta: Bool, runEnds: [Int32]?, wanted: Range<Int>,
        into out: UnsafeMutablePointer<Int64>
    ) throws(DecodingError) {
        var walk = walk(count, isDelta: isDelta, runEnds: runEnds)
        var first: Int64 = 0
        // A block that is wanted in part, and the rest of its exceptions' bits.
        let part = UnsafeMutablePointer<Int64>.allocate(capacity: 2 * offsets + 1)
        let high = part + offsets + 1
        defer { part.deallocate() }
        while let rows = walk.next() {
            let head = try head(&reader, isDelta: isDelta, first: &first)
            let payload = reader.at
            let values = isDelta ? rows.count - 1 : rows.count
            try reader.skip(BitPacking.size(values, width: Int(head.width)))
            let patches = reader.at
            let exceptions = Int(head.exceptions)
            try reader.skip(exceptions + BitPacking.size(exceptions, width: Int(head.extra)) + Int(head.unary))
            let shared = rows.clamped(to: wanted)
            if shared.isEmpty { continue }
            let target = shared.count == rows.count ? out + (rows.lowerBound - wanted.lowerBound) : part
            let offsets = isDelta ? target + 1 : target
            BitPacking.unpack(
                reader.base + payload, width: Int(head.width), count: values, base: head.base, into: offsets)
            if exceptions > 0 { try patch(reader.base + patches, head, count: values, offsets, high) }
            if head.unary > 0 {
                try UnaryBits.add(
                    reader.base + patches, bytes: Int(head.unary), low: Int(head.width), count: values, to: offsets)
            }
            if isDelta {
                var value = first
                target[0] = value
                for index in 1..<rows.count {
                    value = value &+ target[index]
                    target[index] = value
                }
            }
            if target == part {
                (out + (shared.lowerBound - wanted.lowerBound)).update(
                    from: part + (shared.lowerBound - rows.lowerBound), count: shared.count)
            }
        }
    }

    private static func head(
        _ reader: inout ByteReader, isDelta: Bool, first: inout Int64
    ) throws(DecodingError) -> Head {
        let mark = try reader.byte()
        let isUnary = mark & hasExceptions == 0 && mark >= unaryMark
        var head = Head(width: isUnary ? mark - unaryMark : mark & ~hasExceptions)
        if mark & hasExceptions != 0 {
            head.exceptions = try reader.byte()
            head.extra = try reader.byte()
        }
        guard Int(head.width) + Int(head.extra) <= 64 else {
            throw DecodingError(reason: "a bit width of \(Int(head.width) + Int(head.extra))")
        }
        if isDelta { first = first &+ (try reader.varintZigzag()) }
        head.base = try reader.varintZigzag()
        if isUnary {
            let bytes = try reader.varint()
            guard bytes > 0, bytes <= UInt64(UInt16.max) else {
                throw DecodingError(reason: "a unary part of \(bytes)")
            }
            head.unary = UInt16(bytes)
        }
        return head
    }

    private static func patch(
        _ from: UnsafeRawPointer, _ head: Head, count: Int, _ values: UnsafeMutablePointer<Int64>,
        _ high: UnsafeMutablePointer<Int64>
    ) throws(DecodingError) {
        let exceptions = Int(head.exceptions)
        BitPacking.unpack(from + exceptions, width: Int(head.extra), count: exceptions, base: 0, into: high)
        for index in 0..<exceptions {
            let place = Int(from.load(fromByteOffset: index, as: UInt8.self))
            guard place < count else { throw DecodingError(reason: "an exception outside of its block") }
            values[place] = values[place] &+ high[index] << Int64(head.width)
        }
    }
}
