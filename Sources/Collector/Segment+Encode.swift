extension Segment {
    /// The bytes of rows that are sorted for a segment.
    ///
    /// - Parameter places: each row's host as its place among the hosts of its route (`RouteHosts`); `nil`: hosts are
    ///   kept as codes.
    static func encode(_ rows: Rows, zone: ZoneMap, places: [Int64]? = nil) -> [UInt8] {
        let runEnds = rows.runEnds
        let plans = Column.allCases.map { ColumnPlan.best(for: $0, of: rows, places: places, runEnds: runEnds) }
        let bodyStart = headerSize + entrySize * plans.count + digestSize
        return ByteWriter.bytes(bodyStart + plans.reduce(0) { $0 + $1.size }) { writer in
            let head = writer.claim(bodyStart)
            let parts = zip(Column.allCases, plans).map { column, plan -> (ColumnPlan, Part) in
                let from = writer.count
                plan.write(rows[column], runEnds: runEnds, to: &writer)
                return (plan, Part(plan, from: from, to: writer.count, in: writer.written))
            }
            let header = ByteWriter.bytes(bodyStart) { header in
                header.fixed(magic)
                header.fixed(formatVersion)
                header.fixed(UInt16(plans.count))
                header.fixed(UInt32(rows.count))
                header.fixed(UInt32(bodyStart))
                header.fixed(zone.firstStartUs)
                header.fixed(zone.lastStartUs)
                header.fixed(UInt32(truncatingIfNeeded: zone.minRoute))
                header.fixed(UInt32(truncatingIfNeeded: zone.maxRoute))
                for (column, part) in zip(Column.allCases, parts.map(\.1)) { part.write(column, to: &header) }
                header.fixed(XXH64.hash(header.written))
            }
            header.withUnsafeBytes { if let from = $0.baseAddress { head.copyMemory(from: from, byteCount: $0.count) } }
        }
    }
}

extension Segment.Part {
    /// What the directory says of a column that was just written.
    fileprivate init(_ plan: ColumnPlan, from: Int, to: Int, in bytes: UnsafeRawBufferPointer) {
        self.init(
            encoding: plan.plan.encoding, transform: plan.transform, from: from, to: to,
            digest: XXH64.hash(UnsafeRawBufferPointer(rebasing: bytes[from..<to])))
    }

    fileprivate func write(_ column: Column, to header: inout ByteWriter) {
        header.byte(column.rawValue)
        header.byte(encoding.rawValue)
        header.byte(transform.rawValue)
        header.byte(0)
        header.fixed(UInt32(from))
        header.fixed(UInt32(to - from))
        header.fixed(UInt32(0))
        header.fixed(digest)
    }
}

/// What is done to a column's values before they are encoded. The numbers stand in segments and never change meaning.
enum ColumnTransform: UInt8, Sendable {
    /// Nothing.
    case none = 0
    /// Hosts as places among the hosts of their routes; see `RouteHosts`.
    case places = 1
    /// Requests, in order of start, as what they are beyond the next number; see `RequestSequence`.
    case sequence = 2
}

/// How one column of a segment will be written.
struct ColumnPlan {
    var transform = ColumnTransform.none
    /// The transformed values; `nil`: the column as it is.
    var values: [Int64]?
    var plan: EncodingPlan

    var size: Int { plan.size }

    /// The smallest, of equals the untransformed.
    static func best(for column: Column, of rows: Rows, places: [Int64]?, runEnds: [Int32]) -> ColumnPlan {
        switch column {
        case .host:
            guard let places else { break }
            let asPlaces = ColumnPlan(
                transform: .places, values: places,
                plan: places.withUnsafeBufferPointer { EncodingChoice.best(for: $0, runEnds: runEnds) })
            let direct = Self.direct(rows[column], runEnds)
            return asPlaces.size < direct.size ? asPlaces : direct
        case .request:
            let order = rows[.startUs].withUnsafeBufferPointer { RowOrder.byStart($0) }
            let surpluses = RequestSequence.surpluses(rows[.request], order: order)
            let sequence = ColumnPlan(
                transform: .sequence, values: surpluses,
                plan: surpluses.withUnsafeBufferPointer { EncodingChoice.best(for: $0, runEnds: nil) })
            // Below two bits a row the numbers came as a sequence: sorted by route they would take far more.
            if sequence.size * 4 < rows.count { return sequence }
            let direct = Self.direct(rows[column], runEnds)
            return sequence.size < direct.size ? sequence : direct
        default: break
        }
        // The routes' own blocks cannot follow the routes.
        return direct(rows[column], column == .route ? nil : runEnds)
    }

    private static func direct(_ values: [Int64], _ runEnds: [Int32]?) -> ColumnPlan {
        ColumnPlan(plan: values.withUnsafeBufferPointer { EncodingChoice.best(for: $0, runEnds: runEnds) })
    }

    func write(_ column: [Int64], runEnds: [Int32], to writer: inout ByteWriter) {
        (values ?? column).withUnsafeBufferPointer {
            // In order of start, routes have no blocks.
            plan.write($0, runEnds: transform == .sequence ? nil : runEnds, to: &writer)
        }
    }
}
