import CSQLite
import Retry
import TestSupport
import Testing

@testable import Collector

@Suite struct SegmentTests {
    let directory: TemporaryDirectory
    var path: String { directory.file("meantime.db") }

    init() throws { directory = try TemporaryDirectory() }

    private func rows(_ attempts: [Attempt]) -> Rows {
        var rows = Rows()
        for one in attempts {
            rows.append(one, route: Int64(one.route.utf8.last! & 7), host: 0, method: 0)
        }
        return rows.sortedForSegment()
    }

    @Test(arguments: [1, 2, 255, 256, 257, 2_000])
    func `a segment gives back its rows, whole and in part`(count: Int) throws {
        let rows = rows(Sample.attempts(count, seed: UInt64(count)))
        let zone = ZoneMap(of: rows)
        let padded = Segment.encode(rows, zone: zone) + Array(repeating: 0, count: Segment.padding)
        let segment = try Segment(padded: padded, zone: zone, hosts: RouteHosts())
        #expect(try segment.rows(in: 0..<count, columns: .all) == rows)
        for low in [0, count / 3, count - 1] {
            let part = try segment.rows(in: low..<count, columns: .all)
            #expect(part.columns == rows.columns.map { Array($0[low...]) })
        }
        let few = try segment.rows(in: 0..<count, columns: [.outcome])
        #expect(few[.outcome] == rows[.outcome] && few[.startUs] == rows[.startUs] && few[.host].isEmpty)
        #expect(Column.allCases.reduce(0) { $0 + segment.layout(of: $1).bytes } < padded.count)
    }

