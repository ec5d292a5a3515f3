import Retry
import TestSupport

@testable import Collector

/// Lines of the `attempts` format as writers of all kinds might make them, and as nobody should.
struct AttemptLines {
    var random: SeededGenerator

    private static let values: [(key: String, usual: [String], unusual: [String])] = [
        (
            "start_us", ["1790000000022384", "1790000000999999", "100000000000000", "7258118399999999"],
            ["0", "1", "99999999999999", "7258118400000000", "1790000000", "1790000000022384.0", "null", "\"1\"", "-5"]
        ),
        (
            "duration_us", ["0", "7", "11553", "12345678", "123456789", "2592000000000"],
            ["2592000000001", "00", "01", "1e3", "1.5", "18446744073709551615", "99999999999999999999", "null", "-0"]
        ),
        (
            "route", ["\"checkout\"", "\"cart\"", "\"a-name-of-sixteen\"", "\"exactly8\"", "\"0123456789abcdef\""],
            ["\"\"", "null", "7", "\"a\\u0062c\"", "\"Z\u{FC}rich\"", "\"a\u{7F}\"", "\"\\n\"", "\"\u{85}\""]
        ),
        (
            "outcome",
            Outcome.allCases.map { "\"\($0.name)\"" },
            [
                "\"ok\"", "\"\"", "null", "\"succes\"", "\"successful\"", "\"s\\u0075ccess\"", "true",
                "\"connect_failure_\"",
            ]
        ),
        (
            "host", ["\"10.0.0.1:80\"", "\"10.0.255.255:8080\"", "\"a.very.long.host.name.example.com:8443\"", "\"\""],
            ["null", "[1]", "\"\\\"\"", "\"h\u{E9}\""]
        ),
        (
            "request", ["1", "18446744073709551615", "1234567890123456789", "\"q1\"", "\"3f2a-88\"", "0"],
            ["18446744073709551616", "-1", "null", "\"\"", "\"\\u00711\"", "\"\u{7F}\"", "{}", "12345678901234567890"]
        ),
        ("attempt", ["1", "2", "1000"], ["0", "1001", "null", "1.0"]),
        ("wait_us", ["0", "25000"], ["2592000000001", "null"]),
        ("status", ["0", "200", "503", "999"], ["1000", "null", "\"200\""]),
        ("is_grpc", ["true", "false"], ["null", "0", "tru", "falsey"]),
        ("timeout_us", ["0", "1000000"], ["2592000000001"]),
        ("retry_after_us", ["0", "281474976710656000"], ["281474976710656001"]),
        ("method", ["\"GET\"", "\"POST\"", "\"\""], ["null", "7"]),
        ("hedge", ["true", "false"], ["null", "\"true\""]),
        ("rule_version", ["0", "2147483647"], ["2147483648"]),
        ("zone", [], ["\"eu\"", "{\"start_us\":[1]}", "null"]),
        ("a_key_that_is_too_long", [], ["1"]),
    ]

    /// One line without its end. `strangeness`: how often a value, a key or a byte is not as it should be.
    mutating func line(strangeness: Double) -> [UInt8] {
        var fields = Self.values.filter { !$0.usual.isEmpty }
        if chance(strangeness) { fields.append(Self.values[Int.random(in: 0..<Self.values.count, using: &random)]) }
        fields.removeAll { !["start_us", "duration_us", "route", "outcome"].contains($0.key) && chance(0.2) }
        if chance(strangeness) { fields.shuffle(using: &random) }
        let space = chance(0.2) ? " " : chance(strangeness) ? "\t  " : ""
        let body = fields.map { field in
            let isUsual = !field.usual.isEmpty && !chance(strangeness / 4)
            let pool = isUsual ? field.usual : field.unusual
            let key = chance(strangeness / 20) ? "\\u00\(String(field.key.utf8.first ?? 0, radix: 16))" : ""
            let name = key.isEmpty ? field.key : key + field.key.dropFirst()
            return "\"\(name)\":\(space)\(pool.randomElement(using: &random) ?? "0")"
        }
        var line = Array(("{" + body.joined(separator: "," + space) + "}").utf8)
        if chance(strangeness / 2) { mutate(&line) }
        if chance(strangeness / 10) { line = Array("  ".utf8) + line + Array("\t".utf8) }
        return line
    }

    private mutating func chance(_ share: Double) -> Bool { random.unit() < share }

    private mutating func mutate(_ line: inout [UInt8]) {
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let at = Int.random(in: 0..<line.count, using: &random)
            let byte =
                chance(0.5)
                ? UInt8.random(in: 0...255, using: &random)
                : Array("{}[]\":,\\0 .e-".utf8).randomElement(using: &random) ?? 0
            switch Int.random(in: 0..<4, using: &random) {
            case 0: line[at] = byte
            case 1: line.insert(byte, at: at)
            case 2 where line.count > 1: line.remove(at: at)
            default: line.removeSubrange(at..<min(line.count, at + Int.random(in: 0..<8, using: &random)))
            }
            if line.isEmpty { line = [byte] }
        }
        // A line ends at the first line feed.
        for index in line.indices where line[index] == 0x0A { line[index] = 0x0D }
    }
}

/// What an import must make of an input, by the plainest of means: line after line through `AttemptLine`.
struct PlainReading: Equatable {
    var attempts: [Attempt] = []
    var lines = 0
    var blankLines = 0
    var rejects: [Int] = []

    init(_ bytes: [UInt8]) {
        var parser = AttemptLine()
        var bytes = bytes[...]
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
            bytes = bytes.dropFirst(3)
            if bytes.isEmpty { (lines, blankLines) = (1, 1) }
        }
        while !bytes.isEmpty {
            var line = bytes.prefix { $0 != 0x0A }
            bytes = bytes.dropFirst(line.count + 1)
            lines += 1
            if line.last == 0x0D { line = line.dropLast() }
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) {
                blankLines += 1
            } else if line.count <= LineReader.limit,
                let attempt = Array(line).withUnsafeBytes({ try? parser.parse($0) })
            {
                attempts.append(attempt)
            } else {
                rejects.append(lines)
            }
        }
    }
}
