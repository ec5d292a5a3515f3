import Retry
import TestSupport
import Testing

@testable import Collector

/// What is written today beside what was written before.
@Suite struct SegmentFormatTests {
    let directory: TemporaryDirectory
    var path: String { directory.file("meantime.db") }

    init() throws { directory = try TemporaryDirectory() }

    private func padded(_ bytes: [UInt8]) -> [UInt8] { bytes + Array(repeating: 0, count: Segment.padding) }

    @Test func `a segment of the first format reads as what was written`() throws {
        let segment = try Segment(
            padded: padded(FormatOneSegment.bytes), zone: FormatOneSegment.zone, hosts: RouteHosts())
        var encodings: Set<Encoding> = []
        for column in Column.allCases {
            let values = try segment.values(of: column, in: 0..<400)
            #expect(
                XXH64.hash(words: values.map { UInt64(bitPattern: $0) }) == FormatOneSegment.digests[column],
                "\(column.name)")
            #expect(try segment.values(of: column, in: 123..<321) == Array(values[123..<321]))
            encodings.insert(segment.layout(of: column).encoding)
        }
        #expect(encodings == [.constant, .plainDictionary, .plainRunLength, .plainDelta, .packed])
        let routes = try segment.values(of: .route, in: 0..<400)
        for (route, rows) in try segment.routes() { #expect(routes[rows].allSatisfy { $0 == route }) }
        #expect(try segment.routes().last?.rows.upperBound == 400)
    }

