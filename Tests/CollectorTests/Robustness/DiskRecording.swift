import Synchronization
import TestSupport

/// Everything that SQLite asked of the disk for the files of one directory, in order; and the states in which a power
/// loss could have left them.
///
/// The disk that is modelled promises what POSIX and SQLite's documentation (https://sqlite.org/atomiccommit.html)
/// promise, and no more: what was written to a file before its last `sync` is there; of every later write each sector
/// is there or not, on its own; a byte outside of a write is not touched by it; names of files follow in the order in
/// which they were made and removed, and are there for certain once the directory was synced.
final class DiskRecording: Sendable {
    enum Event: Sendable {
        case write(file: Int, offset: Int, bytes: [UInt8])
        case truncate(file: Int, size: Int)
        case sync(file: Int)
        case create(file: Int, name: String)
        case delete(name: String)
        case syncDirectory
    }

    /// What becomes of writes that were not synced.
    enum Fate: Sendable {
        case lost
        case kept
        /// Every sector of that many bytes by a throw of the dice.
        case torn(sector: Int, seed: UInt64)
    }

    private struct State {
        var events: [Event] = []
        var names: [String: Int] = [:]
        var files = 0
        /// Journals whose directory entry SQLite will sync with their first sync.
        var unsyncedNames: Set<Int> = []
        var reads: [Int: Set<Range<Int>>] = [:]
    }

    private let state = Mutex(State())

    /// How many events there are so far.
    var count: Int { state.withLock { $0.events.count } }

    var events: [Event] { state.withLock { $0.events } }

    /// A file was opened, and made if there was none; gives its number.
    func opened(_ name: String, isJournal: Bool) -> Int {
        state.withLock { state in
            if let known = state.names[name] { return known }
            let file = state.files
            state.files += 1
            state.names[name] = file
            if isJournal { state.unsyncedNames.insert(file) }
            state.events.append(.create(file: file, name: name))
            return file
        }
    }

    func deleted(_ name: String, syncsDirectory: Bool) {
        state.withLock { state in
            guard state.names.removeValue(forKey: name) != nil else { return }
            state.events.append(.delete(name: name))
            if syncsDirectory { state.events.append(.syncDirectory) }
        }
    }

    func wrote(_ file: Int, offset: Int, bytes: [UInt8]) {
        state.withLock { $0.events.append(.write(file: file, offset: offset, bytes: bytes)) }
    }

    func read(_ file: Int, offset: Int, count: Int) {
        _ = state.withLock { $0.reads[file, default: []].insert(offset..<offset + count) }
    }

    /// What was read of a file that is still there.
    func reads(of name: String) -> Set<Range<Int>> {
        state.withLock { state in state.names[name].flatMap { state.reads[$0] } ?? [] }
    }

    func truncated(_ file: Int, size: Int) {
        state.withLock { $0.events.append(.truncate(file: file, size: size)) }
    }

    func synced(_ file: Int) {
        state.withLock { state in
            state.events.append(.sync(file: file))
            if state.unsyncedNames.remove(file) != nil { state.events.append(.syncDirectory) }
        }
    }
}

extension DiskRecording {
    /// The files by name, as a power loss after the first `count` of the events could leave them.
    static func image(of events: ArraySlice<Event>, fate: Fate) -> [String: [UInt8]] {
        var random = SeededGenerator(seed: seed(of: fate))
        var lastSync: [Int: Int] = [:]
        var lastDirectorySync = events.startIndex
        for index in events.indices {
            switch events[index] {
            case .sync(let file): lastSync[file] = index
            case .syncDirectory: lastDirectorySync = index
            default: break
            }
        }
        var files: [Int: [UInt8]] = [:]
        var changes: [Event] = []
        var certainChanges = 0
        for index in events.indices {
            switch events[index] {
            case .write(let file, let offset, let bytes):
                let isCertain = index < lastSync[file] ?? -1
                write(bytes, at: offset, to: &files[file, default: []], isCertain ? .kept : fate, &random)
            case .truncate(let file, let size):
                guard index < lastSync[file] ?? -1 || happens(fate, &random) else { continue }
                resize(&files[file, default: []], to: size)
            case .create, .delete:
                changes.append(events[index])
                if index < lastDirectorySync { certainChanges = changes.count }
            case .sync, .syncDirectory: break
            }
        }
        let names = names(after: changes, certain: certainChanges, fate, &random)
        return names.mapValues { files[$0] ?? [] }
    }

    private static func names(
        after changes: [Event], certain: Int, _ fate: Fate, _ random: inout SeededGenerator
    ) -> [String: Int] {
        let kept =
            switch fate {
            case .lost: certain
            case .kept: changes.count
            case .torn: Int.random(in: certain...changes.count, using: &random)
            }
        var names: [String: Int] = [:]
        for change in changes[..<kept] {
            if case .create(let file, let name) = change { names[name] = file }
            if case .delete(let name) = change { names[name] = nil }
        }
        return names
    }

    private static func seed(of fate: Fate) -> UInt64 {
        if case .torn(_, let seed) = fate { seed } else { 0 }
    }

    private static func happens(_ fate: Fate, _ random: inout SeededGenerator) -> Bool {
        switch fate {
        case .lost: false
        case .kept: true
        case .torn: Bool.random(using: &random)
        }
    }

    private static func write(
        _ bytes: [UInt8], at offset: Int, to file: inout [UInt8], _ fate: Fate, _ random: inout SeededGenerator
    ) {
        guard case .torn(let sector, _) = fate else {
            if case .kept = fate { put(bytes[...], at: offset, to: &file) }
            return
        }
        // A third of the writes is there whole and a third not at all: whole transactions out of order are as likely.
        let whole = Int.random(in: 0..<3, using: &random)
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, ((offset + start) / sector + 1) * sector - offset)
            let isThere = whole == 0 || (whole == 2 && Bool.random(using: &random))
            if isThere { put(bytes[start..<end], at: offset + start, to: &file) }
            start = end
        }
    }

    private static func put(_ bytes: ArraySlice<UInt8>, at offset: Int, to file: inout [UInt8]) {
        if file.count < offset + bytes.count { resize(&file, to: offset + bytes.count) }
        // Not by `replaceSubrange`: unoptimised, that goes byte by byte.
        file.withUnsafeMutableBytes { file in
            bytes.withUnsafeBytes {
                file.baseAddress?.advanced(by: offset).copyMemory(from: $0.baseAddress!, byteCount: $0.count)
            }
        }
    }

    private static func resize(_ file: inout [UInt8], to size: Int) {
        if size < file.count {
            file.removeLast(file.count - size)
        } else {
            file.append(contentsOf: [UInt8](repeating: 0, count: size - file.count))
        }
    }
}
