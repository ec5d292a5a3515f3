import Retry
import Synchronization

/// Reads one route's attempts in the order of their start and says something about them.
protocol RouteVisitor: Sendable {
    associatedtype Output: Sendable

    /// A visitor of a route of which nothing has been read.
    init(route: Int64)

    /// Attempts not before those of earlier calls; the columns have one length.
    mutating func visit(startUs: Span<Int64>, durationUs: Span<Int64>, host: Span<Int64>, outcome: Span<Int64>)

    /// There are no more.
    mutating func finish()

    /// What is ready to be told; `nil`: nothing.
    mutating func takeOutput() -> Output?
}

/// Walks over every route's attempts in the order of `AttemptStore.attempts`, (start, attempt number), while reading
/// the store once.
///
/// Segments come in the order of their first start. Rows that start before the first start of the next one are final;
/// the others are held back until it has come. So the memory is that of the segments that overlap one instant, which is
/// little where attempts are stored as they happen. Should all overlap, as after imports without any order, the
/// routes are taken in several passes over the store, so that about `heldLimit` bytes are held at most (the route with
/// the most attempts goes in one pass, whatever it takes).
///
/// Routes are dealt to shards; a shard's routes are worked on by one thread at a time. What is told depends on the
/// attempts and on the number of shards, not on the number of threads.
struct OrderedScan<Visitor: RouteVisitor>: Sendable {
    private let plan: ScanPlan
    private let threads: Int
    private let steps: [ScanStep]

    init(_ plan: ScanPlan, threads: Int) {
        self.plan = plan
        self.threads = max(1, threads)
        steps = ScanStep.steps(of: plan)
    }

    /// Walks over everything; gives what could not be read.
    ///
    /// - Parameter tell: is given a route's code and what its visitor has to say, on the caller's thread.
    func run(
        heldLimit: Int = OrderedScanLimits.heldBytes, _ tell: (Int64, Visitor.Output) throws -> Void
    ) throws -> [SegmentDamage] {
        if steps.isEmpty { return plan.damage }
        let held = ScanStep.heldRows(steps) * HeldRow.footprint
        let passes = 1 + held / max(1, heldLimit)
        let bounds = try shardBounds(passes * OrderedScanLimits.shards)
        var damage: Set<SegmentDamage> = Set(plan.damage)
        var first = 0
        while first < bounds.count {
            let last = min(bounds.count, first + OrderedScanLimits.shards)
            let shards = (first..<last).map { index in
                OrderedShard<Visitor>(
                    from: bounds[index], to: index + 1 < bounds.count ? bounds[index + 1] : .max)
            }
            damage.formUnion(try pass(shards, tell))
            first = last
        }
        return damage.sorted { $0.segment < $1.segment }
    }

    /// The first route code of each shard, so that shards have about as many rows as each other in the largest chunk.
    private func shardBounds(_ shards: Int) throws(StoreError) -> [Int64] {
        var weights: [(route: Int64, rows: Int)] = []
        for entry in plan.entries.sorted(by: { $0.zone.rows > $1.zone.rows }) where weights.isEmpty {
            // What is damaged is named by the pass over all.
            guard case .success(let chunk) = try plan.chunk(entry, columns: []) else { continue }
            weights = chunk.runs.map { ($0.route, $0.rows.count) }
        }
        if weights.isEmpty, let chunk = plan.tail { weights = chunk.runs.map { ($0.route, $0.rows.count) } }
        let total = weights.reduce(0) { $0 + $1.rows }
        var bounds: [Int64] = [0]
        var rows = 0
        for weight in weights {
            if rows * shards >= total * bounds.count, let last = bounds.last, weight.route > last {
                bounds.append(weight.route)
            }
            rows += weight.rows
        }
        return bounds
    }

    /// One pass over the store for some shards. While they work on a chunk, the next one is read; its columns are
    /// decoded side by side then, each once for all shards.
    private func pass(
        _ shards: [OrderedShard<Visitor>], _ tell: (Int64, Visitor.Output) throws -> Void
    ) throws -> [SegmentDamage] {
        let damage = Mutex<[SegmentDamage]>([])
        let slot = Mutex<Result<ScanChunk?, StoreError>>(.success(nil))
        let decoder = ChunkDecoder()
        let read: @Sendable (Int) -> Void = { number in
            let result = Result { () throws(StoreError) in
                try steps[number].chunk(of: plan, columns: OrderedScanLimits.columns, damage)
            }
            slot.withLock { $0 = result }
        }
        read(0)
        for number in steps.indices {
            let step = steps[number]
            let chunk = try slot.withLock { try $0.get() }
            var rows: ChunkRows?
            if let chunk {
                do throws(DecodingError) {
                    rows = try decoder.decode(chunk, withAttempts: step.isShared, threads: threads)
                } catch {
                    damage.withLock { $0 += [chunk.damage(error)].compactMap { $0 } }
                }
            }
            work(shards, on: rows.flatMap { rows in chunk.map { (rows, $0) } }, step) {
                if number + 1 < steps.count { read(number + 1) }
            }
            if let rows { decoder.giveBack(rows) }
            for shard in shards { try shard.tell(tell) }
        }
        Crew.run(shards.count, threads: threads) { shards[$0].finish() }
        for shard in shards { try shard.tell(tell) }
        return damage.withLock { $0 }
    }

