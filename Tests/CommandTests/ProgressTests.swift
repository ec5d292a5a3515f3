import Foundation
import Glibc
import TestSupport
import Testing

@testable import meantime

/// The progress line.
struct ProgressTests {
    @Test func `the progress line shows share, amount, rate and time left`() {
        let line = Progress.line(
            label: "import", unit: .bytes, done: 250_000_000, total: 1_000_000_000, note: "",
            elapsedUs: 5_000_000,
            columns: 120)
        #expect(line == "import  [#####---------------]  25%  250 MB  50.0 MB/s  15s left")
        let steps = Progress.line(
            label: "tune", unit: .steps, done: 3, total: 12, note: "checkout", elapsedUs: 6_000_000,
            columns: 120)
        #expect(steps == "tune  [#####---------------]  25%  3/12  18s left  checkout")
        let unknown = Progress.line(
            label: "query", unit: .steps, done: 0, total: nil, note: "", elapsedUs: 3_400_000,
            columns: 120)
        #expect(unknown == "query  4s")
    }

    @Test func `the progress line never wraps`() {
        for columns in 1...80 {
            let line = Progress.line(
                label: "import", unit: .bytes, done: 1, total: 2, note: String(repeating: "x", count: 200),
                elapsedUs: 1, columns: columns)
            #expect(line.count <= max(10, columns - 1))
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a terminal sees the bar once it takes long, a pipe never does`() throws {
        try withTemporaryDirectory { directory in
            let (terminal, name) = try Self.openTerminal()
            defer { close(terminal) }
            let screen = try FileHandle(forUpdating: URL(fileURLWithPath: name))

            let words = ["import", "--format", "attempts", "-"]
            let piped = Command.child(words + ["--store", "piped.db"], in: directory)
            let shown = Command.child(words + ["--store", "shown.db"], in: directory)
            let (pipedInput, shownInput, pipedErrors, output) = (Pipe(), Pipe(), Pipe(), Pipe())
            (piped.standardInput, piped.standardError) = (pipedInput, pipedErrors)
            (shown.standardInput, shown.standardError) = (shownInput, screen)
            piped.standardOutput = FileHandle.nullDevice
            shown.standardOutput = output
            // The one that must stay silent is the older: once the other shows its bar, this one has had its two
            // seconds.
            try piped.run()
            try shown.run()
            var seen: [UInt8] = []
            while !String(decoding: seen, as: UTF8.self).contains("import  0 B") {
                var chunk = [UInt8](repeating: 0, count: 256)
                let count = read(terminal, &chunk, chunk.count)
                try #require(count > 0)
                seen += chunk[..<count]
            }
            try pipedInput.fileHandleForWriting.close()
            try shownInput.fileHandleForWriting.close()
            let result = String(
                decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            shown.waitUntilExit()
            #expect(result.hasPrefix("lines\n"), "no bar and no colour in the result: \(result)")
            let errors = pipedErrors.fileHandleForReading.readDataToEndOfFile()
            piped.waitUntilExit()
            #expect(errors.isEmpty)
        }
    }

    /// A pseudo-terminal and the path of its other end (Linux: ioctl_tty(2), TIOCSPTLCK and TIOCGPTN).
    private static func openTerminal() throws -> (descriptor: Int32, name: String) {
        let descriptor = open("/dev/ptmx", O_RDWR | O_NOCTTY)
        var lock: Int32 = 0
        var number: UInt32 = 0
        try #require(descriptor >= 0)
        try #require(
            ioctl(descriptor, 0x4004_5431, &lock) == 0 && ioctl(descriptor, 0x8004_5430, &number) == 0)
        return (descriptor, "/dev/pts/\(number)")
    }
}
