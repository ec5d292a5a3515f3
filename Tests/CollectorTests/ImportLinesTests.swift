import Glibc
import TestSupport
import Testing

@testable import Collector

@Suite struct ImportLinesTests {
    /// What the reader gives: text, or the length of a line that is too long.
    private enum Given: Equatable {
        case text(String)
        case tooLong(Int)
    }

    private func lines(_ bytes: [UInt8]) throws -> (lines: [Given], fault: String?) {
        try withTemporaryDirectory { folder in
            let path = folder + "/in"
            try write(bytes, to: path)
            let reader = LineReader(try ByteSource(.file(path)))
            var given: [Given] = []
            do throws(InputFault) {
                while let line = try reader.next() {
                    switch line {
                    case .text(let text, _): given.append(.text(String(decoding: text, as: UTF8.self)))
                    case .tooLong(let kept, let count):
                        #expect(kept.count == LineReader.keptOfLong)
                        given.append(.tooLong(count))
                    }
                    #expect(reader.number == given.count)
                }
            } catch {
                return (given, error.reason)
            }
            return (given, nil)
        }
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        let file = try #require(fopen(path, "w"))
        defer { fclose(file) }
        #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
    }

    @Test func `lines end in LF or CRLF, the last one in nothing`() throws {
        #expect(try lines(Array("a\nb\r\n\n\r\nc".utf8)).lines == ["a", "b", "", "", "c"].map { .text($0) })
        #expect(try lines([]).lines == [])
        #expect(try lines(Array("\n".utf8)).lines == [.text("")])
        #expect(try lines(Array("{".utf8)).lines == [.text("{")])
    }

    @Test func `a byte order mark at the beginning is skipped, elsewhere it is not`() throws {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        #expect(try lines(mark + Array("a\n".utf8) + mark).lines == [.text("a"), .text("\u{FEFF}")])
    }

    @Test(arguments: [65_535, 65_536, 65_537, LineReader.limit - 1, LineReader.limit])
    func `lines up to the limit come whole, whatever the buffers' sizes`(count: Int) throws {
        let long = Array(repeating: UInt8(ascii: "x"), count: count)
        let given = try lines(Array("a\n".utf8) + long + Array("\nb\n".utf8) + long).lines
        let text = Given.text(String(repeating: "x", count: count))
        #expect(given == [.text("a"), text, .text("b"), text])
    }

    @Test(arguments: [LineReader.limit + 1, LineReader.limit * 2, LineReader.limit * 5 + 17])
    func `a longer line is skipped and the next one is whole`(count: Int) throws {
        let long = Array(repeating: UInt8(ascii: "x"), count: count)
        #expect(
            try lines(Array("a\n".utf8) + long + Array("\nb\n".utf8) + long).lines
                == [.text("a"), .tooLong(count), .text("b"), .tooLong(count)])
    }

    @Test func `gzip is recognised by its first bytes, also in several members and with padding`() throws {
        let first = ImportSupport.gzip(Array("a\nb".utf8))
        let second = ImportSupport.gzip(Array("c\nd\n".utf8))
        #expect(try lines(first).lines == [.text("a"), .text("b")])
        #expect(try lines(first + second).lines == [.text("a"), .text("bc"), .text("d")])
        #expect(try lines(first + [0, 0, 0] + second + [0, 0]).lines == [.text("a"), .text("bc"), .text("d")])
        #expect(try lines(ImportSupport.gzip([])).lines == [])
    }

    @Test func `deflate's own coding is unpacked`() throws {
        // printf 'aaaa\naaaa\naaaa\n' | gzip -n
        let packed: [UInt8] = [
            0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x4B, 0x4C, 0x4C, 0x4C, 0xE4, 0x4A, 0x84, 0x13,
            0x00, 0x44, 0x6A, 0x31, 0xA8, 0x0F, 0x00, 0x00, 0x00,
        ]
        #expect(try lines(packed).lines == Array(repeating: .text("aaaa"), count: 3))
    }

    @Test func `gzip that breaks off gives what came before and says so`() throws {
        let packed = ImportSupport.gzip(Array("a\nb\nc\n".utf8))
        for count in 2..<packed.count {
            let (given, fault) = try lines(Array(packed[..<count]))
            #expect(given.count <= 3)
            #expect(fault == "the gzip data end in the middle; the file is cut off")
        }
    }

    @Test func `damaged gzip is named and no line of it invented`() throws {
        var packed = ImportSupport.gzip(Array("a\nb\nc\n".utf8))
        packed[packed.count - 6] ^= 1
        #expect(try lines(packed).fault == "the gzip data are damaged (incorrect data check)")
        let (given, fault) = try lines(ImportSupport.gzip(Array("a\n".utf8)) + Array("plain".utf8))
        #expect(given == [.text("a")])
        #expect(fault == "bytes that are not gzip follow the gzip data")
    }

    @Test func `what cannot be read is named before anything is imported`() throws {
        try withTemporaryDirectory { folder in
            let target = MemoryTarget()
            let importer = AttemptImporter(format: .attempts)
            let good = folder + "/good"
            try write(Array(#"{"start_us":1,"duration_us":1,"route":"r","outcome":"success"}"#.utf8), to: good)
            #expect(
                throws: ImportError.input(
                    name: folder + "/none", reason: "cannot be opened: No such file or directory")
            ) {
                try importer.run(inputs: [.file(good), .file(folder + "/none")], into: target)
            }
            #expect(
                throws: ImportError.input(name: folder, reason: "is a directory; give the files in it")
            ) { try importer.run(inputs: [.file(good), .file(folder)], into: target) }
            #expect(target.attempts.isEmpty)
        }
    }
}
