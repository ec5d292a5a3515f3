import Testing

@testable import Retry

@Suite struct YAMLReaderTests {
    private static func root(_ text: String) throws -> YAMLReader { try YAMLReader.root(of: text, file: "f") }

    @Test func `entries keep the order of the file`() throws {
        let entries = try Self.root("c: 1\na: 2\nb: 3\n").entries()
        #expect(entries.map(\.key) == ["c", "a", "b"])
        #expect(try entries.map { try $0.value.integer(0...9) } == [1, 2, 3])
    }

    @Test func `a value below its key has its own line, an unknown key the key's`() throws {
        let root = try Self.root("a:\n\n  - x\n")
        let error = #expect(throws: FileError.self) { try root.mapping(keys: ["b"]) }
        #expect(error?.line == 1)
        let value = try #require(root.mapping(keys: ["a"])["a"])
        #expect(value.error("no").line == 3)
        #expect(try value.items()[0].error("no").description == "f:3: a[0]: no")
    }

    @Test func `nothing is nothing only when it is not quoted`() throws {
        let entries = try Self.root("a:\nb: ~\nc: null\nd: \"\"\ne: 'null'\nf: \"~\"\n").entries()
        #expect(entries.map(\.value.isNull) == [true, true, true, false, false, false])
    }

    @Test func `only true and false are booleans`() throws {
        let entries = try Self.root("a: true\nb: false\nc: yes\nd: True\n").entries()
        #expect(entries.map { try? $0.value.boolean() } == [true, false, nil, nil])
    }
}
