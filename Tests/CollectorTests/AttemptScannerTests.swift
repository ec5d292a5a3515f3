import Retry
import TestSupport
import Testing

@testable import Collector

/// Two ways of reading a line, one of them plain.
@Suite struct AttemptScannerTests {
    private func chunk(_ bytes: [UInt8]) -> LineChunk {
        var chunk = LineChunk()
        chunk.reserve(bytes.count)
        chunk.bytes.replaceSubrange(0..<bytes.count, with: bytes)
        chunk.end = bytes.count
        return chunk
    }

    private func attempts(_ chunk: LineChunk, _ batch: inout AttemptBatch) -> [Attempt] {
        batch.learn(chunk)
        #expect(batch.add(chunk, from: 0) == chunk.rows)
        let rows = batch.take()
        return (0..<rows.count).map { rows.attempt($0, names: batch.names) }
    }

    @Test(arguments: SeededGenerator.seeds([1, 2, 3, 4, 5, 6]))
    func `a chunk gives the attempts and faults that its lines give one by one`(seed: UInt64) {
        var lines = AttemptLines(random: SeededGenerator(seed: seed))
        var scanner = AttemptScanner(number: 0)
        var batch = AttemptBatch(limit: 1000)
        for round in 0..<100 {
            let strangeness = [0, 0.05, 0.3, 0.8][round % 4]
            var bytes: [UInt8] = []
            for _ in 0..<20 {
                bytes += lines.line(strangeness: strangeness) + (round % 3 == 0 ? [0x0D, 0x0A] : [0x0A])
            }
            if round % 5 == 0 { bytes.removeLast() }
            var chunk = chunk(bytes)
            scanner.read(&chunk)
            let plain = PlainReading(bytes)
            #expect(attempts(chunk, &batch) == plain.attempts, "\(lines.random)")
            #expect(chunk.faults.map { Int($0.line) + 1 } == plain.rejects, "\(lines.random)")
            #expect(chunk.lines == plain.lines)
            #expect(chunk.blankLines == plain.blankLines)
        }
    }

    @Test func `no bit of a line passes unseen because the line before was sound`() {
        let line = Array(
            #"{"start_us":1790000000022384,"duration_us":5,"route":"r","host":"h","outcome":"success","wait_us":1}"#
                .utf8)
        for bit in 0..<line.count * 8 {
            var changed = line
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            let bytes = line + [0x0A] + changed + [0x0A]
            var scanner = AttemptScanner(number: 0)
            var batch = AttemptBatch(limit: 1000)
            var chunk = chunk(bytes)
            scanner.read(&chunk)
            let plain = PlainReading(bytes)
            #expect(attempts(chunk, &batch) == plain.attempts, "bit \(bit)")
        }
    }

    @Test func `lines as writers make them go the quick way, and only those`() {
        var quick = AttemptQuickLine()
        var row = [Int64](repeating: 0, count: Column.allCases.count)
        func length(_ text: String) -> Int {
            let bytes = Array(text.utf8) + Array(repeating: 0, count: LineChunk.padding)
            return bytes.withUnsafeBytes { bytes in
                row.withUnsafeMutableBufferPointer { row in
                    quick.read(bytes.baseAddress!, into: row.baseAddress!)
                }
            }
        }
        let line = #"{"start_us":1790000000022384,"duration_us":5,"route":"r","outcome":"success"}"#
        #expect(length(line + "\n") == line.utf8.count + 1)
        #expect(length(line + "\r\n") == line.utf8.count + 2)
        let spaced = line.replacing(":", with: ": ").replacing(",", with: ", ")
        #expect(length(spaced + "\n") == spaced.utf8.count + 1)
        #expect(length(line) == 0)
        #expect(length(line.dropLast() + ",\"zone\":1}\n") == 0)
        #expect(length(line.replacing("\"r\"", with: "\"\\u0072\"") + "\n") == 0)
        #expect(length(line.replacing("\"r\"", with: "\"\u{E9}\"") + "\n") == 0)
        #expect(length(line + " \n") == 0)
    }

    @Test func `numbers are read whatever their length and neighbours`() {
        for text in ["0", "7", "10", "1234567", "12345678", "123456789", "1234567890123456", "12345678901234567"] {
            for next in [",", "}", " ", "/", ":", "\u{0}", "\u{80}"] {
                let bytes = Array((text + next + "99999999999999999999999999").utf8)
                let found = bytes.withUnsafeBytes { bytes in
                    QuickScan.digits(bytes.baseAddress!).map { ($0.number, $0.next - bytes.baseAddress!) }
                }
                #expect(found?.0 == UInt64(text))
                #expect(found?.1 == text.utf8.count)
            }
        }
        for (text, expected) in [
            ("18446744073709551615", UInt64.max), ("18446744073709551616", nil), ("99999999999999999999", nil),
            ("184467440737095516150", nil), ("007", nil), ("00", nil), ("", nil), ("x", nil), ("-1", nil),
            ("000000001", nil), ("10000000000000000000", 10_000_000_000_000_000_000),
        ] {
            let bytes = Array((text + "," + String(repeating: " ", count: 32)).utf8)
            #expect(bytes.withUnsafeBytes { QuickScan.digits($0.baseAddress!)?.number } == expected)
        }
    }

    @Test(arguments: 0...40)
    func `a string ends at its quote and holds nothing special, at every length`(count: Int) {
        let rest = Array(repeating: UInt8(ascii: "z"), count: 32)
        let plain = Array((0..<count).map { UInt8(0x41 + $0 % 26) })
        func length(_ bytes: [UInt8]) -> Int? { bytes.withUnsafeBytes { QuickScan.text($0.baseAddress!)?.count } }
        #expect(length(plain + [0x22] + rest) == count)
        for special: UInt8 in [0x00, 0x0A, 0x1F, 0x5C, 0x7F, 0x80, 0xC3, 0xFF] {
            for at in 0..<count {
                var bytes = plain
                bytes[at] = special
                #expect(length(bytes + [0x22] + rest) == nil)
            }
        }
        for fine: UInt8 in [0x20, 0x21, 0x23, 0x5B, 0x5D, 0x7E] where count > 0 {
            #expect(length(plain.dropLast() + [fine, 0x22] + rest) == count)
        }
    }
}
