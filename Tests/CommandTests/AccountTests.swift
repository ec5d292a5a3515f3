import Glibc
import Testing

@testable import meantime

/// Who does it.
struct AccountTests {
    @Test func `the record names user and host`() {
        let parts = Account.current.split(separator: "@")
        #expect(parts.count == 2)
        #expect(Account.user(0) == "root")
        #expect(Account.user(4_000_000_000) == "uid-4000000000")
    }
}
