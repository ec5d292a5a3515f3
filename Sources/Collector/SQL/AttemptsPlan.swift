import Retry

/// What the table `attempts` takes over of a statement: chosen once when it is prepared, read back at each run.
struct AttemptsPlan {
    enum Order { case stored, byStart(descends: Bool), byRoute(RouteOrderWalk.Direction) }

    // The plan is one number. Its lowest bits are the columns in use.
    private static let low: Int32 = 1 << 15
    private static let high: Int32 = 1 << 16
    private static let exact: Int32 = 1 << 17
    /// The bound itself is outside.
    private static let lowIsStrict: Int32 = 1 << 18
    private static let highIsStrict: Int32 = 1 << 19
    private static let route: Int32 = 1 << 20
    private static let outcome: Int32 = 1 << 21
    private static let startAscends: Int32 = 1 << 26
    private static let startDescends: Int32 = 1 << 27
    private static let byRoute: Int32 = 1 << 28
    private static let byOutcome: Int32 = 1 << 29
    private static let routesDescend: Int32 = 1 << 30
    /// Free in a plan that is by route.
    private static let outcomesDescend = startDescends
    /// Columns whose values are compared row by row.
    private static let others: [(column: Column, bit: Int32)] = [
        (.host, 1 << 22), (.request, 1 << 23), (.attempt, 1 << 24), (.status, 1 << 25),
    ]

    /// More segments that overlap in time than this are not merged.
    private static let mostOverlapping = 4

    private let entries: [SegmentEntry]
    private let tailRows: Int
    private let routes: Int
    private var plan: Int32 = 0
    private var words: [String] = []
    private var filter = AttemptsFilter()
    /// The share of the rows that pass what is not in `filter`.
    private var share = 1.0

    init(_ outline: (entries: [SegmentEntry], tailRows: Int, routes: Int)) {
        (entries, tailRows, routes) = outline
    }

    // MARK: When a statement is prepared

    mutating func choose(_ asked: IndexRequest) {
        var request = asked
        let conditions = request.conditions()
        let columns = ColumnSet(rawValue: UInt32(truncatingIfNeeded: request.usedColumns)).intersection(.all)
        plan = Int32(columns.rawValue)
        takeTime(conditions, &request)
        takeEqualities(conditions, &request)
        let ordered = takeOrder(conditions, request)
        let used = Column.allCases.filter(columns.contains).map(\.name)
        let what = (words.isEmpty ? "every attempt" : words.joined(separator: ", "))
        let (read, given) = estimate()
        request.answer(
            plan: plan, words: "\(what); columns: \(used.isEmpty ? "none" : used.joined(separator: ", "))",
            rows: given,
            cost: 50 + read * (0.02 + 0.01 * Double(used.count)) + given * (0.5 + 0.1 * Double(used.count)),
            isOrdered: ordered)
    }

    /// Whether the order asked for is given.
    private mutating func takeOrder(_ conditions: [IndexRequest.Condition], _ request: IndexRequest) -> Bool {
        let hasOneRoute = conditions.contains { $0.column == Column.route.index && $0.comparison == .equal }
        let order = request.order.filter { !hasOneRoute || $0.column != Column.route.index }
        let columns = order.map(\.column)
        if columns == [Column.startUs.index] {
            guard StartOrderWalk.depth(entries.filter(filter.canMatch)) <= Self.mostOverlapping else { return false }
            plan |= order[0].descends ? Self.startDescends : Self.startAscends
            words.append(order[0].descends ? "latest first" : "earliest first")
            return true
        }
        // Also for a GROUP BY in its true order: SQLite takes groups for ordered when an ORDER BY asks for the same.
        guard columns.first == Column.route.index,
            columns.count == 1 || columns == [Column.route.index, Column.outcome.index]
        else { return false }
        plan |= Self.byRoute
        if order[0].descends { plan |= Self.routesDescend }
        if columns.count == 2 { plan |= Self.byOutcome }
        if columns.count == 2, order[1].descends { plan |= Self.outcomesDescend }
        words.append(columns.count == 2 ? "by route and outcome" : "by route")
        return true
    }

    private mutating func takeTime(_ conditions: [IndexRequest.Condition], _ request: inout IndexRequest) {
        let onStart = conditions.filter { $0.column == Column.startUs.index }
        let low = onStart.first { [.greater, .greaterOrEqual].contains($0.comparison) }
        let high = onStart.first { [.less, .lessOrEqual].contains($0.comparison) }
        let exact = onStart.first { [.equal, .oneOf].contains($0.comparison) }
        if let low {
            take(low, Self.low, &request)
            if low.comparison == .greater { plan |= Self.lowIsStrict }
            if let bound = low.value?.integer { filter.time.fromUs = bound } else { share /= 4 }
        }
        if let high {
            take(high, Self.high, &request)
            if high.comparison == .less { plan |= Self.highIsStrict }
            if let bound = high.value?.integer { filter.time.toUs = bound } else { share /= 4 }
        }
        if let exact {
            take(exact, Self.exact, &request)
            share /= 1e4
            if let bound = exact.value?.integer, bound < .max {
                (filter.time.fromUs, filter.time.toUs) = (bound, bound + 1)
                share = 1e-4
            }
        }
        if low != nil || high != nil {
            words.append(low == nil ? "start_us until" : high == nil ? "start_us from" : "start_us range")
        }
        if let exact { words.append(exact.comparison == .oneOf ? "start_us IN" : "start_us =") }
    }

