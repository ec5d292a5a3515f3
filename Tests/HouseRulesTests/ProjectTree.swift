import Foundation

/// A file of the project, by its path from the top.
struct ProjectFile: Sendable {
    let path: String
    let text: String
    /// The lines as they stand.
    let lines: [Substring]
    /// The code in it.
    let swift: SwiftText

    init(path: String, text: String) {
        self.path = path
        self.text = text
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        swift = SwiftText(path.hasSuffix(".swift") ? text : "")
    }

    /// The last part of the path.
    var name: String { path.split(separator: "/").last.map(String.init) ?? path }
    /// The folder below `Sources` or `Tests`.
    var room: String { path.split(separator: "/").dropFirst().first.map(String.init) ?? "" }
}

/// The project as it lies on the disk around this file.
enum ProjectTree {
    /// The directory of `Package.swift`.
    static let top: String = {
        let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        return parts.dropLast(3).joined(separator: "/")
    }()

    /// The Swift files of the rooms and of their tests, read once.
    static let sources = Result { try swiftFiles(below: "Sources") }
    static let tests = Result { try swiftFiles(below: "Tests") }

    private static func swiftFiles(below folder: String) throws -> [ProjectFile] {
        try paths(below: folder).filter { $0.hasSuffix(".swift") }.map(file)
    }

    /// A file's text; what is no UTF-8 has none.
    static func file(_ path: String) throws -> ProjectFile {
        let data = try Data(contentsOf: URL(filePath: top + "/" + path))
        return ProjectFile(path: path, text: String(data: data, encoding: .utf8) ?? "")
    }

    /// The paths of all files below a folder, without hidden ones and what builds leave behind.
    static func paths(below folder: String) throws -> [String] {
        var found: [String] = []
        for name in try FileManager.default.contentsOfDirectory(atPath: top + "/" + folder).sorted() {
            if name.hasPrefix(".") { continue }
            let path = folder.isEmpty ? name : folder + "/" + name
            var isDirectory: ObjCBool = false
            guard FileManager.default.fileExists(atPath: top + "/" + path, isDirectory: &isDirectory) else { continue }
            found += isDirectory.boolValue ? try paths(below: path) : [path]
        }
        return found
    }

    /// What people read or run, beside the Swift files: pages, scripts, units, configurations.
    static func otherTexts() throws -> [ProjectFile] {
        let endings = [".md", ".yaml", ".yml", ".service", ".timer", ".cron", ".json", ".txt", ".py", ".sh"]
        let inFolders = try ["docs", "deploy", "notebooks-data", "Benchmarks"].flatMap { folder in
            FileManager.default.fileExists(atPath: top + "/" + folder) ? try paths(below: folder) : []
        }
        let atTop = try FileManager.default.contentsOfDirectory(atPath: top).filter { $0.hasSuffix(".md") }
        let named = (atTop + ["Makefile", ".ci/run", ".ci/dependencies", ".gitignore", "Package.swift"]).filter {
            FileManager.default.fileExists(atPath: top + "/" + $0)
        }
        return try (inFolders.filter { path in endings.contains(where: path.hasSuffix) } + named).map(file)
    }
}
