import Testing

@testable import Collector

@Suite struct UnknownKeysTests {
    private static let good = #"{"start_us":1790000000022384,"duration_us":1,"route":"r","outcome":"success"}"#

    private func line(_ more: String) -> String { Self.good.dropLast() + ",\(more)}\n" }

    @Test func `lines with a key that is no column are taken, and counted by the key`() throws {
        let text =
            line(#""staus":503"#) + line(#""staus":503,"staus":1,"zone":{"status":1}"#) + Self.good + "\n"
            + line(#""staus":null,"status":200"#) + "{\"begin\":1}\n"
        let report = try ImportSupport.run(text, .attempts)
        #expect(report.attemptsImported == 4)
        #expect(report.rejects == 1)
        #expect(report.isClosed)
        #expect(report.unknownKeys == ["staus": 3, "zone": 1, "begin": 1])
    }

    @Test func `a log of columns only has none, and Envoy's other fields are no mistakes`() throws {
        #expect(try ImportSupport.run(Self.good, .attempts).unknownKeys.isEmpty)
        let envoy = EnvoyText.attempt("a", "100.0", "101.0", more: ",\"mine\":1")
        #expect(try ImportSupport.run(envoy, .envoy).unknownKeys.isEmpty)
    }

    @Test func `there are at most sixteen, and no long ones`() throws {
        let many = (0..<40).map { line("\"key\($0)\":1") }.joined()
        let report = try ImportSupport.run(many + many, .attempts)
        #expect(report.unknownKeys.count == UnknownKeys.limit)
        #expect(report.unknownKeys["key0"] == 2)
        #expect(report.unknownKeys["key16"] == nil)
        let long = try ImportSupport.run(line("\"\(String(repeating: "x", count: 500))\u{7F}\":1"), .attempts)
        #expect(long.unknownKeys == [String(repeating: "x", count: 64) + "...": 1])
        #expect(try ImportSupport.run(line("\"a\u{7F}b\":1"), .attempts).unknownKeys == ["a?b": 1])
    }
}
