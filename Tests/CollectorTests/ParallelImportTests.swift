import FoundationEssentials
import Glibc
import Retry
import TestSupport
import Testing

@testable import Collector

/// An import comes out the same however many threads read it and wherever it is cut.
@Suite struct ParallelImportTests {
    private struct Outcome: Equatable {
        var report: ImportReport
        var attempts: [Attempt]
        var rejected: [UInt8]
    }

    /// Imports inputs from files. Their folder differs from run to run, so it is taken out of the names.
    private func importing(_ inputs: [[UInt8]], threads: Int, chunkBytes: Int, batch: Int = 7) throws -> Outcome {
        try withTemporaryDirectory { folder in
            var importer = AttemptImporter(format: .attempts, rejectPath: folder + "/rejects")
            (importer.threads, importer.chunkBytes, importer.batchCount) = (threads, chunkBytes, batch)
            let target = MemoryTarget()
            let files = try inputs.enumerated().map { number, bytes in
                let path = folder + "/\(number)"
                try Data(bytes).write(to: URL(filePath: path))
                return ImportInput.file(path)
            }
            var seen: [ImportProgress] = []
            var report = try importer.run(inputs: files, into: target) { seen.append($0) }
            #expect(report.isClosed)
            #expect(seen.last?.lines == report.lines)
            #expect(seen.last?.bytesRead == Int64(inputs.reduce(0) { $0 + $1.count }))
            func plain(_ text: String) -> String { text.replacing(folder, with: "") }
            for index in report.firstRejects.indices {
                report.firstRejects[index].file = plain(report.firstRejects[index].file)
            }
            let kept = report.rejects > 0 ? try ImportSupport.bytes(folder + "/rejects") : []
            return Outcome(
                report: report, attempts: target.attempts,
                rejected: Array(plain(String(decoding: kept, as: UTF8.self)).utf8))
        }
    }

    private func input(_ seed: UInt64, lines count: Int) -> [UInt8] {
        var lines = AttemptLines(random: SeededGenerator(seed: seed))
        var bytes: [UInt8] = seed % 2 == 0 ? [0xEF, 0xBB, 0xBF] : []
        for number in 0..<count {
            bytes += number % 11 == 3 ? [] : lines.line(strangeness: 0.2)
            bytes += number % 3 == 0 ? [0x0D, 0x0A] : [0x0A]
        }
        bytes += Array(#"{"start_us":17"#.utf8)
        return bytes
    }

    @Test(arguments: SeededGenerator.seeds([1, 2, 3]))
    func `threads and chunks make no difference`(seed: UInt64) throws {
        let inputs = [input(seed, lines: 120), [], input(seed + 1, lines: 40)]
        let plain = inputs.map { PlainReading($0) }
        let first = try importing(inputs, threads: 1, chunkBytes: 1 << 20)
        #expect(first.report.lines == plain.reduce(0) { $0 + $1.lines })
        #expect(first.report.blankLines == plain.reduce(0) { $0 + $1.blankLines })
        #expect(first.report.rejects == plain.reduce(0) { $0 + $1.rejects.count })
        let whole = plain.flatMap { $0.attempts }
        #expect(first.attempts == whole)
        for (threads, chunkBytes) in [(1, 1), (2, 5), (5, 64), (2, 1000), (5, 4096), (2, 1 << 20)] {
            #expect(try importing(inputs, threads: threads, chunkBytes: chunkBytes) == first, "seed \(seed)")
        }
    }

    @Test func `lines longer than a chunk, and than is taken, come out in their places`() throws {
        func long(_ count: Int) -> [UInt8] {
            Array(#"{"start_us":1790000000022384,"duration_us":1,"route":"r","outcome":"success","x":""#.utf8)
                + Array(repeating: UInt8(ascii: "y"), count: count) + Array("\"}\n".utf8)
        }
        let inputs = [
            long(10) + long(70_000) + long(LineReader.limit) + long(3) + long(3 * LineReader.limit) + long(5)
        ]
        let first = try importing(inputs, threads: 1, chunkBytes: 1 << 22)
        #expect(first.report.attemptsImported == 4)
        #expect(first.report.firstRejects.map(\.line) == [3, 5])
        #expect(first.report.firstRejects[1].reason.hasSuffix("; its first 4096 are kept"))
        for chunkBytes in [100, 65_536, 1 << 20] {
            #expect(try importing(inputs, threads: 2, chunkBytes: chunkBytes) == first)
        }
    }

    @Test func `a reject file is known by its first line, wherever its headings stand`() throws {
        let good = #"{"start_us":1790000000022384,"duration_us":1,"route":"r","outcome":"success"}"#
        let text = String(repeating: "#rejected log:1: it was so\n\(good)\n", count: 30)
        for chunkBytes in [10, 100, 1 << 20] {
            let kept = try importing([Array(text.utf8)], threads: 2, chunkBytes: chunkBytes)
            #expect(kept.report.blankLines == 30)
            #expect(kept.report.attemptsImported == 30)
            let other = try importing([Array((good + "\n" + text).utf8)], threads: 2, chunkBytes: chunkBytes)
            #expect(other.report.blankLines == 0)
            #expect(other.report.rejects == 30)
        }
    }

    @Test func `a hundred megabytes without a line end take no more memory than a chunk`() throws {
        try withTemporaryDirectory { folder in
            let path = folder + "/long"
            let good = #"{"start_us":1790000000022384,"duration_us":1,"route":"r","outcome":"success"}"#
            let file = try #require(fopen(path, "w"))
            fputs(good + "\n", file)
            #expect(ftruncate(fileno(file), 100_000_000) == 0)
            fseek(file, 0, SEEK_END)
            fputs("\n" + good + "\n", file)
            fclose(file)
            let cutter = LineCutter(try ByteSource(.file(path)), chunkBytes: 1 << 16)
            var chunk = LineChunk()
            var most = 0
            var lengths: [Int?] = []
            while try cutter.cut(into: &chunk) {
                most = max(most, chunk.bytes.count)
                lengths.append(chunk.longLine)
                chunk.clear()
            }
            #expect(lengths == [nil, 100_000_000 - good.utf8.count - 1, nil])
            #expect(most < 4 << 20)
            let target = MemoryTarget()
            let report = try AttemptImporter(format: .attempts).run(inputs: [.file(path)], into: target)
            #expect(report.firstRejects.map(\.line) == [2])
            #expect(target.attempts.count == 2)
        }
    }

    @Test func `a chunk with nothing but malformed lines keeps no more than where they stand`() throws {
        let outcome = try importing(
            [Array(repeating: 0x0A, count: 5) + Array(String(repeating: "x\n", count: 30_000).utf8)], threads: 2,
            chunkBytes: 1 << 16)
        #expect(outcome.report.rejects == 30_000)
        #expect(outcome.report.firstRejects.map(\.line) == Array(6...15))
    }
}
