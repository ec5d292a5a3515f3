import Foundation
import Testing

@testable import meantime

/// Rows of a query.
struct RowWriterTests {
    @Test func `columns of one name get keys of their own`() {
        #expect(RowWriter.unique(["a", "b", "a", "a", "a_2"]) == ["a", "b", "a_2", "a_3", "a_2_2"])
    }

    @Test(.timeLimit(.minutes(1)))
    func `a full disk is an error, not a shorter result`() throws {
        try withImportedLog { directory in
            let process = Command.child(["query", "SELECT * FROM attempts", "--format", "csv"], in: directory)
            let errors = Pipe()
            process.standardOutput = FileHandle(forWritingAtPath: "/dev/full")
            process.standardError = errors
            try process.run()
            let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            #expect(process.terminationStatus == 1)
            #expect(said == "meantime: stdout: cannot be written: no space left on device\n")
        }
    }
}
