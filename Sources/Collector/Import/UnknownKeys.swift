/// The keys of an input that mean nothing to its format, each with how many lines have it: a key that was mistyped is
/// ignored like any other, and a person should see that it was.
struct UnknownKeys {
    /// Keys beyond these are not counted: a log full of different keys must not make the report grow.
    static let limit = 16
    /// How much of a key is kept, in characters.
    static let keptOfLong = 64

    private struct Entry {
        var name: String
        var lines = 0
        var lastLine = -1

        mutating func count(_ line: Int) {
            if lastLine == line { return }
            lastLine = line
            lines += 1
        }
    }

    private let limit: Int
    private var entries: [UInt64: Entry] = [:]
    /// The keys' digests, in the order in which they came.
    private var order: [UInt64] = []
    private var line = 0

    init(limit: Int = UnknownKeys.limit) { self.limit = limit }

    mutating func beginLine() { line += 1 }

    /// Notes a key of the present line, as it stands there.
    mutating func note(_ key: UnsafeRawBufferPointer) {
        let digest = XXH64.hash(key)
        if entries[digest] == nil {
            if entries.count >= limit { return }
            entries[digest] = Entry(name: Self.printable(key))
            order.append(digest)
        }
        entries[digest]?.count(line)
    }

    /// Adds the keys of lines that come after these. They must not have been limited, or the first ones are not known.
    mutating func add(_ later: UnknownKeys) {
        for digest in later.order {
            guard let entry = later.entries[digest] else { continue }
            if entries[digest] == nil {
                if entries.count >= limit { continue }
                entries[digest] = Entry(name: entry.name)
                order.append(digest)
            }
            entries[digest]?.lines += entry.lines
        }
    }

    /// Lines by key.
    var lines: [String: Int] {
        Dictionary(entries.values.map { ($0.name, $0.lines) }, uniquingKeysWith: +)
    }

    /// The beginning of a key. Escapes stay as they are, so that only bytes that need none have to be replaced.
    private static func printable(_ key: UnsafeRawBufferPointer) -> String {
        let text = String(decoding: key.prefix(4 * keptOfLong), as: UTF8.self)
        let kept = text.prefix(keptOfLong).map { $0.unicodeScalars.contains(where: isControl) ? "?" : $0 }
        return String(kept) + (kept.count < text.count || key.count > 4 * keptOfLong ? "..." : "")
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.generalCategory == .control }
}
