/// Finds the encoding that takes the fewest bytes; of equals the one with the lowest number.
///
/// Sizes are exact. What cannot win is not measured: patched blocks where they would take more for their heads alone
/// than another encoding takes in all, or clearly more than others in a sample; runs and exceptions that are more than
/// a quarter of the rows; dictionaries of more than 4,096 values.
struct EncodingChoice {
    private let values: UnsafeBufferPointer<Int64>
    /// `nil`: not a column of a segment's rows in their order, so blocks cannot follow the routes.
    private let runEnds: [Int32]?
    private let depth: Int
    private(set) var best: EncodingPlan?
    /// Every plan that was measured, for those who ask; the choice itself needs only the best.
    private var all: [EncodingPlan]?

    /// The best plan for values, of which there is at least one.
    static func best(
        for values: UnsafeBufferPointer<Int64>, runEnds: [Int32]?, depth: Int = 0
    ) -> EncodingPlan {
        var choice = EncodingChoice(values: values, runEnds: runEnds, depth: depth, keepsAll: false)
        choice.measure()
        // One of the patched encodings is always measured when no other is.
        return choice.best ?? EncodingPlan(encoding: .constant, payload: .constant(0), size: 1)
    }

    /// Every encoding that can hold the values, measured, in the order of their numbers.
    static func candidates(for values: UnsafeBufferPointer<Int64>, runEnds: [Int32]?) -> [EncodingPlan] {
        var choice = EncodingChoice(values: values, runEnds: runEnds, depth: 0, keepsAll: true)
        choice.measure()
        return (choice.all ?? []).sorted { $0.encoding.rawValue < $1.encoding.rawValue }
    }

    private init(values: UnsafeBufferPointer<Int64>, runEnds: [Int32]?, depth: Int, keepsAll: Bool) {
        self.values = values
        self.runEnds = runEnds
        self.depth = depth
        all = keepsAll ? [] : nil
    }

    private mutating func offer(_ plan: EncodingPlan) {
        all?.append(plan)
        guard let best else { return self.best = plan }
        if (plan.size, plan.encoding.rawValue) < (best.size, best.encoding.rawValue) { self.best = plan }
    }

    private mutating func measure() {
        guard let first = values.first else { return }
        if values.allSatisfy({ $0 == first }) {
            let size = ByteWriter.varintSize(zigzag: first)
            offer(EncodingPlan(encoding: .constant, payload: .constant(first), size: size))
            return
        }
        let profile = ColumnProfile(values)
        if depth < Encoding.depthLimit {
            if profile.runs <= max(2, values.count / 4) { offerRuns(profile.runs) }
            if let others = profile.others(in: values, most: values.count / 4) { offerSparse(profile.common, others) }
        }
        for encoding in promisingBlocks() { offerPatched(encoding) }
        if depth < Encoding.depthLimit { offerDictionary(profile) }
    }

    /// The kinds of blocks that may be the smallest. In long columns, those that take a twentieth more than another in
    /// a sample of the blocks are left out.
    private func promisingBlocks() -> [Encoding] {
        let kinds: [Encoding] =
            runEnds == nil ? [.patched, .delta] : [.patched, .delta, .patchedByRoute, .deltaByRoute]
        if all != nil || values.count < 64 * PatchedBlocks.offsets { return kinds }
        let sizes = kinds.map {
            let runEnds = $0.isByRoute ? runEnds : nil
            return PatchedBlocks.measure(
                values, isDelta: $0.isDelta, runEnds: runEnds, mayBeUnary: mayBeUnary($0), step: 8
            ).size
        }
        let least = sizes.min() ?? 0
        return zip(kinds, sizes).filter { 20 * $0.1 <= 21 * least }.map(\.0)
    }

    private mutating func offerPatched(_ encoding: Encoding) {
        // Two bytes of head a block are the least.
        let blockRows = PatchedBlocks.offsets + (encoding.isDelta ? 1 : 0)
        let least = 2 * ((values.count + blockRows - 1) / blockRows)
        if all == nil, let best, best.size < least { return }
        let measure = PatchedBlocks.measure(
            values, isDelta: encoding.isDelta, runEnds: encoding.isByRoute ? runEnds : nil,
            mayBeUnary: mayBeUnary(encoding))
        offer(EncodingPlan(encoding: encoding, payload: .patched(measure.heads), size: measure.size))
    }

    /// A column's own values are read too often to be slow.
    private func mayBeUnary(_ encoding: Encoding) -> Bool { encoding.isDelta || depth > 0 }

    private mutating func offerSparse(_ common: Int64, _ others: Int) {
        var gaps: [Int64] = []
        var found: [Int64] = []
        gaps.reserveCapacity(others)
        found.reserveCapacity(others)
        var next = 0
        for index in values.indices where values[index] != common {
            gaps.append(Int64(index - next))
            found.append(values[index])
            next = index + 1
        }
        let places = part(gaps)
        let rest = part(found)
        let size =
            ByteWriter.varintSize(zigzag: common) + ByteWriter.varintSize(UInt64(others)) + places.size + rest.size
        offer(
            EncodingPlan(
                encoding: .sparse, payload: .sparse(common: common, gaps: places, values: rest), size: size))
    }

