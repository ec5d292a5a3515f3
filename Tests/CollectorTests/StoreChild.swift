import Foundation
import Glibc
import Testing

/// A `StoreProcess` beside the running tests: another process on the same store.
final class StoreChild {
    let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private let errors = Pipe()

    /// The program beside the test bundle that is running.
    static let path: String = {
        let bundle = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let beside = URL(fileURLWithPath: bundle).deletingLastPathComponent().appendingPathComponent("StoreProcess")
        if FileManager.default.isExecutableFile(atPath: beside.path) { return beside.path }
        let first = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        return first.appendingPathComponent("StoreProcess").path
    }()

    /// Starts it; `Tests/StoreProcess/main.swift` tells what it understands.
    init(_ arguments: [String]) throws {
        process.executableURL = URL(fileURLWithPath: Self.path)
        process.arguments = arguments
        process.standardInput = input
        process.standardOutput = output
        process.standardError = errors
        try process.run()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }

    /// Ends its input, which tells a reader to stop.
    func endInput() { try? input.fileHandleForWriting.close() }

    /// What it said until it ended; a child that takes longer than two minutes is killed, which is a failure.
    func finish() -> (code: Int32, output: String, errors: String) {
        let limit = Timer(seconds: 120, process.processIdentifier)
        defer { limit.cancel() }
        let said = output.fileHandleForReading.readDataToEndOfFile()
        let complained = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (
            process.terminationStatus, String(decoding: said, as: UTF8.self),
            String(decoding: complained, as: UTF8.self)
        )
    }

    private struct Timer {
        private let task: Task<Void, Never>

        init(seconds: Int, _ pid: pid_t) {
            task = Task.detached {
                guard (try? await Task.sleep(for: .seconds(seconds))) != nil else { return }
                kill(pid, SIGKILL)
            }
        }

        func cancel() { task.cancel() }
    }
}