    @Test func `every bit of a segment flipped is found when it is read`() throws {
        let rows = rows(Sample.attempts(300, seed: 12))
        let zone = ZoneMap(of: rows)
        let good = Segment.encode(rows, zone: zone) + Array(repeating: 0, count: Segment.padding)
        try Segment(padded: good, zone: zone, hosts: RouteHosts()).verify()
        for at in 0..<good.count - Segment.padding {
            for bit in 0..<8 {
                var bad = good
                bad[at] ^= 1 << UInt8(bit)
                #expect(throws: DecodingError.self, "byte \(at), bit \(bit)") {
                    try Segment(padded: bad, zone: zone, hosts: RouteHosts()).verify()
                }
            }
        }
        for length in [0, 1, 39, 40, good.count - Segment.padding - 1] {
            let cut = Array(good[..<length]) + Array(repeating: 0, count: Segment.padding)
            #expect(throws: DecodingError.self) { try Segment(padded: cut, zone: zone, hosts: RouteHosts()) }
        }
    }

    @Test func `an unknown encoding and a later format are named`() throws {
        let rows = rows(Sample.attempts(10, seed: 13))
        let zone = ZoneMap(of: rows)
        let good = Segment.encode(rows, zone: zone)
        func withHead(_ change: (inout [UInt8]) -> Void) -> [UInt8] {
            var bytes = good
            change(&bytes)
            let end = 40 + 24 * Column.allCases.count
            let digest = bytes[..<end].withUnsafeBytes { XXH64.hash($0) }
            withUnsafeBytes(of: digest.littleEndian) { bytes.replaceSubrange(end..<end + 8, with: $0) }
            return bytes + Array(repeating: 0, count: Segment.padding)
        }
        _ = try Segment(padded: withHead { _ in }, zone: zone, hosts: RouteHosts())
        #expect(throws: DecodingError(reason: "column start_us has encoding 200, which this Meantime cannot read")) {
            try Segment(padded: withHead { $0[41] = 200 }, zone: zone, hosts: RouteHosts())
        }
        #expect(throws: DecodingError(reason: "format 3; this Meantime reads formats 1 to 2")) {
            try Segment(padded: withHead { $0[4] = 3 }, zone: zone, hosts: RouteHosts())
        }
        var other = zone
        other.rows += 1
        #expect(throws: DecodingError(reason: "header and zone map differ")) {
            try Segment(padded: withHead { _ in }, zone: other, hosts: RouteHosts())
        }
    }

    @Test func `a damaged segment is named, skipped and counted; the others are read`() throws {
        let attempts = Sample.attempts(300, seed: 14)
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        for start in [0, 100, 200] {
            try store.append(Array(attempts[start..<start + 100]))
            try store.seal()
        }
        store.close()
        try change("UPDATE segment SET data = substr(data, 1, 500) || x'00' || substr(data, 502) WHERE id = 2")
        let kept = Array(attempts[..<100] + attempts[200...])
        let reader = try AttemptStore.open(path: path, mode: .readOnly)
        for route in Set(attempts.map(\.route)) {
            let columns = try reader.attempts(route: route, fromUs: nil, toUs: nil)
            #expect(columns.canonical == Sample.expected(kept, route: route))
        }
        let damage = try #require(reader.damage.first)
        #expect(reader.damage.count == 1 && damage.segment == 2 && damage.rows == 100)
        #expect(damage.description.hasPrefix("segment 2 is damaged (100 attempts missing): checksum of column "))
        #expect(try reader.missingAttempts(fromUs: nil, toUs: nil) == 100)
        #expect(try reader.missingAttempts(fromUs: nil, toUs: attempts[99].startUs) == 0)
        #expect(try reader.scan { _ in } == ScanReport(rows: 200, damage: [damage]))
        #expect(try reader.check() == [damage])
        let answer = try reader.query("SELECT count(start_us), max(duration_us) > 0 FROM attempts")
        #expect(answer.rows == [[.integer(200), .integer(1)]] && answer.damage == [damage])
        #expect(throws: StoreError.self) {
            try reader.fingerprints(fromUs: attempts[0].startUs, toUs: attempts[299].startUs)
        }
    }

    @Test(arguments: [
        "UPDATE segment SET rows = rows + 1", "UPDATE segment SET max_route = 99", "UPDATE segment SET timeout = 99",
        "UPDATE segment SET data = x''", "UPDATE segment SET data = zeroblob(length(data))",
        "UPDATE segment SET zone_digest = 1",
    ])
    func `a zone map or blob that was changed is damage, not an answer`(sql: String) throws {
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        try store.append(Sample.attempts(100, seed: 15))
        try store.seal()
        store.close()
        try change(sql)
        let reader = try AttemptStore.open(path: path, mode: .readOnly)
        #expect(try reader.scan { _ in }.rows == 0)
        #expect(try reader.check().map(\.segment) == [1])
    }

    @Test(arguments: Column.allCases)
    func `a changed row of the tail is damage, not an answer, and counts as missing once the rest is sealed`(
        column: Column
    ) throws {
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        try store.append(Sample.attempts(20, seed: 16))
        store.close()
        try change("UPDATE tail SET \(column.name) = \(column.name) + 1 WHERE id = 7")
        let again = try AttemptStore.open(path: path, mode: .readWrite)
        let report = try again.scan { _ in }
        #expect(report.rows == 19)
        #expect(report.damage.map(\.rows) == [1] && report.damage.map(\.segment) == [0])
        #expect(try again.missingAttempts(fromUs: nil, toUs: nil) == 1)
        #expect(try again.seal() == 1)
        #expect(try again.scan { _ in } == ScanReport(rows: 19, damage: []))
        #expect(try again.missingAttempts(fromUs: nil, toUs: nil) == 1)
        #expect(
            try again.query("SELECT attempts, reason FROM dropped").rows
                == [[.integer(1), .text("damaged in the tail: checksum of a row")]])
    }

    @Test func `a changed name is an error`() throws {
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        try store.append(Sample.attempts(20, seed: 17))
        store.close()
        try change("UPDATE route SET name = 'payments' WHERE code = 1")
        let reader = try AttemptStore.open(path: path, mode: .readOnly)
        #expect {
            try reader.routes(fromUs: nil, toUs: nil)
        } throws: {
            ($0 as? StoreError)?.code == .damaged
        }
    }

    /// Changes the file behind the store's back.
    private func change(_ sql: String) throws {
        try Connection(path: path, access: .readWrite).execute(sql)
    }
}
