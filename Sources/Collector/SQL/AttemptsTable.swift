import Retry

/// The table `attempts`: segments and tail as plain SQL rows. Conditions on start, route, outcome, host, request,
/// attempt and status spare segments or rows, only columns in use are decoded, and the order that was asked for is
/// given where that is cheap.
final class AttemptsTable: BlockTable {
    static let columns: [(name: String, kind: CellKind)] = Column.allCases.map { column in
        switch column {
        case .route: (column.name, .route)
        case .host: (column.name, .host)
        case .method: (column.name, .method)
        case .outcome: (column.name, .outcome)
        default: (column.name, .integer)
        }
    }

    static var declaration: String { declaration("attempts", columns) }

    init(view: StoreView) { super.init(name: "attempts", columns: Self.columns, view: view) }

    override func plan(_ request: IndexRequest) -> Bool {
        var plan = AttemptsPlan(view.outline())
        plan.choose(request)
        return true
    }

    override func rows(plan: Int32, arguments: PlanArguments) throws(StoreError) -> any BlockSource {
        let (filter, columns, order) = AttemptsPlan.read(plan, arguments, names: view.names)
        if filter.isEmpty { return NoRows() }
        return switch order {
        case .stored: StoredOrderWalk(view, filter: filter, columns: columns)
        case .byStart(let descends): StartOrderWalk(view, filter: filter, columns: columns, descending: descends)
        case .byRoute(let direction):
            RouteOrderWalk(view, for: .attempts, filter: filter, columns: columns, direction: direction)
        }
    }
}
