import CSQLite
import Retry

/// The functions that statements over a store may use besides SQLite's own:
///
/// - `iso(us)`: UNIX microseconds as `2026-11-22T02:00:00.123456Z`; NULL for NULL.
/// - `quantile(x, p)`: the aggregate of that name, exact; NULL where there is no number.
enum SQLFunctions {
    private static let flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS

    static func register(on connection: Connection) throws(StoreError) {
        var code = sqlite3_create_function_v2(connection.handle, "iso", 1, flags, nil, iso, nil, nil, nil)
        if code == SQLITE_OK {
            code = sqlite3_create_function_v2(
                connection.handle, "quantile", 2, flags, nil, nil, addToQuantile, endQuantile, nil)
        }
        guard code == SQLITE_OK else { throw connection.error() }
    }

    /// Functions of the extension, where damage ends a statement unless one says otherwise:
    ///
    /// - `meantime_skip_damage(1)`: from now on statements go on without what is damaged; `0`: they end with an error.
    /// - `meantime_damage()`: what was left out so far, a line each; NULL when nothing was.
    static func registerDamage(on view: StoreView) throws(StoreError) {
        let handle = view.reader.connection.handle
        let release: @convention(c) (UnsafeMutableRawPointer?) -> Void = {
            $0.map { Unmanaged<StoreView>.fromOpaque($0).release() }
        }
        var code = sqlite3_create_function_v2(
            handle, "meantime_skip_damage", 1, SQLITE_UTF8 | SQLITE_DIRECTONLY, Unmanaged.passRetained(view).toOpaque(),
            skipDamage, nil, nil, release)
        if code == SQLITE_OK {
            code = sqlite3_create_function_v2(
                handle, "meantime_damage", 0, SQLITE_UTF8, Unmanaged.passRetained(view).toOpaque(), damage, nil, nil,
                release)
        }
        guard code == SQLITE_OK else { throw view.reader.connection.error() }
    }
}

private func iso(_ context: OpaquePointer?, _: Int32, _ values: UnsafeMutablePointer<OpaquePointer?>?) {
    guard let value = values?[0] else { return }
    switch sqlite3_value_type(value) {
    case SQLITE_NULL: return
    case SQLITE_INTEGER: give(Timestamp.format(sqlite3_value_int64(value)), to: context)
    default: refuse(context, "iso: UNIX microseconds must be a whole number")
    }
}

private func give(_ text: String, to context: OpaquePointer?) {
    sqlite3_result_text(context, text, -1, Statement.transient)
}

private func refuse(_ context: OpaquePointer?, _ reason: String) { sqlite3_result_error(context, reason, -1) }

/// The state of one aggregate.
private final class QuantileState {
    var quantile = Quantile()
    var p = 0.0
}

private func addToQuantile(_ context: OpaquePointer?, _: Int32, _ values: UnsafeMutablePointer<OpaquePointer?>?) {
    let size = Int32(MemoryLayout<UnsafeMutableRawPointer?>.size)
    guard let value = values?[0], let share = values?[1],
        let place = sqlite3_aggregate_context(context, size)?.assumingMemoryBound(to: UnsafeMutableRawPointer?.self)
    else { return sqlite3_result_error_nomem(context) }
    let state: QuantileState
    if let there = place.pointee {
        state = Unmanaged<QuantileState>.fromOpaque(there).takeUnretainedValue()
        guard sqlite3_value_double(share) == state.p else {
            return refuse(context, "quantile: the share must be the same for all values")
        }
    } else {
        state = QuantileState()
        state.p = sqlite3_value_double(share)
        let isNumber = [SQLITE_INTEGER, SQLITE_FLOAT].contains(sqlite3_value_type(share))
        guard isNumber, state.p >= 0, state.p <= 1 else {
            return refuse(
                context, "quantile: the share must be a number from 0 to 1, as in quantile(duration_us, 0.99)")
        }
        place.pointee = Unmanaged.passRetained(state).toOpaque()
    }
    switch sqlite3_value_type(value) {
    case SQLITE_INTEGER: state.quantile.add(sqlite3_value_int64(value))
    case SQLITE_FLOAT: state.quantile.add(sqlite3_value_double(value))
    case SQLITE_NULL: return
    default: refuse(context, "quantile: its values must be numbers")
    }
}

private func endQuantile(_ context: OpaquePointer?) {
    guard let place = sqlite3_aggregate_context(context, 0)?.assumingMemoryBound(to: UnsafeMutableRawPointer?.self),
        let there = place.pointee
    else { return }
    let state = Unmanaged<QuantileState>.fromOpaque(there).takeRetainedValue()
    place.pointee = nil
    switch state.quantile.value(state.p) {
    case .integer(let value): sqlite3_result_int64(context, value)
    case .real(let value): sqlite3_result_double(context, value)
    default: return
    }
}

private func view(of context: OpaquePointer?) -> StoreView? {
    sqlite3_user_data(context).map { Unmanaged<StoreView>.fromOpaque($0).takeUnretainedValue() }
}

private func skipDamage(_ context: OpaquePointer?, _: Int32, _ values: UnsafeMutablePointer<OpaquePointer?>?) {
    guard let value = values?[0], let view = view(of: context) else { return }
    view.skipsDamage = sqlite3_value_int64(value) != 0
    give(view.skipsDamage ? "what is damaged is left out" : "damage ends a statement", to: context)
}

private func damage(_ context: OpaquePointer?, _: Int32, _: UnsafeMutablePointer<OpaquePointer?>?) {
    guard let view = view(of: context), !view.damage.isEmpty else { return }
    give(view.damage.map(\.description).joined(separator: "\n"), to: context)
}
