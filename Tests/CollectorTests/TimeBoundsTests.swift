import Retry
import Testing

@testable import Collector

@Suite struct TimeBoundsTests {
    private func reason(_ line: String, _ format: ImportFormat) throws -> String? {
        let report = try ImportSupport.run(line + "\n", format)
        #expect(report.isClosed)
        return report.firstRejects.first?.reason
    }

    private func attempt(_ startUs: UInt64) -> String {
        "{\"start_us\":\(startUs),\"duration_us\":1,\"route\":\"r\",\"outcome\":\"success\"}"
    }

    @Test(arguments: [
        (1_795_375_985, "looks like seconds"), (0, "looks like seconds"), (99_999_999_999, "looks like seconds"),
        (100_000_000_000, "looks like milliseconds"), (1_795_375_985_000, "looks like milliseconds"),
        (99_999_999_999_999, "looks like milliseconds"), (7_258_118_400_000_000, "is after the year 2199"),
        (1_795_375_985_000_000_000, "looks like nanoseconds"), (UInt64.max, "looks like nanoseconds"),
    ])
    func `a start in another unit is refused, and told which`(startUs: UInt64, what: String) throws {
        let expected = "start_us: \(what); start_us is UNIX microseconds, found \(startUs)"
        let found = try reason(attempt(startUs), .attempts)
        #expect(found == expected + " (the input ends in this line)" || found == expected)
    }

    @Test(arguments: [100_000_000_000_000, 1_795_375_985_000_000, 7_258_118_399_999_999] as [UInt64])
    func `a start in microseconds is taken`(startUs: UInt64) throws {
        #expect(try reason(attempt(startUs), .attempts) == nil)
    }

    @Test func `an Envoy line far in the future, very long or with very many attempts is refused`() throws {
        #expect(try reason(EnvoyText.attempt("a", "7258118399.0", "7258118399.9"), .envoy) == nil)
        #expect(
            try reason(EnvoyText.attempt("a", "7258118399.0", "7258118400.0"), .envoy)
                == "t1: is after the year 2199; log seconds with six decimals")
        #expect(try reason(EnvoyText.attempt("a", "100.0", "2592100.0"), .envoy) == nil)
        #expect(
            try reason(EnvoyText.attempt("a", "100.0", "2592100.000001"), .envoy)
                == "t1: is more than 30 days after the start")
        #expect(try reason(EnvoyText.attempt("a", "100.0", "101.0", limit: "2592000000"), .envoy) == nil)
        #expect(
            try reason(EnvoyText.attempt("a", "100.0", "101.0", limit: "2592000001"), .envoy)
                == "dl: must be a whole number from 0 to 2592000000, found '2592000001'")
        #expect(
            try reason(EnvoyText.attempt("a", "100.0", "101.0", count: "1001"), .envoy)
                == "k: must be a whole number from 0 to 1000, found '1001'")
    }

    @Test(arguments: ["\\u0000", "\\n", "\\u001b[31m", "\u{7F}", "\u{85}", "\\u009f"])
    func `a name with a control character is refused by its field`(text: String) throws {
        let rule = "must not have control characters (bytes below 32, U+007F to U+009F)"
        let plain = "{\"start_us\":1790000000022384,\"duration_us\":1,\"outcome\":\"success\""
        #expect(try reason(plain + ",\"route\":\"a\(text)\"}", .attempts) == "route: " + rule)
        for field in ["host", "method"] {
            let line = plain + ",\"route\":\"r\",\"\(field)\":\"a\(text)b\"}"
            #expect(try reason(line, .attempts) == "\(field): " + rule)
        }
        let envoy = EnvoyText.attempt("a", "100.0", "101.0", more: ",\"m\":\"G\"")
        #expect(try reason(envoy, .envoy) == nil)
        for (from, field) in [("\"main\"", "route"), ("\"h\"", "host"), ("\"G\"", "m")] {
            #expect(try reason(envoy.replacing(from, with: "\"a\(text)\""), .envoy) == "\(field): " + rule)
        }
    }

    @Test func `names beyond ASCII are names`() throws {
        #expect(try reason(attempt(1_790_000_000_022_384).replacing("\"r\"", with: "\"\u{A0}Âéß語\""), .attempts) == nil)
    }
}
