import Glibc
import Retry
import TestSupport
import Testing

@testable import Collector

@Suite struct ImportMalformedTests {
    private static let good =
        #"{"start_us":1790000000022384,"duration_us":11553,"route":"checkout","outcome":"success"}"#

    private func write(_ bytes: [UInt8], to path: String) throws {
        let file = try #require(fopen(path, "w"))
        defer { fclose(file) }
        #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
    }

    /// Good and bad lines in turn; the bad ones stand on the lines 2, 5, 6 and 9.
    private static var mixed: [UInt8] {
        var bytes: [UInt8] = []
        bytes += Array("\(good)\r\n".utf8)
        bytes += Array("{\"start_us\":1\n".utf8)
        bytes += Array("\n  \n".utf8)
        bytes += [0xFF, 0xFE, 0x00, 0x0A]
        bytes += Array("{\"a\":\"".utf8) + Array(repeating: 0x20, count: LineReader.limit) + Array("\"}\n".utf8)
        bytes += Array("\(good.replacing("checkout", with: "cart"))\n".utf8)
        bytes += Array("\(good.replacing("checkout", with: "basket"))\n".utf8)
        bytes += Array("{\"start_us\":17".utf8)
        return bytes
    }

    @Test func `malformed lines are reported with their numbers and kept, the rest is imported`() throws {
        try withTemporaryDirectory { folder in
            let path = folder + "/log"
            try write(Self.mixed, to: path)
            let target = MemoryTarget()
            var importer = AttemptImporter(format: .attempts)
            importer.rejectPath = folder + "/store.db.rejects"
            let report = try importer.run(inputs: [.file(path)], into: target)
            #expect(report.lines == 9)
            #expect(report.attemptsImported == 3)
            #expect(report.blankLines == 2)
            #expect(report.rejects == 4)
            #expect(report.isClosed)
            #expect(report.firstRejects.map(\.line) == [2, 5, 6, 9])
            #expect(
                report.firstRejects.map(\.reason) == [
                    "not JSON at column 14: expected ',' or '}', found the end of the line",
                    "not JSON at column 1: expected a JSON object ('{'), found byte 0xFF",
                    "the line is 1048584 bytes long, at most 1048576 are taken; its first 4096 are kept",
                    "not JSON at column 15: expected ',' or '}', found the end of the line (the input ends in this line)",
                ])
            #expect(target.attempts.map(\.route) == ["checkout", "cart", "basket"])
            let kept = try ImportSupport.bytes(folder + "/store.db.rejects")
            let parts = kept.split(separator: UInt8(ascii: "\n"))
            #expect(parts.count == 8)
            #expect(
                String(decoding: parts[0], as: UTF8.self)
                    == "#rejected \(path):2: not JSON at column 14: expected ',' or '}', found the end of the line")
            #expect(Array(parts[1]) == Array("{\"start_us\":1".utf8))
            #expect(Array(parts[3]) == [0xFF, 0xFE, 0x00])
            #expect(parts[5].count == LineReader.keptOfLong)
        }
    }

    @Test func `a second import leaves the reject file as it is, and a corrected one can be imported`() throws {
        try withTemporaryDirectory { folder in
            let rejects = folder + "/rejects"
            try write(
                Array("\(Self.good)\n\(Self.good.replacing("success", with: "fine"))\n".utf8), to: folder + "/log")
            let target = MemoryTarget()
            let importer = AttemptImporter(format: .attempts, rejectPath: rejects)
            _ = try importer.run(inputs: [.file(folder + "/log")], into: target)
            let kept = try ImportSupport.bytes(rejects)
            let again = try importer.run(inputs: [.file(folder + "/log")], into: target)
            #expect(again.rejects == 1)
            #expect(try ImportSupport.bytes(rejects) == kept)

            let text = String(decoding: kept, as: UTF8.self)
            try write(Array(text.replacing("\"fine\"", with: "\"reset\"").utf8), to: folder + "/corrected")
            let corrected = try importer.run(inputs: [.file(folder + "/corrected")], into: target)
            #expect(corrected.attemptsImported == 1)
            #expect(corrected.blankLines == 1)
            #expect(corrected.isClosed)
            #expect(target.attempts.map(\.outcome) == [.success, .reset])
            #expect(
                throws: ImportError.input(
                    name: rejects,
                    reason: "this is where malformed lines are kept; give it another name, then import it")
            ) { try importer.run(inputs: [.file(rejects)], into: target) }
        }
    }

    @Test func `a reject file whose last line has no end is gone on with in a new line`() throws {
        try withTemporaryDirectory { folder in
            try write(Array("#rejected x:1: why\n{\"a\"".utf8), to: folder + "/rejects")
            try write(Array("{]\n".utf8), to: folder + "/log")
            let importer = AttemptImporter(format: .attempts, rejectPath: folder + "/rejects")
            _ = try importer.run(inputs: [.file(folder + "/log")], into: MemoryTarget())
            let lines = try ImportSupport.lines(folder + "/rejects")
            #expect(lines.count == 4 && lines[1] == "{\"a\"" && lines[3] == "{]")
            #expect(lines[2].hasPrefix("#rejected \(folder)/log:1: "))
        }
    }

    @Test(arguments: [false, true])
    func `what looks like a heading is a malformed line, but for a reject file`(strict: Bool) throws {
        try withTemporaryDirectory { folder in
            try write(Array("\(Self.good)\n#rejected x:1: why\n".utf8), to: folder + "/log")
            let importer = AttemptImporter(format: .attempts, strict: strict, rejectPath: folder + "/rejects")
            if strict {
                #expect(throws: ImportError.self) {
                    try importer.run(inputs: [.file(folder + "/log")], into: MemoryTarget())
                }
                return
            }
            for _ in 0..<2 {
                let report = try importer.run(inputs: [.file(folder + "/log")], into: MemoryTarget())
                #expect(report.rejects == 1 && report.blankLines == 0 && report.isClosed)
                let kept = try ImportSupport.lines(folder + "/rejects")
                #expect(kept.count == 2 && kept[1] == "#rejected x:1: why")
            }
        }
    }

    @Test func `there is no reject file without a malformed line`() throws {
        try withTemporaryDirectory { folder in
            try write(Array(Self.good.utf8), to: folder + "/log")
            let importer = AttemptImporter(format: .attempts, rejectPath: folder + "/rejects")
            _ = try importer.run(inputs: [.file(folder + "/log")], into: MemoryTarget())
            #expect(access(folder + "/rejects", F_OK) != 0)
        }
    }

    @Test func `only the first ten malformed lines are in the report, all are counted`() throws {
        let report = try ImportSupport.run(String(repeating: "{]\n", count: 25), .attempts)
        #expect(report.rejects == 25)
        #expect(report.firstRejects.map(\.line) == Array(1...10))
        #expect(report.isClosed)
    }

    @Test func `strict stops at the first malformed line with nothing imported, files and pipes alike`() throws {
        let text = "\(Self.good)\n\(Self.good.replacing("r", with: "\\"))\n{\n"
        for packed in [Array(text.utf8), ImportSupport.gzip(Array(text.utf8))] {
            let target = MemoryTarget()
            do throws(ImportError) {
                _ = try runStrict(packed, into: target)
                Issue.record("taken")
            } catch {
                guard case .line(let file, let line, _) = error else {
                    Issue.record("\(error)")
                    continue
                }
                #expect(file == "in")
                #expect(line == 2)
                #expect("\(error)".hasSuffix("; nothing was imported (strict)"))
            }
            #expect(target.attempts.isEmpty)
        }
    }

    private func runStrict(_ bytes: [UInt8], into target: MemoryTarget) throws(ImportError) -> ImportReport {
        do {
            return try ImportSupport.run(bytes, .attempts, strict: true, into: target)
        } catch let error as ImportError {
            throw error
        } catch {
            throw .input(name: "pipe", reason: "\(error)")
        }
    }

    @Test func `strict imports what has no fault, from a pipe too`() throws {
        let target = MemoryTarget()
        let packed = ImportSupport.gzip(Array("\(Self.good)\n\n".utf8))
        let report = try ImportSupport.run(packed, .attempts, strict: true, into: target)
        #expect(report.attemptsImported == 1)
        #expect(report.isClosed)
        let log = ImportSupport.log("loop.jsonl")
        let loop = try AttemptImporter(format: .envoy, strict: true).run(inputs: [.file(log)], into: target)
        #expect(loop.attemptsImported == 975)
        #expect(loop.isClosed)
    }

    @Test(arguments: [false, true])
    func `nothing is imported of gzip that is damaged or cut off, from a file or a pipe`(strict: Bool) throws {
        let lines = (0..<3_000).map { Self.good.replacing("22384", with: "\(10_000 + $0)") }
        let packed = ImportSupport.gzip(Array(lines.joined(separator: "\n").utf8))
        var flipped = packed
        flipped[packed.count * 3 / 4] ^= 1
        let cut = Array(packed.dropLast(60))
        try withTemporaryDirectory { folder in
            try write(Array(Self.good.utf8), to: folder + "/good")
            for (bytes, reason) in [(flipped, "damaged (incorrect data check)"), (cut, "the file is cut off")] {
                try write(bytes, to: folder + "/log.gz")
                let target = MemoryTarget()
                let importer = AttemptImporter(format: .attempts, strict: strict)
                func refuses(_ inputs: [ImportInput]) {
                    #expect {
                        try importer.run(inputs: inputs, into: target)
                    } throws: {
                        "\($0)".contains(reason) && "\($0)".hasSuffix("; nothing was imported")
                    }
                }
                refuses([.file(folder + "/good"), .file(folder + "/log.gz")])
                try ImportSupport.withPipe(bytes) { refuses([.descriptor($0, name: "in")]) }
                #expect(target.attempts.isEmpty)
            }
            try write(packed, to: folder + "/log.gz")
            let target = MemoryTarget()
            let importer = AttemptImporter(format: .attempts, strict: strict)
            #expect(try importer.run(inputs: [.file(folder + "/log.gz")], into: target).attemptsImported == 3_000)
            let again = try ImportSupport.withPipe(packed) {
                try importer.run(inputs: [.descriptor($0, name: "in")], into: target)
            }
            #expect(again.attemptsAlreadyThere == 3_000 && again.isClosed)
        }
    }

    @Test func `a reject file that cannot be written stops the import and says so`() throws {
        #expect(
            throws: ImportError.rejectFile(
                path: "/nowhere/rejects", imported: 0, reason: "cannot be opened: No such file or directory")
        ) {
            try ImportSupport.withPipe(Array("{\n".utf8)) {
                try AttemptImporter(format: .attempts, rejectPath: "/nowhere/rejects")
                    .run(inputs: [.descriptor($0, name: "in")], into: MemoryTarget())
            }
        }
    }

    /// Real lines, damaged at random places.
    @Test(arguments: SeededGenerator.seeds([11, 12, 13, 14]), ImportFormat.allCases)
    func `no damage makes the import crash or lose a line`(seed: UInt64, format: ImportFormat) throws {
        var random = SeededGenerator(seed: seed)
        let lines: [String]
        switch format {
        case .envoy:
            lines = try ["loop.jsonl", "cases_attempts.jsonl", "cases_requests.jsonl"]
                .flatMap { try ImportSupport.lines(ImportSupport.log($0)) }
        case .attempts: lines = [Self.good, Self.good.dropLast() + ",\"request\":\"\\u00e9\",\"x\":[{}]}"]
        }
        for _ in 0..<100 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 1...12, using: &random) {
                bytes += Array((lines.randomElement(using: &random) ?? "").utf8) + [0x0A]
            }
            for _ in 0..<Int.random(in: 0...6, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 2: bytes.insert(UInt8.random(in: 0...255, using: &random), at: at)
                default: bytes.removeSubrange(at..<min(at + Int.random(in: 1...9, using: &random), bytes.count - 1))
                }
            }
            if bytes[0] == 0x1F { continue }
            let ends = bytes.count { $0 == 0x0A }
            let report = try ImportSupport.run(bytes, format)
            #expect(report.lines == ends + (bytes.last == 0x0A ? 0 : 1), "\(random)")
            #expect(report.isClosed, "\(random)")
        }
    }

    @Test(arguments: SeededGenerator.seeds([21, 22]))
    func `damaged gzip is imported whole or not at all`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let packed = ImportSupport.gzip(Array(String(repeating: Self.good + "\n", count: 5).utf8))
        for _ in 0..<200 {
            var bytes = packed
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: 2..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            let target = MemoryTarget()
            do {
                let report = try ImportSupport.run(bytes, .attempts, into: target)
                // Some bytes of the header mean nothing to the contents.
                #expect(report.attemptsImported == 5 && report.lines == 5, "\(random)")
            } catch let error as ImportError {
                guard case .damaged = error else { throw error }
                #expect(target.attempts.isEmpty, "\(random)")
            }
        }
    }
}
