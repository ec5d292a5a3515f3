import Foundation
import Testing

/// The notebook under `notebooks-data` runs from its first cell to its last, where Jupyter is installed.
@Suite(.timeLimit(.minutes(5))) struct NotebookTests {
    static let jupyter: String? = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        .map { $0 + "/jupyter-nbconvert" }.first(where: FileManager.default.isExecutableFile)

    @Test(.enabled(if: jupyter != nil, "no Jupyter on this machine"))
    func `every cell runs`() throws {
        let notebooks = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("notebooks-data")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(Self.jupyter))
        process.arguments = ["--to", "notebook", "--execute", "--stdout", "ask_the_store.ipynb"]
        process.currentDirectoryURL = notebooks
        let library = URL(fileURLWithPath: Command.path).deletingLastPathComponent()
            .appendingPathComponent("libmeantime-sqlite.so").path
        process.environment = ProcessInfo.processInfo.environment.merging(
            ["MEANTIME": Command.path, "MEANTIME_EXTENSION": library]
        ) { $1 }
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let texts = try Command.finish(process, reading: [output, errors], seconds: 240)
        #expect(process.terminationStatus == 0, "\(texts[1].suffix(2_000))")
        let notebook = try #require(try JSONSerialization.jsonObject(with: Data(texts[0].utf8)) as? [String: Any])
        let cells = try #require(notebook["cells"] as? [[String: Any]])
        let code = cells.filter { $0["cell_type"] as? String == "code" }
        #expect(code.count > 8 && code.allSatisfy { $0["execution_count"] is Int })
        // What the recording holds, however it is asked.
        #expect(texts[0].contains("975"))
    }
}
