import Collector
import CSQLiteExtension

/// Called by the extension's C part for each connection that loads it.
///
/// - Returns: 0, or 1 with what was wrong in `message`, cut to `capacity` bytes with its zero.
@_cdecl("meantime_register")
func register(_ connection: OpaquePointer, _ message: UnsafeMutablePointer<CChar>, _ capacity: Int32) -> Int32 {
    do throws(StoreError) {
        try StoreTables.register(on: connection)
        return 0
    } catch {
        let bytes = error.message.utf8.prefix(Int(capacity) - 1)
        for (index, byte) in bytes.enumerated() { message[index] = CChar(bitPattern: byte) }
        message[bytes.count] = 0
        return 1
    }
}