    @Test func `a flipped bit of a segment of the first format is found, and cut bytes are refused`() throws {
        let good = FormatOneSegment.bytes
        for at in stride(from: 0, to: good.count, by: 3) {
            var bad = good
            bad[at] ^= 1 << UInt8(at % 8)
            #expect(throws: DecodingError.self) {
                try Segment(padded: padded(bad), zone: FormatOneSegment.zone, hosts: RouteHosts()).verify()
            }
        }
        for length in stride(from: 0, to: good.count, by: 97) {
            #expect(throws: DecodingError.self) {
                try Segment(padded: padded(Array(good[..<length])), zone: FormatOneSegment.zone, hosts: RouteHosts())
            }
        }
    }

    /// A mesh in small: routes of different rates and scales, four hosts each, requests numbered as they come.
    private func mesh(_ count: Int, seed: UInt64) -> [Attempt] {
        var random = SeededGenerator(seed: seed)
        var startUs: Int64 = 1_790_000_000_000_000
        return (0..<count).map { number in
            startUs += Int64.random(in: 0...8_000, using: &random)
            let route = Int.random(in: 0..<6, using: &random) * Int.random(in: 0..<6, using: &random)
            let isRetry = number > 40 && Int.random(in: 0..<40, using: &random) == 0
            let failed = Int.random(in: 0..<50, using: &random) == 0
            return Attempt(
                startUs: startUs, durationUs: .random(in: 1...(1_000 << Int64(route % 7)), using: &random),
                route: "route-\(route)", host: "10.0.\(route).\(Int.random(in: 1...4, using: &random)):80",
                request: UInt64(isRetry ? number - 37 : number), attempt: isRetry ? 2 : 1,
                waitUs: isRetry ? .random(in: 0...25_000, using: &random) : 0,
                outcome: failed ? .errorStatus : .success, status: failed ? 503 : 200, timeoutUs: 1_000_000,
                method: "GET", ruleVersion: 3)
        }
    }

    @Test func `hosts are kept as places of their routes and requests as a sequence, and come back as they were`()
        throws
    {
        let attempts = mesh(5_000, seed: 31)
        let store = try AttemptStore.open(path: path, mode: .readWrite, sealAfterRows: 1_000)
        try store.append(Array(attempts[..<3_000]))
        try store.append(Array(attempts[3_000...]))
        for route in Set(attempts.map(\.route)) {
            let columns = try store.attempts(route: route, fromUs: nil, toUs: nil)
            #expect(columns.canonical == Sample.expected(attempts, route: route))
        }
        let places = try store.query("SELECT count(*), max(place) FROM route_host").rows[0]
        #expect(places[1] == .integer(3))
        let pairs = Set(attempts.map { "\($0.route) \($0.host)" }).count
        #expect(places[0] == .integer(Int64(pairs)))
        let reader = try store.borrowReader()
        defer { store.giveBack(reader) }
        for entry in try reader.segments(RowFilter()) {
            let segment = try reader.load(entry).get()
            #expect(segment.layout(of: .host).bytes < entry.zone.rows / 3)
            #expect(segment.layout(of: .request).bytes < entry.zone.rows / 3)
        }
    }

    @Test func `a damaged place is named, not read as another host`() throws {
        let store = try AttemptStore.open(path: path, mode: .readWrite, sealAfterRows: 100)
        try store.append(mesh(200, seed: 32))
        store.close()
        do { try Connection(path: path, access: .readWrite).execute("UPDATE route_host SET host = 0 WHERE id = 3") }
        let reader = try AttemptStore.open(path: path, mode: .readOnly)
        #expect {
            try reader.attempts(route: "route-0", fromUs: nil, toUs: nil)
        } throws: {
            "\($0)".contains("place 3 of table route_host is damaged, so hosts cannot be told apart by it")
        }
    }

    @Test func `a store of the first format is read as it is, and upgraded when it is opened for writing`() throws {
        let attempts = mesh(300, seed: 33)
        do {
            let store = try AttemptStore.open(path: path, mode: .readWrite, sealAfterRows: 10_000)
            try store.append(attempts)
            store.close()
            // The first format had no table of places, and its segments none either.
            let old = try Connection(path: path, access: .readWrite)
            try old.execute("DROP TABLE route_host; DROP TABLE ledger; PRAGMA user_version = 1")
        }
        let before = try AttemptStore.open(path: path, mode: .readOnly)
        #expect(try before.scan { _ in }.rows == 300)
        let writer = try AttemptStore.open(path: path, mode: .readWrite)
        #expect(try writer.seal() == 1)
        #expect(try writer.query("SELECT count(*) > 0 FROM route_host").rows == [[.integer(1)]])
        // The reader that was open before sees what the writer has made.
        for store in [before, writer] {
            let columns = try store.attempts(route: "route-4", fromUs: nil, toUs: nil)
            #expect(columns.canonical == Sample.expected(attempts, route: "route-4"))
        }
        #expect(try Connection(path: path, access: .readOnly).integer("PRAGMA user_version") == 2)
    }

    @Test func `a column that is not read is not checked, one that is read is`() throws {
        var rows = Rows()
        for one in Sample.attempts(300, seed: 34) {
            rows.append(one, route: Int64(one.route.utf8.last! & 7), host: 0, method: 0)
        }
        rows = rows.sortedForSegment()
        let zone = ZoneMap(of: rows)
        var bytes = Segment.encode(rows, zone: zone)
        bytes[bytes.count - 1] ^= 1
        let segment = try Segment(padded: padded(bytes), zone: zone, hosts: RouteHosts())
        #expect(try segment.values(of: .startUs, in: 0..<300) == rows[.startUs])
        #expect(throws: DecodingError(reason: "checksum of column rule_version")) {
            try segment.values(of: .ruleVersion, in: 0..<300)
        }
        #expect(throws: DecodingError(reason: "checksum of column rule_version")) { try segment.verify() }
    }

    @Test func `any request numbers survive, in any order of start`() throws {
        var random = SeededGenerator(seed: 35)
        let odd: [UInt64] = [0, 1, .max, .max - 1, 1 << 63, (1 << 63) - 1, 1 << 62]
        for count in [1, 2, 3, 100, 300] {
            for kind in 0..<4 {
                var rows = Rows()
                for number in 0..<count {
                    let request: UInt64 =
                        switch kind {
                        case 0: odd.randomElement(using: &random)!
                        case 1: random.next()
                        case 2: UInt64(number)
                        default: .max - 150 &+ UInt64(number)
                        }
                    let start = Int64.random(in: kind == 0 ? Int64.min...Int64.max : 0...1_000, using: &random)
                    rows.append(
                        Attempt(startUs: start, durationUs: 1, route: "r", request: request, outcome: .success),
                        route: Int64(number % 3), host: 0, method: 0)
                }
                rows = rows.sortedForSegment()
                let zone = ZoneMap(of: rows)
                let segment = try Segment(
                    padded: padded(Segment.encode(rows, zone: zone)), zone: zone, hosts: RouteHosts())
                #expect(try segment.values(of: .request, in: 0..<count) == rows[.request])
                let low = count / 2
                #expect(try segment.values(of: .request, in: low..<count) == Array(rows[.request][low...]))
            }
        }
    }
}
