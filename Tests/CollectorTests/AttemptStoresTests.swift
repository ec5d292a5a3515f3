import Foundation
import Glibc
import Retry
import Synchronization
import TestSupport
import Testing

@testable import Collector

/// Several stores as one source.
@Suite struct AttemptStoresTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func store(_ name: String, _ attempts: [Attempt]) throws -> AttemptStore {
        let store = try AttemptStore.open(path: directory.file(name), mode: .readWrite, sealAfterRows: 700)
        try store.append(attempts)
        return store
    }

    /// Attempts of which no two begin at once, so that their order is one thing only.
    private static func attempts(_ count: Int, seed: UInt64) -> [Attempt] {
        var attempts = Sample.attempts(count, seed: seed, extremes: false)
        for index in attempts.indices { attempts[index].startUs = 1_790_000_000_000_000 + Int64(index) * 500 }
        return attempts
    }

    @Test(arguments: [2, 3]) func `stores that share out a log give what one store of it gives`(parts: Int) throws {
        let all = Self.attempts(3_000, seed: 11)
        let whole = try store("whole.db", all)
        // By request, as proxies would: the attempts of one stay together.
        let stores = try (0..<parts).map { part in
            try store("\(part).db", all.filter { Int($0.request) % parts == part })
        }
        let merged = try AttemptStores(stores)
        for (fromUs, toUs) in [(nil, nil), (all[500].startUs, all[2_200].startUs)] as [(Int64?, Int64?)] {
            #expect(try merged.routes(fromUs: fromUs, toUs: toUs) == whole.routes(fromUs: fromUs, toUs: toUs))
            for summary in try whole.routes(fromUs: fromUs, toUs: toUs) {
                let found = try merged.attempts(route: summary.route, fromUs: fromUs, toUs: toUs)
                let expected = try whole.attempts(route: summary.route, fromUs: fromUs, toUs: toUs)
                #expect((0..<found.count).map { found[$0] } == (0..<expected.count).map { expected[$0] })
            }
        }
        #expect(try merged.attempts(route: "unknown", fromUs: nil, toUs: nil).count == 0)
        let routes = try whole.routes(fromUs: nil, toUs: nil)
        var found: [AttemptColumns] = []
        try merged.eachRoute(routes, fromUs: nil, toUs: nil, columns: .all) { found.append($0) }
        #expect(try found == routes.map { try merged.attempts(route: $0.route, fromUs: nil, toUs: nil) })
        var some: [AttemptColumns] = []
        try merged.eachRoute(routes, fromUs: nil, toUs: nil, columns: [.durationUs]) { some.append($0) }
        #expect(some.map(\.durationUs) == found.map(\.durationUs) && some.map(\.startUs) == found.map(\.startUs))
    }

    @Test func `the same request number in two stores is two requests`() throws {
        func one(_ startUs: Int64, _ request: UInt64) -> Attempt {
            Attempt(startUs: startUs, durationUs: 1, route: "r", request: request, outcome: .success)
        }
        let first = try store("1.db", [one(1, 7), one(2, 7), one(3, 8)])
        let second = try store("2.db", [one(4, 7), one(5, 7), one(6, 9)])
        let third = try store("3.db", [one(7, 7), one(8, 9), one(9, 10)])
        let requests = try AttemptStores([first, second, third]).attempts(route: "r", fromUs: nil, toUs: nil).request
        #expect(requests[0...2] == [7, 7, 8] && requests[5] == 9 && requests[8] == 10)
        #expect(requests[3] == requests[4])
        // Nine attempts, seven requests.
        #expect(Set(requests).count == 7)
        #expect(
            try AttemptStores([first, second, third]).attempts(route: "r", fromUs: nil, toUs: nil).request == requests)
    }

    @Test func `a number for a clashing request is one that nobody has`() {
        let clash: UInt64 = 5
        let taken = XXH64.hash(words: [clash, 1, 0])
        func columns(_ requests: [UInt64]) -> AttemptColumns {
            AttemptColumns(
                route: "r",
                attempts: requests.enumerated().map {
                    Attempt(startUs: Int64($0), durationUs: 1, route: "r", request: $1, outcome: .success)
                })
        }
        var parts = [columns([clash, taken]), columns([clash, 6])]
        RequestNumbers.keepApart(&parts)
        #expect(parts[0].request == [clash, taken] && parts[1].request[1] == 6)
        #expect(Set(parts[0].request + parts[1].request).count == 4)
    }

    @Test func `what is missing is summed up, and damage is named with its store`() throws {
        let first = try store("1.db", Self.attempts(1_000, seed: 12))
        let second = try store("2.db", Self.attempts(1_000, seed: 13))
        try first.recordDropped(count: 3, fromUs: 1, toUs: 2, reason: "full")
        try second.recordDropped(count: 4, fromUs: 1, toUs: 2, reason: "full")
        do {
            let other = try Connection(path: second.path, access: .readWrite)
            try other.execute("UPDATE segment SET data = substr(data, 1, length(data) - 1) || x'A5'")
        }
        let merged = try AttemptStores([first, second])
        #expect(try merged.missingAttempts(fromUs: nil, toUs: nil) == 1_007)
        #expect(merged.damage.map(\.path) == [second.path])
    }

    @Test func `one file cannot be two stores`() throws {
        let first = try store("1.db", Self.attempts(10, seed: 14))
        let again = try AttemptStore.open(path: directory.path + "/./1.db", mode: .readOnly)
        #expect { try AttemptStores([first, again]) } throws: { "\($0)".contains("count twice") }
    }

    @Test func `a store that is open here is not looked at by hand, and can be opened again after it was closed`()
        throws
    {
        let path = directory.file("1.db")
        let first = try store("1.db", Self.attempts(10, seed: 15))
        var isInspected = false
        let inspect = { () throws(StoreError) in
            isInspected = true
            return true
        }
        #expect(try OpenStores.register(path: path, inspect: inspect) != nil && !isInspected)
        first.close()
        _ = try OpenStores.register(path: path, inspect: inspect)
        #expect(isInspected)
        #expect(try AttemptStore.open(path: path, mode: .readWrite).routes(fromUs: nil, toUs: nil).count > 0)
    }

    @Test func `while a store is being made here, nobody else looks at its bytes`() throws {
        let path = directory.file("new.db")
        let (begun, ended) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let isLookedAt = Mutex(false)
        let second = Thread {
            begun.wait()
            _ = try? OpenStores.register(path: path) { () throws(StoreError) in
                isLookedAt.withLock { $0 = true }
                return true
            }
            ended.signal()
        }
        second.start()
        let first = try OpenStores.register(path: path, inspect: { () throws(StoreError) in false }) {
            () throws(StoreError) in
            writeFile([1], to: path)
            begun.signal()
            // Time for the other to look, were it allowed to.
            for _ in 0..<1_000 { sched_yield() }
        }
        ended.wait()
        #expect(first != nil && !isLookedAt.withLock { $0 })
    }
}
