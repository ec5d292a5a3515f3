import Foundation
import Retry
import TestSupport
import Testing

@testable import meantime

/// Writing whole or not at all.
struct AtomicFileTests {
    @Test func `a prepared file that is never committed leaves nothing behind`() throws {
        try withTemporaryDirectory { directory in
            let path = directory + "/rules.yaml"
            try write("old", to: path)
            do { _ = try AtomicFile.prepare(path, text: "new") }
            #expect(try snapshot(directory) == ["rules.yaml": Data("old".utf8)])
        }
    }

    @Test func `a committed file replaces the old one and keeps its mode`() throws {
        try withTemporaryDirectory { directory in
            let path = directory + "/rules.yaml"
            try write("old", to: path)
            try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
            var file = try AtomicFile.prepare(path, text: "new")
            try file.commit()
            #expect(try snapshot(directory) == ["rules.yaml": Data("new".utf8)])
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o640)
        }
    }

    @Test func `a link stays a link`() throws {
        try withTemporaryDirectory { directory in
            try write("old", to: directory + "/real.yaml")
            try FileManager.default.createSymbolicLink(
                atPath: directory + "/rules.yaml", withDestinationPath: "real.yaml")
            var file = try AtomicFile.prepare(directory + "/rules.yaml", text: "new")
            try file.commit()
            #expect(try contents(directory + "/real.yaml") == "new")
            #expect(
                try FileManager.default.destinationOfSymbolicLink(atPath: directory + "/rules.yaml") == "real.yaml")
        }
    }

    @Test func `a directory that is not there is named`() throws {
        try withTemporaryDirectory { directory in
            let error = #expect(throws: FileError.self) {
                _ = try AtomicFile.prepare(directory + "/none/rules.yaml", text: "new")
            }
            #expect(error?.description.contains("/none' must exist and be writable") == true, "\(error as Any)")
        }
    }
}
