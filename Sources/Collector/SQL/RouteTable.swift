import Retry

/// A table that is made of the attempts, route by route. A condition on the route is taken over.
class RouteTable: BlockTable {
    // The plan is one number: the columns in use, the route, the arguments.
    private static let route: Int32 = 1 << 20
    private static func argument(_ index: Int) -> Int32 { 1 << Int32(21 + index) }

    /// About how many rows it has.
    func estimate(_ outline: (entries: [SegmentEntry], tailRows: Int, routes: Int)) -> Double { 1_000 }

    /// The rows of the routes that pass, with the arguments as numbers.
    ///
    /// - Parameter columns: one bit each for the columns in use.
    func rows(_ filter: AttemptsFilter, columns: UInt32, arguments: [Int64?]) -> any BlockSource { NoRows() }

    override func plan(_ asked: IndexRequest) -> Bool {
        // Without its arguments this would be another table: SQLite must find another order of the join.
        if asked.lacksValue(from: columns.count) { return false }
        var request = asked
        var plan = Int32(truncatingIfNeeded: asked.usedColumns & ((1 << UInt64(columns.count)) - 1))
        var words: [String] = []
        let outline = view.outline()
        var rows = estimate(outline)
        let conditions = request.conditions()
        let route = columns.firstIndex { $0.name == "route" }
        let onRoute = conditions.filter { $0.column == route }
        if let one = onRoute.first(where: { $0.comparison == .equal })
            ?? onRoute.first(where: { $0.comparison == .oneOf })
        {
            request.take(one)
            plan |= Self.route
            words.append(one.comparison == .oneOf ? "route IN" : "route =")
            rows /= Double(max(1, outline.routes))
        }
        for (index, name) in arguments.enumerated() {
            let condition = conditions.first {
                $0.column == columns.count + index && [.equal, .oneOf].contains($0.comparison)
            }
            guard let condition else { continue }
            request.take(condition, isFinal: true, isList: false)
            plan |= Self.argument(index)
            words.append(name)
        }
        let attempts = outline.entries.reduce(outline.tailRows) { $0 + ($1.isSound ? $1.zone.rows : 0) }
        let share = plan & Self.route == 0 ? 1 : 1 / Double(max(1, outline.routes))
        // The routes come by name.
        let isOrdered = request.order.count == 1 && request.order[0].column == route && !request.order[0].descends
        request.answer(
            plan: plan, words: words.isEmpty ? "every route" : words.joined(separator: ", "), rows: rows,
            cost: 100 + Double(attempts) * 0.2 * share + rows, isOrdered: isOrdered)
        return true
    }

    override func rows(plan: Int32, arguments given: PlanArguments) throws(StoreError) -> any BlockSource {
        var filter = AttemptsFilter()
        var given = given
        if plan & Self.route != 0, let names = given.next()?.oneOf(\.text) {
            filter.routes = Set(names.compactMap { view.names[.route].code(of: $0) }).sorted()
        }
        var values: [Int64?] = arguments.map { _ in nil }
        for index in values.indices where plan & Self.argument(index) != 0 {
            guard let argument = given.next() else { continue }
            guard argument.isNull || argument.integer != nil else {
                throw StoreError(
                    .sql, path: view.reader.connection.path,
                    "\(name): the argument \(arguments[index]) must be UNIX microseconds, a whole number, or NULL")
            }
            values[index] = argument.integer
        }
        if filter.isEmpty { return NoRows() }
        let used = UInt32(truncatingIfNeeded: plan) & ((1 << UInt32(columns.count)) - 1)
        return rows(filter, columns: used, arguments: values)
    }
}

/// Rows made of one route at a time.
class RouteRows: BlockSource {
    let block: ColumnBlock
    private let walk: RouteOrderWalk
    private var route: Int64 = -1
    private var rowsOfRoute: Int64 = 0
    /// Whether `makeMore` has rows of the route to make yet.
    var isUnfinished = false

    /// - Parameter purpose: `.requests` where `make` may be given a route several times, with other requests each time.
    init(
        _ view: StoreView, for purpose: RouteOrderWalk.Purpose = .routes, width: Int, filter: AttemptsFilter,
        columns: ColumnSet
    ) {
        block = ColumnBlock(width: width, capacity: 256)
        walk = RouteOrderWalk(view, for: purpose, filter: filter, columns: columns, direction: .ascending)
        // All columns exist, for SQLite may ask for one that the statement does not use.
        for index in 0..<width { _ = block.column(index) }
    }

    /// Writes the rows that a route's attempts make into the block, which has no rows before; all of them, or the
    /// first ones.
    func make(route: Int64, of windows: [BlockWindow]) {}

    /// Writes the next of them into the block, which has no rows before.
    func makeMore() {}

    final func next() throws(StoreError) -> BlockWindow? {
        while true {
            block.clear(for: 0)
            if isUnfinished {
                makeMore()
            } else {
                guard let (route, windows) = try walk.nextGroup() else { return nil }
                if route != self.route { (self.route, rowsOfRoute) = (route, 0) }
                make(route: route, of: windows)
            }
            if block.selected == 0 { continue }
            // The same in every pass: SQLite asks once for each side of an OR and takes equal numbers for equal rows.
            block.number(from: route << 32 + rowsOfRoute)
            rowsOfRoute += Int64(block.selected)
            return BlockWindow(block: block, positions: 0..<block.selected)
        }
    }
}

extension BlockWindow {
    /// A column's values and the rows to look at.
    func values(_ column: Column) -> UnsafeMutablePointer<Int64> { block.column(column.index) }

    /// The numbers of its rows in the block.
    var rows: UnsafeBufferPointer<Int32> {
        UnsafeBufferPointer(start: block.selection + positions.lowerBound, count: positions.count)
    }
}
