import Retry

/// A name as UTF-8 that stays where it is.
struct NameText {
    var start: UnsafePointer<CChar>
    var count: Int32
}

/// The names behind the codes, as text that SQLite need not copy: it stays in place until the connection goes.
final class NameTexts {
    private var tables: [Table] = NameKind.allCases.map { _ in Table() }
    private var outcomeTable = Table()

    init() { outcomeTable.add(Outcome.allCases.map(\.name)[...]) }

    /// Takes over the names that it does not have yet.
    func refresh(_ names: Names) {
        for kind in NameKind.allCases {
            tables[kind.rawValue].add(names[kind].names[tables[kind.rawValue].count...])
        }
    }

    /// The texts by code; good until the connection goes, for the codes known now.
    func texts(_ kind: NameKind) -> UnsafePointer<NameText> { tables[kind.rawValue].start }

    /// The names of the outcomes by raw value.
    var outcomes: UnsafePointer<NameText> { outcomeTable.start }

    /// An outcome's name by its raw value.
    func outcome(_ raw: Int) -> String {
        let text = outcomes[raw]
        return String(decoding: UnsafeRawBufferPointer(start: text.start, count: Int(text.count)), as: UTF8.self)
    }

    /// Grows by allocating anew; what was given out before stays as it is.
    private final class Table {
        private var blocks: [UnsafeMutablePointer<NameText>] = [.allocate(capacity: 16)]
        private var texts: [UnsafeMutablePointer<CChar>] = []
        private var capacity = 16
        private(set) var count = 0

        var start: UnsafePointer<NameText> { UnsafePointer(blocks[blocks.count - 1]) }

        func add(_ names: ArraySlice<String>) {
            if count + names.count > capacity {
                capacity = max(2 * capacity, count + names.count)
                let larger = UnsafeMutablePointer<NameText>.allocate(capacity: capacity)
                larger.initialize(from: blocks[blocks.count - 1], count: count)
                blocks.append(larger)
            }
            for name in names {
                let bytes = Array(name.utf8)
                // One byte more, so that an empty name has a place too: SQLite takes no place for NULL.
                let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count + 1)
                for (index, byte) in bytes.enumerated() { copy[index] = CChar(bitPattern: byte) }
                copy[bytes.count] = 0
                texts.append(copy)
                (blocks[blocks.count - 1] + count).initialize(
                    to: NameText(start: UnsafePointer(copy), count: Int32(bytes.count)))
                count += 1
            }
        }

        deinit {
            for block in blocks { block.deallocate() }
            for text in texts { text.deallocate() }
        }
    }
}
