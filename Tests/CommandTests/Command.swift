import Foundation
import Glibc
import TestSupport
import Testing

/// The built `meantime`, run as a child process: what a user meets.
struct Command {
    /// What came of a run.
    struct Result {
        var code: Int32
        var output: String
        var errors: String

        /// The lines of stderr.
        var errorLines: [Substring] { errors.split(separator: "\n") }
    }

    /// The binary beside the test bundle that is running.
    static let path: String = {
        let bundle = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let beside = URL(fileURLWithPath: bundle).deletingLastPathComponent().appendingPathComponent("meantime").path
        if FileManager.default.isExecutableFile(atPath: beside) { return beside }
        let first = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        return first.appendingPathComponent("meantime").path
    }()

    /// Runs to the end, or kills what takes longer than `seconds`. `input` is what stdin holds, less than a pipe's
    /// buffer; `environment` is added to a small fixed one.
    static func run(
        _ arguments: [String], in directory: String, input: String = "", environment: [String: String] = [:],
        seconds: Double = 120
    ) throws -> Result {
        let process = child(arguments, in: directory, environment: environment)
        let (stdin, stdout, stderr) = (Pipe(), Pipe(), Pipe())
        process.standardInput = stdin
        process.standardOutput = stdout
        process.standardError = stderr
        try process.run()
        stdin.fileHandleForWriting.write(Data(input.utf8))
        try stdin.fileHandleForWriting.close()
        let texts = try finish(process, reading: [stdout, stderr], seconds: seconds)
        return Result(code: process.terminationStatus, output: texts[0], errors: texts[1])
    }

    /// What a child still writes to these pipes, all read side by side, until it has ended; killed when it does not.
    static func finish(_ process: Process, reading pipes: [Pipe], seconds: Double = 60) throws -> [String] {
        let end = Date(timeIntervalSinceNow: seconds)
        var texts = pipes.map { _ in Data() }
        var open = Set(pipes.indices)
        while !open.isEmpty, Date() < end {
            for index in open {
                guard let data = available(pipes[index], milliseconds: 20 / Int32(open.count)) else { continue }
                texts[index] += data
                if data.isEmpty { open.remove(index) }
            }
        }
        while process.isRunning, Date() < end { usleep(2000) }
        if process.isRunning {
            kill(process.processIdentifier, SIGKILL)
            Issue.record("killed after \(seconds) s: \(process.arguments ?? [])")
        }
        process.waitUntilExit()
        return texts.map { String(decoding: $0, as: UTF8.self) }
    }

    /// The first whole line that holds these words; `nil` when the child ends or half a minute passes without one.
    static func line(containing words: String, from pipe: Pipe) -> String? {
        var text = ""
        let end = Date(timeIntervalSinceNow: 30)
        while Date() < end {
            guard let data = available(pipe, milliseconds: 100) else { continue }
            if data.isEmpty { return nil }
            text += String(decoding: data, as: UTF8.self)
            if text.hasSuffix("\n"), let line = text.split(separator: "\n").first(where: { $0.contains(words) }) {
                return String(line)
            }
        }
        return nil
    }

    /// What can be read now: empty at the end, `nil` when nothing came in time.
    private static func available(_ pipe: Pipe, milliseconds: Int32) -> Data? {
        var state = pollfd(fd: pipe.fileHandleForReading.fileDescriptor, events: Int16(POLLIN), revents: 0)
        return poll(&state, 1, milliseconds) > 0 ? pipe.fileHandleForReading.availableData : nil
    }

    /// A child that has not been started.
    static func child(
        _ arguments: [String], in directory: String, environment: [String: String] = [:]
    ) -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: directory)
        let fixed = ["PATH": "/usr/bin:/bin", "HOME": directory, "TERM": "xterm", "TZ": "UTC"]
        process.environment = fixed.merging(environment) { $1 }
        return process
    }
}

/// A file's whole text.
func contents(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

/// Writes a file.
func write(_ text: String, to path: String) throws {
    try text.write(toFile: path, atomically: false, encoding: .utf8)
}

/// Every file below a directory with its bytes: equal before and after means that nothing changed.
func snapshot(_ directory: String) throws -> [String: Data] {
    var files: [String: Data] = [:]
    let names = try FileManager.default.subpathsOfDirectory(atPath: directory)
    for name in names {
        let path = directory + "/" + name
        let kind = try FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
        files[name] = kind == .typeDirectory ? Data() : try Data(contentsOf: URL(fileURLWithPath: path))
    }
    return files
}

/// The project's recorded logs.
func notebooksData(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("notebooks-data/" + name).path
}

/// A result that must be JSON.
func json(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> Any {
    do {
        return try JSONSerialization.jsonObject(with: Data(text.utf8), options: [.fragmentsAllowed])
    } catch {
        Issue.record("not JSON: \(error): \(text.prefix(300))", sourceLocation: sourceLocation)
        throw error
    }
}

/// What every refusal owes its reader: the code, one line on stderr that begins with the command's name and holds all
/// the words, and no result.
func expectRefusal(
    _ result: Command.Result, code: Int32, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(result.code == code, "\(result.errors)", sourceLocation: sourceLocation)
    #expect(result.errorLines.count == 1, "\(result.errors)", sourceLocation: sourceLocation)
    #expect(result.errors.hasPrefix("meantime: "), "\(result.errors)", sourceLocation: sourceLocation)
    #expect(result.output == "", sourceLocation: sourceLocation)
    for word in words {
        #expect(result.errors.contains(word), "\(word) in: \(result.errors)", sourceLocation: sourceLocation)
    }
}

/// A directory with a store of the attempts that a real Envoy logged.
func withImportedLog(_ body: (String) throws -> Void) throws {
    try withTemporaryDirectory { directory in
        let log = notebooksData("envoy_access_logs/loop.jsonl")
        let result = try Command.run(["import", "--format", "envoy", log], in: directory)
        #expect(result.code == 0, "\(result.errors)")
        try body(directory)
    }
}

/// What SQLite keeps beside a store while it is read is no content.
func storeContent(_ directory: String) throws -> [String: Data] {
    try snapshot(directory).filter { !$0.key.hasSuffix("-shm") && !$0.key.hasSuffix("-wal") }
}
