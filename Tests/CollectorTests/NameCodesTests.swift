import TestSupport
import Testing

@testable import Collector

@Suite struct NameCodesTests {
    private func code(_ name: String, _ codes: inout NameCodes) -> Int64 {
        Array(name.utf8 + [UInt8](repeating: 0x78, count: 8)).withUnsafeBytes {
            codes.code(of: $0.baseAddress!, count: name.utf8.count)
        }
    }

    @Test func `a name has one code, whatever its length, and no two share one`() {
        var codes = NameCodes()
        var names = [""]
        for length in 1...40 {
            // Alike up to the last letter, and up to the first.
            for letter in ["a", "b"] {
                names.append(String(repeating: "x", count: length) + letter)
                names.append(letter + String(repeating: "y", count: length))
            }
        }
        names += (0..<20_000).map { "host-\($0).example.com:8080" }
        for round in 0..<2 {
            for (index, name) in names.enumerated() where round == 1 || index > 0 || codes.takeNames() == [""] {
                #expect(code(name, &codes) == Int64(index))
            }
            #expect(codes.takeNames() == (round == 0 ? Array(names.dropFirst()) : []))
        }
    }
}
