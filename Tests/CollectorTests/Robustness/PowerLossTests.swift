import Glibc
import Retry
import TestSupport
import Testing

@testable import Collector

/// The power fails at every moment of a small history, with every kind of luck for what was not synced: what was
/// acknowledged is there once, what was not is there whole or not at all, and the store is sound.
@Suite(.serialized) struct PowerLossTests {
    @Test func `the model of the disk keeps what was synced and tears what was not`() {
        let recording = DiskRecording()
        let file = recording.opened("a", isJournal: true)
        recording.wrote(file, offset: 0, bytes: Array(repeating: 1, count: 1_200))
        recording.synced(file)
        recording.wrote(file, offset: 500, bytes: Array(repeating: 2, count: 600))
        let events = recording.events[...]
        #expect(events.count == 5)
        func image(_ fate: DiskRecording.Fate) -> [UInt8]? { DiskRecording.image(of: events, fate: fate)["a"] }
        let old = Array(repeating: UInt8(1), count: 1_200)
        var new = old
        new.replaceSubrange(500..<1_100, with: repeatElement(2, count: 600))
        #expect(image(.lost) == old && image(.kept) == new)
        let torn = Set((0..<64).compactMap { image(.torn(sector: 512, seed: $0)) })
        // Three sectors are touched: 500..<512, 512..<1024 and 1024..<1100.
        #expect(torn.count == 8 && torn.contains(old) && torn.contains(new))
        #expect(torn.allSatisfy { Set($0[512..<1_024]).count == 1 && $0[..<500].allSatisfy { $0 == 1 } })
        // Before the directory was synced, the name itself may be lost.
        #expect(DiskRecording.image(of: events[..<2], fate: .lost).isEmpty)
        #expect(DiskRecording.image(of: events[..<2], fate: .kept)["a"] == old)
    }

    @Test(.timeLimit(.minutes(30))) func `after a power loss at any moment the store is whole`() throws {
        let history = try History.record()
        #expect(history.events.count > 200)
        let seeds = SeededGenerator.seeds([1])
        let points = Array(0...history.events.count)
        var fates: [DiskRecording.Fate] = [.lost, .kept]
        for seed in seeds {
            fates += [.torn(sector: 512, seed: seed), .torn(sector: 4_096, seed: seed &+ 1_000)]
        }
        for seed in 0..<(Thoroughness.isFull ? 40 : 0) {
            fates.append(.torn(sector: seed % 2 == 0 ? 512 : 4_096, seed: UInt64(seed) + 2_000))
        }
        var complaints: [String] = []
        for point in points {
            for fate in fates {
                if let complaint = try history.complaint(after: point, fate) {
                    complaints.append("after \(point) of \(history.events.count) events, \(fate): \(complaint)")
                }
            }
        }
        let isWhole = complaints.isEmpty
        #expect(isWhole, "\(complaints.count) images, e.g. \(complaints.prefix(5).joined(separator: "; "))")
    }
}

/// How much of a test's space is walked: a sample within `make test`, all of it within `make crash`.
enum Thoroughness {
    static let isFull = getenv("MEANTIME_CRASH") != nil
}

/// What a store holds, as far as a power loss may not touch it.
private struct Content: Equatable {
    var attempts: [UInt64: Int] = [:]
    var rules: [Int] = []
    var dropped = 0
    /// What was pruned, and what of it was missing.
    var history = 0
    var historyDropped = 0

    mutating func add(_ more: [Attempt]) {
        for key in more.flatMap(\.importKeys) { attempts[key, default: 0] += 1 }
    }

    mutating func remove(_ gone: [Attempt]) {
        for key in gone.flatMap(\.importKeys) {
            let left = attempts[key, default: 0] - 1
            attempts[key] = left > 0 ? left : nil
        }
    }
}

/// A recorded history of a store: every call with what the store held when it returned.
private struct History {
    let events: [DiskRecording.Event]
    /// After how many events each call returned, what was to be there then, and what may be there on the way to it,
    /// where a call has several transactions.
    private let steps: [(returnedAt: Int, content: Content, onTheWay: [Content])]
    private let scratch: TemporaryDirectory