    private mutating func offerRuns(_ count: Int) {
        var runs: [Int64] = []
        var lengths: [Int64] = []
        runs.reserveCapacity(count)
        lengths.reserveCapacity(count)
        var start = 0
        for index in values.indices where index + 1 == values.count || values[index + 1] != values[index] {
            runs.append(values[index])
            lengths.append(Int64(index + 1 - start))
            start = index + 1
        }
        let (values, lengthPart) = (part(runs), part(lengths))
        let size = ByteWriter.varintSize(UInt64(runs.count)) + values.size + lengthPart.size
        offer(
            EncodingPlan(
                encoding: .runLength, payload: .runLength(values: values, lengths: lengthPart), size: size))
    }

    private mutating func offerDictionary(_ profile: ColumnProfile) {
        let most = min(Encoding.dictionaryLimit, values.count / 2)
        guard let found = DistinctValues(of: values, profile, limit: most) else { return }
        let distinct = part(found.values)
        // Codes as runs or as exceptions would be no smaller than the values so: only blocks are measured.
        let codes = part(found.codes, runEnds: runEnds, depth: Encoding.depthLimit)
        let size = ByteWriter.varintSize(UInt64(found.values.count)) + distinct.size + codes.size
        offer(
            EncodingPlan(encoding: .dictionary, payload: .dictionary(distinct: distinct, codes: codes), size: size))
    }

    private func part(_ values: [Int64], runEnds: [Int32]? = nil, depth: Int? = nil) -> EncodingPlan.Part {
        EncodingPlan.Part(
            values: values,
            plan: values.withUnsafeBufferPointer {
                EncodingChoice.best(for: $0, runEnds: runEnds, depth: depth ?? self.depth + 1)
            })
    }
}

/// What one look at a column tells of the encodings that may suit it.
struct ColumnProfile {
    var least: Int64
    var most: Int64
    /// Runs of equal values.
    var runs = 1
    /// The value of more than half of the rows, if there is one.
    var common: Int64

    init(_ values: UnsafeBufferPointer<Int64>) {
        (least, most, common) = (values[0], values[0], values[0])
        // Boyer and Moore's majority vote.
        var votes = 1
        for index in 1..<max(1, values.count) {
            let value = values[index]
            least = min(least, value)
            most = max(most, value)
            if value != values[index &- 1] { runs &+= 1 }
            if value == common {
                votes &+= 1
            } else if votes == 0 {
                common = value
                votes = 1
            } else {
                votes &-= 1
            }
        }
    }

    /// How many rows have another value than the common one; `nil` if more than `most`.
    func others(in values: UnsafeBufferPointer<Int64>, most: Int) -> Int? {
        var count = 0
        for value in values where value != common { count &+= 1 }
        return count <= most ? count : nil
    }
}

/// The distinct values of a column, sorted, and each row's position among them.
private struct DistinctValues {
    var values: [Int64]
    var codes: [Int64]

    /// `nil` when there are more than `limit`, or when the values are their own codes, but for a base.
    init?(of column: UnsafeBufferPointer<Int64>, _ profile: ColumnProfile, limit: Int) {
        // Open addressing at a load of at most a quarter; a slot holds 1 + the number of a value, 0 when free.
        let mask = Encoding.dictionaryLimit * 4 - 1
        var slots = [Int32](repeating: 0, count: mask + 1)
        var found: [Int64] = []
        var numbers = [Int64](repeating: 0, count: column.count)
        for index in column.indices {
            let value = column[index]
            if index > 0, value == column[index - 1] {
                numbers[index] = numbers[index - 1]
                continue
            }
            var slot = Int(truncatingIfNeeded: (UInt64(bitPattern: value) &* 0x9E37_79B9_7F4A_7C15) >> 44) & mask
            while slots[slot] != 0, found[Int(slots[slot]) - 1] != value { slot = (slot + 1) & mask }
            if slots[slot] == 0 {
                if found.count == limit { return nil }
                found.append(value)
                slots[slot] = Int32(found.count)
            }
            numbers[index] = Int64(slots[slot]) - 1
        }
        if UInt64(bitPattern: profile.most &- profile.least) < UInt64(found.count) { return nil }
        let order = found.indices.sorted { found[$0] < found[$1] }
        var rank = [Int64](repeating: 0, count: found.count)
        for (position, number) in order.enumerated() { rank[number] = Int64(position) }
        for index in numbers.indices { numbers[index] = rank[Int(numbers[index])] }
        values = order.map { found[$0] }
        codes = numbers
    }
}