    private mutating func takeEqualities(_ conditions: [IndexRequest.Condition], _ request: inout IndexRequest) {
        func first(_ column: Column) -> IndexRequest.Condition? {
            let found = conditions.filter { $0.column == column.index }
            return found.first { $0.comparison == .equal } ?? found.first { $0.comparison == .oneOf }
        }
        if let route = first(.route) {
            take(route, Self.route, &request)
            words.append(route.comparison == .oneOf ? "route IN" : "route =")
            share /= Double(max(1, routes)) / (route.comparison == .oneOf ? min(4, Double(max(1, routes))) : 1)
        }
        if let outcome = first(.outcome) {
            take(outcome, Self.outcome, &request)
            words.append(outcome.comparison == .oneOf ? "outcome IN" : "outcome =")
            if let name = outcome.value?.text {
                filter.outcomes = Outcome(name: name).map { 1 << $0.rawValue } ?? 0
            } else {
                share /= outcome.comparison == .oneOf ? 2 : 7
            }
        }
        for (column, bit) in Self.others {
            guard let condition = first(column) else { continue }
            take(condition, bit, &request)
            words.append("\(column.name) \(condition.comparison == .oneOf ? "IN" : "=")")
            share /= column == .request ? 1e5 : column == .host ? Double(max(4, 4 * routes)) / 4 : 10
        }
        // All that are left are of this kind, so it needs no bit.
        for condition in conditions where condition.column == Column.outcome.index && condition.comparison == .notEqual
        {
            request.take(condition)
            words.append("outcome <>")
            if let name = condition.value?.text, let outcome = Outcome(name: name) {
                filter.outcomes &= ~(1 << outcome.rawValue)
            }
        }
    }

    private mutating func take(_ condition: IndexRequest.Condition, _ bit: Int32, _ request: inout IndexRequest) {
        request.take(condition)
        plan |= bit
    }

    /// How many rows are decoded and how many SQLite gets, from the zone maps.
    private func estimate() -> (read: Double, given: Double) {
        var (read, given) = (Double(tailRows), Double(tailRows))
        for entry in entries where entry.isSound && filter.canMatch(entry) {
            let zone = entry.zone
            let (first, last) = (Double(zone.firstStartUs), Double(zone.lastStartUs))
            let from = max(first, Double(filter.time.lowUs))
            let to = min(last, filter.time.toUs.map(Double.init) ?? last)
            let inTime = Double(zone.rows) * (last > first ? max(0, to - from) / (last - first) : 1)
            let wanted = zone.outcomes.enumerated().reduce(Int64(0)) {
                filter.outcomes >> UInt8($1.offset) & 1 == 1 ? $0 + $1.element : $0
            }
            read += inTime
            given += inTime * Double(wanted) / Double(max(1, zone.rows))
        }
        return (read, max(1, given * share))
    }

    // MARK: When it runs

    static func read(
        _ plan: Int32, _ given: PlanArguments, names: Names
    ) -> (filter: AttemptsFilter, columns: ColumnSet, order: Order) {
        var filter = AttemptsFilter()
        var arguments = given
        func argument(_ bit: Int32) -> SQLArgument? { plan & bit != 0 ? arguments.next() : nil }
        // Only whole numbers narrow the walk; for anything else SQLite's own check decides.
        if let value = argument(low)?.integer {
            filter.time.fromUs = plan & lowIsStrict != 0 && value < .max ? value + 1 : value
        }
        if let value = argument(high)?.integer {
            if plan & highIsStrict != 0 {
                filter.time.toUs = value
            } else if value < .max {
                filter.time.toUs = value + 1
            }
        }
        if let values = argument(exact)?.oneOf(\.integer) {
            filter.time.fromUs = max(filter.time.fromUs ?? .min, values.min() ?? .max)
            let last = values.max() ?? .min
            if last < .max { filter.time.toUs = min(filter.time.toUs ?? .max, last + 1) }
        }
        if let routes = argument(route)?.oneOf(\.text) {
            filter.routes = Set(routes.compactMap { names[.route].code(of: $0) }).sorted()
        }
        if let outcomes = argument(outcome)?.oneOf(\.text) {
            filter.outcomes = outcomes.compactMap { Outcome(name: $0) }.reduce(0) { $0 | 1 << $1.rawValue }
        }
        for (column, bit) in others {
            guard let value = argument(bit) else { continue }
            let values =
                column == .host
                ? value.oneOf(\.text).map { $0.compactMap { names[.host].code(of: $0) } } : value.oneOf(\.integer)
            if let values { filter.others.append(.init(column: column, values: Set(values).sorted())) }
        }
        while let value = arguments.next() {
            if let outcome = value.text.flatMap({ Outcome(name: $0) }) { filter.outcomes &= ~(1 << outcome.rawValue) }
            // Nothing is unequal to NULL.
            if value.isNull { filter.outcomes = 0 }
        }
        let order: Order =
            if plan & byRoute != 0 {
                .byRoute(
                    .init(
                        routesDescend: plan & routesDescend != 0,
                        outcomesDescend: plan & byOutcome != 0 ? plan & outcomesDescend != 0 : nil))
            } else if plan & (startAscends | startDescends) != 0 {
                .byStart(descends: plan & startDescends != 0)
            } else {
                .stored
            }
        return (filter, ColumnSet(rawValue: UInt32(plan)).intersection(.all), order)
    }
}