    static func record() throws -> History {
        let directory = try TemporaryDirectory()
        let recording = RecordingVFS.watch(directory.path)
        defer { RecordingVFS.unwatch(directory.path) }
        let path = directory.file("meantime.db")
        var content = Content()
        var steps: [(Int, Content, [Content])] = [(0, content, [])]
        func returned(_ onTheWay: [Content] = []) { steps.append((recording.count, content, onTheWay)) }
        var store = try AttemptStore.open(path: path, mode: .readWrite, sealAfterRows: 90)
        returned()
        var attempts = Sample.attempts(700, seed: 71)
        for index in 20..<90 { attempts[index].startUs = Int64(index) }
        func append(_ range: Range<Int>) throws {
            try store.append(Array(attempts[range]))
            content.add(Array(attempts[range]))
            returned()
        }
        func rules(_ version: Int) throws {
            try store.recordRuleSet(
                RuleSet(version: version, createdUs: 0, routes: [:]), yaml: "version: \(version)\n", who: "tune",
                why: String(repeating: "cheaper ", count: 400), atUs: 1)
            content.rules.append(version)
            returned()
        }
        for start in stride(from: 0, to: 120, by: 30) { try append(start..<start + 30) }
        try rules(1)
        try store.recordDropped(count: 3, fromUs: 1, toUs: 2, reason: "the hand-off was full")
        content.dropped += 3
        returned()
        // The log is copied into the file, and the next transaction begins it anew over its old frames.
        try Connection(path: path, access: .readWrite).execute("PRAGMA wal_checkpoint(RESTART)")
        returned()
        for start in stride(from: 120, to: 240, by: 40) { try append(start..<start + 40) }
        try store.seal()
        returned()
        // The last connection takes the log away; the next makes it again.
        store.close()
        returned()
        store = try AttemptStore.open(path: path, mode: .readWrite, sealAfterRows: 90)
        returned()
        try append(240..<250)
        // More than a tail: segments at once, with pages that spill.
        try append(250..<600)
        try rules(2)
        try append(600..<640)
        try store.seal()
        returned()
        // Small segments become one, and what of it is of an hour long ago becomes history, then the note of its drops.
        #expect(try store.compact().attempts > 600)
        returned()
        let report = try store.prune(beforeUs: HourKey.hour(of: attempts[640].startUs))
        let old = attempts[..<640].filter { $0.startUs < report.beforeUs }
        #expect(!old.isEmpty && report.attempts == old.count && report.droppedMoved == 3)
        content.remove(Array(old))
        content.history += old.count
        let onTheWay = content
        content.dropped -= 3
        content.historyDropped += 3
        returned([onTheWay])
        try append(640..<700)
        store.close()
        returned()
        return History(events: recording.events, steps: steps, scratch: try TemporaryDirectory(inMemory: true))
    }

    /// What is wrong with the store that a power loss leaves; `nil` when nothing is.
    func complaint(after point: Int, _ fate: DiskRecording.Fate) throws -> String? {
        for name in try scratch.names() { unlink(scratch.file(name)) }
        for (name, bytes) in DiskRecording.image(of: events[..<point], fate: fate) {
            writeFile(bytes, to: scratch.file(name))
        }
        let done = steps.lastIndex { $0.returnedAt <= point } ?? 0
        var allowed = [steps[done].content]
        // The call that was under way may have been kept without its acknowledgement; then it is there whole.
        if steps[done].returnedAt < point, done + 1 < steps.count {
            allowed += steps[done + 1].onTheWay + [steps[done + 1].content]
        }
        do {
            let store = try AttemptStore.open(path: scratch.file("meantime.db"), mode: .readWrite)
            let found = try content(of: store)
            guard allowed.contains(found) else { return difference(found, allowed[0]) }
            let damage = try store.check()
            guard damage.isEmpty else { return "\(damage)" }
            // And it goes on.
            let more = Sample.attempts(5, seed: 72)
            try store.append(more)
            try store.seal()
            var expected = found
            expected.add(more)
            return try content(of: store) == expected ? nil : "what was appended afterwards is not there"
        } catch {
            return "\(error)"
        }
    }

    private func content(of store: AttemptStore) throws -> Content {
        var content = Content()
        content.attempts = try store.fingerprints(fromUs: .min, toUs: .max)
        content.rules = try store.ruleHistory().map(\.version)
        content.dropped = try store.missingAttempts(fromUs: nil, toUs: nil)
        content.history = try sum("SELECT sum(attempts) FROM history", store)
        content.historyDropped = try sum("SELECT sum(attempts) FROM history_dropped", store)
        return content
    }

    private func sum(_ sql: String, _ store: AttemptStore) throws -> Int {
        if case .integer(let sum)? = try store.query(sql).rows.first?.first { Int(sum) } else { 0 }
    }

    private func difference(_ found: Content, _ wanted: Content) -> String {
        let (there, due) = (found.attempts.values.reduce(0, +), wanted.attempts.values.reduce(0, +))
        return "\(there / 2) attempts, rules \(found.rules), \(found.dropped) dropped; "
            + "at least \(due / 2), \(wanted.rules), \(wanted.dropped) were acknowledged"
    }
}
