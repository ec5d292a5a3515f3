import Testing

/// A rule of the house: what it looks at and what it finds.
struct HouseRule: CustomTestStringConvertible, Sendable {
    let name: String
    let findings: @Sendable (ProjectFile) -> [Finding]

    struct Finding: Equatable, CustomStringConvertible {
        let path: String
        let line: Int
        let reason: String

        var description: String { "\(path):\(line): \(reason)" }
    }

    var testDescription: String { name }

    /// The rules that look at one Swift file at a time.
    static let all: [HouseRule] = [
        imports, clocks, chance, bannedWords, preconditions, functionLength, fileLength, lineLength, documentation,
        places,
    ]
}

extension HouseRule {
    /// Which room may import what; the arrows of ARCHITECTURE.md.
    private static let allowedImports: [String: Set<String>] = [
        "Retry": ["Yams"],
        "Collector": ["Retry", "CSQLite", "CZlib", "Dispatch", "FoundationEssentials", "Glibc", "Synchronization"],
        "MeshDay": ["Retry", "Glibc"],
        "SQLiteExtension": ["Collector", "CSQLiteExtension"],
        "Analyzer": ["Retry", "COpenBLAS", "Dispatch", "FoundationEssentials", "Glibc", "Synchronization"],
        "Proxy": [
            "Retry", "DequeModule", "FoundationEssentials", "Glibc", "Logging", "NIOCore", "NIOHTTP1", "NIOPosix",
            "ServiceLifecycle", "Synchronization",
        ],
        "meantime": [
            "Analyzer", "Collector", "MeshDay", "Proxy", "Retry", "ArgumentParser", "Dispatch", "FoundationEssentials",
            "Glibc",
            "Logging", "NIOCore", "NIOHTTP1", "NIOPosix", "ServiceLifecycle", "Synchronization",
            "UnixSignals",
        ],
    ]

    /// Which files alone may import a library of C, or the YAML parser.
    private static let doors: [String: Set<String>] = [
        "CSQLite": [
            "SQLite.swift", "BlockTable.swift", "IndexRequest.swift", "SQLFunctions.swift", "StoredBlob.swift",
        ],
        "CZlib": ["GzipInflater.swift"],
        "COpenBLAS": ["LinearAlgebra.swift"],
        "Yams": ["YAMLReader.swift"],
    ]

    static let imports = HouseRule(name: "imports follow the arrows") { file in
        guard file.path.hasPrefix("Sources/") else { return [] }
        return codeLines(of: file).compactMap { number, line in
            var words = line.split(separator: " ")
            while let word = words.first, ["public", "internal", "@preconcurrency", "@testable"].contains(word) {
                words.removeFirst()
            }
            guard words.first == "import", let module = words.last.map(String.init) else { return nil }
            if !(allowedImports[file.room] ?? []).contains(module) {
                return Finding(path: file.path, line: number, reason: "\(file.room) does not import \(module)")
            }
            if let files = doors[module], !files.contains(file.name) {
                let door = files.sorted().joined(separator: ", ")
                return Finding(path: file.path, line: number, reason: "only \(door) may import \(module)")
            }
            return nil
        }
    }

    /// Files outside the proxy and the command that may look at a clock, and why.
    private static let clockKeepers = [
        "Sources/Collector/AttemptRecorder.swift": "writes what it was given every so often"
    ]

    static let clocks = HouseRule(name: "time comes in as a parameter") { file in
        let isFree = ["Proxy", "meantime"].contains(file.room) || clockKeepers[file.path] != nil
        guard file.path.hasPrefix("Sources/"), !isFree else { return [] }
        return lines(
            of: file,
            with: [
                "Date(", ".now", "Task.sleep", "clock_gettime", "gettimeofday", "usleep(", "nanosleep(", "time(nil",
                "TimeInterval", "ContinuousClock", "SuspendingClock", "DispatchTime",
            ])
    }

    static let chance = HouseRule(name: "chance comes in as a parameter") { file in
        var found = lines(
            of: file,
            with: [".randomElement()", ".shuffled()", ".shuffle()", "arc4random", "drand48"])
        // Where a generator is put in, somebody has to make one.
        if !["Proxy", "meantime"].contains(file.room) {
            found += lines(of: file, with: ["SystemRandomNumberGenerator"])
        }
        let code = file.swift.blanked
        for start in offsets(of: ".random(", in: code) {
            let end = closingParenthesis(in: code, from: start + ".random".utf8.count) ?? code.count
            if !contains("using:", in: code[start..<end]) {
                found.append(
                    Finding(
                        path: file.path, line: lineNumber(of: start, in: code), reason: "'.random(' without 'using:'"))
            }
        }
        return found
    }

