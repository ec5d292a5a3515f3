// A process for tests of several processes on one store.
//
//   StoreProcess write STORE WRITER FIRST BATCHES BATCH SEAL   writes attempts FIRST, FIRST + 1, ... of WRITER, BATCHES
//                                                              batches of BATCH (0 batches: until it is killed), sealed
//                                                              at SEAL rows; `ack N` once attempts 0 ..< N are durable
//   StoreProcess read STORE WRITERS                            reads again and again until its input ends; `seen ...`
//                                                              tells how often and how much, `fault ...` what is wrong
//   StoreProcess compact STORE TIMES                           merges small segments so many times
//
// It ends with 0 when all went well, with 1 and one line on stderr when not.

import Collector
import Glibc
import Retry
import TestSupport

/// Unbuffered: what was said before a kill arrives.
func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = write(1, bytes, bytes.count)
}

func complain(_ line: String) -> Never {
    let bytes = Array("StoreProcess: \(line)\n".utf8)
    _ = write(2, bytes, bytes.count)
    exit(1)
}

func number(_ index: Int) -> Int {
    guard CommandLine.arguments.indices.contains(index), let value = Int(CommandLine.arguments[index]) else {
        complain("argument \(index) must be a number")
    }
    return value
}

/// Calls again while another process holds the store.
func patiently<Value>(_ body: () throws -> Value) throws -> Value {
    while true {
        do { return try body() } catch let error as StoreError where error.code == .busy { continue }
    }
}

func writeAttempts(_ path: String) throws {
    let (writer, first, batches, batch, seal) = (number(3), number(4), number(5), number(6), number(7))
    let store = try AttemptStore.open(path: path, mode: .readWrite, sealAfterRows: seal)
    var next = first
    while batches == 0 || next < first + batches * batch {
        let attempts = WriterAttempts.attempts(writer: writer, next..<next + batch)
        try patiently { try store.append(attempts) }
        next += batch
        say("ack \(next)")
    }
    store.close()
}

/// Whether the process that started this one has closed our input.
func inputHasEnded() -> Bool {
    var state = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
    guard poll(&state, 1, 0) > 0 else { return false }
    var byte: UInt8 = 0
    return read(0, &byte, 1) == 0
}

func readAttempts(_ path: String) throws {
    let writers = number(3)
    var scans = 0
    var before = Array(repeating: 0, count: writers)
    var isLast = false
    while !isLast {
        // The last look comes after the end of the input, so that it sees all.
        isLast = inputHasEnded()
        let counts: [Int]
        do {
            let store = try AttemptStore.open(path: path, mode: .readOnly)
            counts = try look(store, writers)
            guard store.damage.isEmpty else { complain("fault \(store.damage[0])") }
        } catch let error as StoreError where error.code == .notFound {
            continue
        }
        for writer in 0..<writers where counts[writer] < before[writer] {
            complain("fault writer \(writer): \(before[writer]) attempts were there, now \(counts[writer])")
        }
        before = counts
        scans += 1
    }
    say("seen \(scans) " + before.map(String.init).joined(separator: " "))
}

/// How many attempts of each writer one state of the store holds.
func look(_ store: AttemptStore, _ writers: Int) throws -> [Int] {
    var rows: [String: [Attempt]] = [:]
    try store.scan { columns in
        for row in 0..<columns.count { rows[columns.route, default: []].append(columns[row]) }
    }
    let routes = rows.map { AttemptColumns(route: $0.key, attempts: $0.value) }
    return try WriterAttempts.counts(routes, writers: writers)
}

func compact(_ path: String) throws {
    let store = try AttemptStore.open(path: path, mode: .readWrite)
    for _ in 0..<number(3) {
        let report = try patiently { try store.compact() }
        guard report.damage.isEmpty else { complain("fault \(report.damage[0])") }
    }
}

guard CommandLine.arguments.count > 3 else { complain("say what to do: write, read or compact, and to which store") }
do {
    switch CommandLine.arguments[1] {
    case "write": try writeAttempts(CommandLine.arguments[2])
    case "read": try readAttempts(CommandLine.arguments[2])
    case "compact": try compact(CommandLine.arguments[2])
    default: complain("'\(CommandLine.arguments[1])' is none of write, read, compact")
    }
} catch {
    complain("\(error)")
}