    /// Lets every shard see its rows of a chunk, and does something else beside that.
    private func work(
        _ shards: [OrderedShard<Visitor>], on chunk: (rows: ChunkRows, chunk: ScanChunk)?, _ step: ScanStep,
        beside: @Sendable () -> Void
    ) {
        Crew.run(shards.count + 1, threads: threads) { task in
            if task == 0 {
                beside()
            } else if let (rows, chunk) = chunk {
                shards[task - 1].read(rows, of: chunk, step)
            }
        }
    }
}

/// The measures of ordered scans.
enum OrderedScanLimits {
    /// What an ordered scan reads, in the order in which it keeps them.
    static let columns: [Column] = [.startUs, .durationUs, .host, .outcome, .attempt]
    /// Parts that the routes are dealt to: more than threads, so that these end together.
    static let shards = 16
    /// How much may be held back for chunks to come.
    static let heldBytes = 64 << 20
}

/// One chunk of an ordered scan.
struct ScanStep: Sendable {
    /// The segment; `nil`: the tail.
    var entry: SegmentEntry?
    /// Wanted starts lie in firstUs ... lastUs.
    var firstUs: Int64
    var lastUs: Int64
    var rows: Int
    /// Where the chunk stands among all in `attempts`, which decides between equals: the tail comes last.
    var place: Int
    /// The first start of the chunks to come; `nil` after the last.
    var nextUs: Int64?
    /// Whether starts of another chunk may lie among its own.
    var isShared = false

    init(entry: SegmentEntry, place: Int, filter: RowFilter) {
        self.entry = entry
        self.place = place
        firstUs = max(entry.zone.firstStartUs, filter.lowUs)
        // The end is exclusive and lies above some start, so it can be stepped back from.
        lastUs = min(entry.zone.lastStartUs, filter.toUs.map { $0 - 1 } ?? .max)
        rows = entry.zone.rows
    }

    private init(tail: ScanChunk) {
        let bounds = tail.startBounds
        (firstUs, lastUs) = (bounds.lowerBound, bounds.upperBound)
        rows = tail.runs.reduce(0) { $0 + $1.rows.count }
        place = .max
    }

    /// The chunks of a plan in the order of their first wanted start.
    static func steps(of plan: ScanPlan) -> [ScanStep] {
        var steps = plan.entries.enumerated().map { place, entry in
            ScanStep(entry: entry, place: place, filter: plan.filter)
        }
        if let tail = plan.tail { steps.append(ScanStep(tail: tail)) }
        steps.sort { ($0.firstUs, $0.place) < ($1.firstUs, $1.place) }
        var latestUs: Int64?
        for index in steps.indices {
            if let latestUs { steps[index].isShared = latestUs >= steps[index].firstUs }
            if index + 1 < steps.count {
                steps[index].nextUs = steps[index + 1].firstUs
                steps[index].isShared = steps[index].isShared || steps[index].lastUs >= steps[index + 1].firstUs
            }
            latestUs = max(latestUs ?? .min, steps[index].lastUs)
        }
        return steps
    }

    /// Bounds how many rows are held back at any time: those of the chunks that reach beyond the next one's start.
    static func heldRows(_ steps: [ScanStep]) -> Int {
        var open: [ScanStep] = []
        var most = 0
        for step in steps {
            open.append(step)
            open.removeAll { one in step.nextUs.map { one.lastUs < $0 } ?? true }
            most = max(most, open.reduce(0) { $0 + $1.rows })
        }
        return most
    }

    /// Reads the chunk; `nil` when it is damaged, which is added to `damage`.
    func chunk(
        of plan: ScanPlan, columns: [Column], _ damage: borrowing Mutex<[SegmentDamage]>
    ) throws(StoreError) -> ScanChunk? {
        guard let entry else { return plan.tail }
        switch try plan.chunk(entry, columns: columns) {
        case .success(let chunk): return chunk
        case .failure(let error):
            damage.withLock { $0.append(entry.damage(error.reason)) }
            return nil
        }
    }
}