    static let bannedWords = HouseRule(name: "nothing traps, nothing is unchecked, nothing is left over") { file in
        guard file.path.hasPrefix("Sources/") else { return [] }
        let inCode = lines(of: file, with: ["try!", "fatalError", "@unchecked Sendable"])
        let anywhere = zip(1..., file.lines).flatMap { number, line in
            ["TODO", "FIXME"].filter { line.contains($0) }.map {
                Finding(path: file.path, line: number, reason: "'\($0)'")
            }
        }
        return inCode + anywhere
    }

    static let preconditions = HouseRule(name: "a precondition says what it wants") { file in
        guard file.path.hasPrefix("Sources/") else { return [] }
        let code = file.swift.blanked
        return ["precondition(", "assert(", "preconditionFailure(", "assertionFailure("].flatMap { call in
            offsets(of: call, in: code).compactMap { start -> Finding? in
                let isWhole = start == 0 || !isWordByte(code[start - 1])
                let open = start + call.utf8.count - 1
                guard isWhole, let close = closingParenthesis(in: code, from: open) else { return nil }
                let arguments = Array(code[(open + 1)..<close])
                let hasMessage =
                    call.contains("Failure") ? contains("\"", in: arguments[...]) : hasSecondArgument(arguments)
                if hasMessage { return nil }
                return Finding(
                    path: file.path, line: lineNumber(of: start, in: code), reason: "'\(call)' without a message")
            }
        }
    }

    static let fileLength = HouseRule(name: "a file has at most 400 lines") { file in
        let count = file.lines.count - (file.text.hasSuffix("\n") ? 1 : 0)
        return count > 400 ? [Finding(path: file.path, line: 401, reason: "\(count) lines")] : []
    }

    /// Text in quotes may be longer: breaking it would change it, or hide it from a search.
    static let lineLength = HouseRule(name: "a line has at most 120 characters") { file in
        var found: [Finding] = []
        var offset = 0
        let text = file.swift
        for (number, line) in zip(1..., file.lines) {
            if line.count > 120 {
                let edge = offset + line.prefix(120).utf8.count
                if !text.isLiteral[edge] && !text.isLiteral[edge - 1] {
                    found.append(Finding(path: file.path, line: number, reason: "\(line.count) characters"))
                }
            }
            offset += line.utf8.count + 1
        }
        return found
    }

    static let functionLength = HouseRule(name: "a function has at most 70 lines") { file in
        FunctionFinder(file.swift).functions.compactMap { function in
            let count = function.lastLine - function.firstLine + 1
            guard count > 70 else { return nil }
            return Finding(path: file.path, line: function.firstLine, reason: "\(count) lines")
        }
    }

    static let documentation = HouseRule(name: "what is public is explained") { file in
        guard file.path.hasPrefix("Sources/") else { return [] }
        let code = codeLines(of: file).map { $0.line.drop { $0 == " " } }
        let raw = file.lines.map { $0.drop { $0 == " " } }
        return code.indices.compactMap { index in
            let words = code[index].split(separator: " ")
            let bare = words.drop { $0.hasPrefix("@") || $0 == "nonisolated" || $0 == "static" || $0 == "final" }
            let setter = bare.first?.hasPrefix("public(") ?? false
            guard bare.first == "public" || setter, bare.dropFirst().first != "import",
                bare.dropFirst().first != "extension"
            else { return nil }
            var above = index - 1
            while above >= 0, raw[above].hasPrefix("@") { above -= 1 }
            if above >= 0, raw[above].hasPrefix("///") { return nil }
            return Finding(path: file.path, line: index + 1, reason: "public without ///")
        }
    }

    /// The words are put together here so that this file does not name them itself.
    private static let machinePaths = ["work", "tmp", "root", "home"].map { "/" + $0 + "/" }

    static let places = HouseRule(name: "no file knows the machine that it was written on") { file in
        zip(1..., file.lines).flatMap { number, line in
            machinePaths.filter { line.contains($0) }.map {
                Finding(path: file.path, line: number, reason: "'\($0)'")
            }
        }
    }
}
