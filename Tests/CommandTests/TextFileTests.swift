import Foundation
import Retry
import TestSupport
import Testing

@testable import meantime

/// Reading whole.
struct TextFileTests {
    @Test func `reading says whether a file is missing, a directory or no text`() throws {
        try withTemporaryDirectory { directory in
            #expect(try TextFile.readIfPresent(directory + "/none") == nil)
            let folder = #expect(throws: FileError.self) { try TextFile.readIfPresent(directory) }
            #expect(folder?.reason == "is a directory; give a file")
            try Data([0x73, 0xFF, 0xFE]).write(to: URL(fileURLWithPath: directory + "/binary"))
            let binary = #expect(throws: FileError.self) { try TextFile.readIfPresent(directory + "/binary") }
            #expect(binary?.reason.hasPrefix("is not UTF-8 text") == true)
        }
    }
}
