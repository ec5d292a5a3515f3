import Foundation
import Testing

@testable import Collector

/// The extension in programs that know nothing of Swift: the `sqlite3` shell and Python, where they are installed.
@Suite(.timeLimit(.minutes(3))) struct LoadableExtensionTests {
    /// Beside the test bundle, where the build puts it.
    static let library: String = {
        let binary = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let name = "libmeantime-sqlite.so"
        let places = [binary, CommandLine.arguments[0]].map {
            URL(fileURLWithPath: $0).deletingLastPathComponent().appendingPathComponent(name).path
        }
        return places.first(where: FileManager.default.fileExists) ?? name
    }()

    static let shell = ["/usr/bin/sqlite3"].first(where: FileManager.default.isExecutableFile)
    /// A Python whose SQLite may load extensions; not every build's may.
    static let python: String? = ["/usr/bin/python3"].first(where: FileManager.default.isExecutableFile).flatMap {
        let check = "import sqlite3; sqlite3.Connection.enable_load_extension"
        return (try? run($0, ["-c", check]))?.code == 0 ? $0 : nil
    }

    private let directory: TemporaryDirectory
    private var path: String { directory.file("meantime.db") }

    init() throws {
        directory = try TemporaryDirectory()
        let store = try AttemptStore.open(path: directory.file("meantime.db"), mode: .readWrite)
        for part in 0..<3 {
            try store.append(Sample.attempts(200, seed: UInt64(part), extremes: false))
            if part < 2 { try store.seal() }
        }
    }

    private static func run(_ program: String, _ arguments: [String]) throws -> (
        code: Int32, out: String, errors: String
    ) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        let (out, errors) = (Pipe(), Pipe())
        process.standardOutput = out
        process.standardError = errors
        try process.run()
        // What is asked for here is shorter than a pipe's buffer.
        let text = String(decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let complaint = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text, complaint)
    }

    static let symbols = ["/usr/bin/nm"].first(where: FileManager.default.isExecutableFile)

    @Test(.enabled(if: symbols != nil, "no nm on this machine"))
    func `it takes no function of SQLite from elsewhere and gives nothing but its entries`() throws {
        let nm = try #require(Self.symbols)
        let wanted = try Self.run(nm, ["-D", "--undefined-only", Self.library])
        #expect(wanted.code == 0 && wanted.out.contains("malloc"))
        #expect(!wanted.out.contains("sqlite3_"), "Sources/CSQLiteExtension lacks a function")
        let given = try Self.run(nm, ["-D", "--defined-only", Self.library]).out.split(separator: "\n")
        let functions = given.filter { $0.contains(" T ") }.compactMap { $0.split(separator: " ").last }.sorted()
        #expect(functions == ["sqlite3_meantime_init", "sqlite3_meantimesqlite_init"])
    }

    @Test(.enabled(if: shell != nil, "no sqlite3 on this machine"))
    func `the shell loads it and answers as meantime query`() throws {
        let store = try AttemptStore.open(path: path, mode: .readOnly)
        for sql in [
            "SELECT * FROM attempts ORDER BY start_us, request, attempt LIMIT 3",
            "SELECT route, outcome, count(*) FROM attempts WHERE outcome <> 'success' GROUP BY 1, 2",
            "SELECT * FROM failures_by_route", "SELECT count(*), sum(attempts) FROM requests",
            "SELECT route, count(*), max(failures) FROM outages GROUP BY route",
            "SELECT route, quantile(duration_us, 0.5), iso(min(start_us)) FROM attempts GROUP BY route",
        ] {
            let answer = try Self.run(try #require(Self.shell), [path, "-cmd", ".load \(Self.library)", "-json", sql])
            #expect(answer.code == 0 && answer.errors.isEmpty, "\(sql): \(answer.errors)")
            let rows = try #require(
                try JSONSerialization.jsonObject(with: Data(answer.out.utf8)) as? [[String: Any]])
            #expect(rows.count == (try store.query(sql).rows.count) && !rows.isEmpty)
        }
        let plain = "SELECT count(*), sum(status), min(start_us), max(host) FROM attempts"
        let ours = try store.query(plain).rows[0].map { value in
            switch value {
            case .integer(let number): "\(number)"
            case .text(let text): text
            default: "?"
            }
        }
        let theirs = try Self.run(try #require(Self.shell), [path, "-cmd", ".load \(Self.library)", plain]).out
        #expect(theirs == ours.joined(separator: "|") + "\n")
    }

    @Test(.enabled(if: shell != nil, "no sqlite3 on this machine"))
    func `a temporary table with the name of one of the store's changes nothing`() throws {
        let sql = "SELECT count(*), max(host), min(route) FROM attempts"
        let load = [path, "-cmd", ".load \(Self.library)"]
        let temporary =
            NameKind.allCases.map { "CREATE TEMP TABLE \($0.table) (code, name, digest);" }.joined()
            + "CREATE TEMP TABLE tail (id); CREATE TEMP TABLE segment (id); CREATE TEMP TABLE ledger (part);"
        let shell = try #require(Self.shell)
        let wanted = try Self.run(shell, load + [sql])
        let found = try Self.run(shell, load + ["\(temporary) \(sql)"])
        #expect(found.out == wanted.out && found.errors.isEmpty && wanted.out.hasPrefix("600|"), "\(found)")
    }

    @Test(.enabled(if: shell != nil, "no sqlite3 on this machine"))
    func `damage ends a statement, unless one asks for the rest`() throws {
        try Connection(path: path, access: .readWrite).execute("UPDATE segment SET data = x'00' WHERE id = 1")
        let shell = try #require(Self.shell)
        let load = [path, "-cmd", ".load \(Self.library)"]
        let answer = try Self.run(shell, load + ["SELECT count(*) FROM attempts"])
        #expect(answer.code != 0 && answer.out.isEmpty)
        #expect(answer.errors.contains("segment 1 is damaged (200 attempts missing)"))
        #expect(answer.errors.contains("SELECT meantime_skip_damage(1)"))
        let rest = try Self.run(
            shell, load + ["SELECT meantime_skip_damage(1); SELECT count(*) FROM attempts; SELECT meantime_damage()"])
        #expect(rest.code == 0 && rest.out.contains("\n400\nsegment 1 is damaged (200 attempts missing)"))
        let other = try Self.run(shell, [":memory:", "-cmd", ".load \(Self.library)", "SELECT * FROM attempts"])
        #expect(other.errors.contains("the main database is not a store"))
    }

    @Test(.enabled(if: python != nil, "no Python that loads SQLite extensions on this machine"))
    func `Python loads it twice, asks from several threads, and may close in between`() throws {
        let script = """
            import sqlite3, sys, threading
            library, path = sys.argv[1:]
            def connect():
                connection = sqlite3.connect(path, check_same_thread=False)
                connection.enable_load_extension(True)
                connection.load_extension(library)
                return connection
            shared = connect()
            shared.load_extension(library)
            counts = []
            def ask(connection):
                for _ in range(5):
                    counts.append(connection.execute("SELECT count(*) FROM attempts").fetchone()[0])
            own = [connect() for _ in range(4)]
            threads = [threading.Thread(target=ask, args=(c,)) for c in own + [shared, shared]]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
            print(set(counts), len(counts))
            cursor = shared.execute("SELECT * FROM requests")
            cursor.fetchone()
            try:
                shared.load_extension(library)
            except sqlite3.OperationalError as error:
                print(error)
            print(len(cursor.fetchone()))
            shared.close()
            for connection in own: connection.close()
            try:
                connect().execute("DELETE FROM attempts")
            except sqlite3.OperationalError as error:
                print(error)
            """
        let answer = try Self.run(try #require(Self.python), ["-c", script, Self.library, path])
        #expect(answer.code == 0 && answer.errors.isEmpty, "\(answer.errors)")
        let lines = answer.out.split(separator: "\n")
        #expect(lines.first == "{600} 30" && lines.count == 4, "\(answer.out)")
        #expect(lines[1].contains("a statement still uses what was loaded before"))
        #expect(lines[2] == "12" && lines[3].contains("may not be modified"))
    }
}
