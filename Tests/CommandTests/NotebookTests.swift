import Foundation
import Testing

/// The notebooks under `notebooks-data` run from their first cell to their last, where Jupyter is installed.
@Suite(.timeLimit(.minutes(10))) struct NotebookTests {
    static let jupyter: String? = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        .map { $0 + "/jupyter-nbconvert" }.first(where: FileManager.default.isExecutableFile)

    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("notebooks-data")

    /// The whole panel of probes, of which the tree has an extract; beside the project where somebody put it there.
    static let panels: [String: String] = {
        let path = folder.deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("shared/data/probe_panels").path
        return FileManager.default.fileExists(atPath: path + "/summary.csv") ? ["PROBE_PANELS": path] : [:]
    }()

    @Test(
        .enabled(if: jupyter != nil, "no Jupyter on this machine"),
        arguments: ["ask_the_store.ipynb", "real_services.ipynb"])
    func `every cell runs, and prints what is committed`(name: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(Self.jupyter))
        process.arguments = ["--to", "notebook", "--execute", "--stdout", name]
        process.currentDirectoryURL = Self.folder
        let library = URL(fileURLWithPath: Command.path).deletingLastPathComponent()
            .appendingPathComponent("libmeantime-sqlite.so").path
        process.environment = ProcessInfo.processInfo.environment.merging(
            ["MEANTIME": Command.path, "MEANTIME_EXTENSION": library].merging(Self.panels) { $1 }
        ) { $1 }
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let texts = try Command.finish(process, reading: [output, errors], seconds: 540)
        #expect(process.terminationStatus == 0, "\(texts[1].suffix(2_000))")
        let executed = try Notebook(Data(texts[0].utf8))
        let stored = try Notebook(Data(contentsOf: Self.folder.appendingPathComponent(name)))
        #expect(stored.cells.count > 8 && executed.cells.count == stored.cells.count)
        for (now, then) in zip(executed.cells, stored.cells) {
            #expect(now.wasRun && then.wasRun)
            // A machine without matplotlib says so instead of drawing.
            if then.hasPicture && !now.hasPicture {
                #expect(now.printed.hasPrefix("no matplotlib"), "\(then.source)")
            } else if now.printed == "the whole panel is not here\n" {
                #expect(Self.panels.isEmpty && then.printed.contains("0.5 %"), "\(then.source)")
            } else if then.source.hasPrefix("# What tune chooses changes") {
                // Its rules may improve, but there must be some, and on what it had not seen none may turn out dearer.
                let rows = now.printed.split(separator: "\n").dropFirst()
                #expect(now.printed.hasPrefix("service ") && !now.printed.contains(" dearer"), "\(now.printed)")
                #expect(rows.contains { !$0.contains("as it is") } && rows.count > 3, "\(now.printed)")
            } else {
                #expect(now.printed == then.printed, "\(then.source)")
            }
        }
    }

    @Test func `the committed notebook of real services has curves of ten and more, and the heavy tail`() throws {
        let stored = try Notebook(Data(contentsOf: Self.folder.appendingPathComponent("real_services.ipynb")))
        let curves = try #require(stored.cells.first { $0.printed.hasPrefix("recovered within") })
        #expect(curves.printed.split(separator: "\n").count > 10)
        let whole = try #require(stored.cells.first { $0.source.hasPrefix("if panels") })
        // What the panel's own notes say of one, two, three and four failures in a row.
        for share in ["62.7 %", "38.0 %", "26.8 %", "22.5 %"] { #expect(whole.printed.contains(share)) }
        #expect(stored.cells.contains { $0.hasPicture })
    }

    @Test func `the committed notebook has answers to compare with`() throws {
        let stored = try Notebook(Data(contentsOf: Self.folder.appendingPathComponent("ask_the_store.ipynb")))
        let asking = stored.cells.filter { $0.source.hasPrefix("show(") }
        #expect(asking.count >= 4)
        for cell in asking { #expect(cell.printed.split(separator: "\n").count > 1, "\(cell.source)") }
        #expect(stored.cells.contains { $0.printed.contains("975") })
    }
}

/// The cells of code in a notebook file, with what they printed.
private struct Notebook {
    struct Cell {
        var source: String
        /// Whether it has a number, which it gets when it runs.
        var wasRun: Bool
        /// All of stdout, however it was cut into pieces.
        var printed: String
        var hasPicture: Bool
    }

    var cells: [Cell]

    init(_ file: Data) throws {
        let document = try #require(try JSONSerialization.jsonObject(with: file) as? [String: Any])
        let all = try #require(document["cells"] as? [[String: Any]])
        cells = all.filter { $0["cell_type"] as? String == "code" }.map { cell in
            let outputs = cell["outputs"] as? [[String: Any]] ?? []
            return Cell(
                source: Self.text(cell["source"]), wasRun: cell["execution_count"] is Int,
                printed: outputs.filter { $0["name"] as? String == "stdout" }.map { Self.text($0["text"]) }.joined(),
                hasPicture: outputs.contains { ($0["data"] as? [String: Any])?["image/png"] != nil })
        }
    }

    /// Text is a string, or a list of lines.
    private static func text(_ value: Any?) -> String {
        value as? String ?? (value as? [String])?.joined() ?? ""
    }
}
