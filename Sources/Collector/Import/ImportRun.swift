import Retry

/// One import on its way: counts, the batch that is being filled, the reject file.
final class ImportRun {
    /// Progress is told each time this many lines were read.
    static let linesPerProgress = 1 << 14

    var report = ImportReport()
    var ledger: ImportLedger

    let importer: AttemptImporter
    let sources: [ByteSource]
    let target: any ImportTarget
    private let progress: ((ImportProgress) -> Void)?
    private let totalBytes: Int64?
    private let rejects: RejectFile?
    private var batch: [Reading] = []

    init(
        _ importer: AttemptImporter, sources: [ByteSource], target: any ImportTarget,
        progress: ((ImportProgress) -> Void)?
    ) throws(ImportError) {
        self.importer = importer
        self.sources = sources
        self.target = target
        self.progress = progress
        do {
            ledger = ImportLedger(
                occupied: try target.occupiedTimes().map { TimeSpans($0) } ?? .always,
                keysPerAttempt: importer.format == .attempts ? 1 : 2)
        } catch {
            throw .target(imported: 0, reason: "\(error)")
        }
        let sizes = sources.map(\.totalBytes)
        totalBytes = sizes.contains(nil) ? nil : sizes.reduce(0) { $0 + ($1 ?? 0) }
        rejects = importer.rejectPath.map(RejectFile.init)
    }

    /// The bytes of a line to parse, `nil` for an empty line or the heading of a reject file.
    static func content(
        of line: LineReader.Line, _ reader: LineReader
    ) throws(LineFault) -> UnsafeRawBufferPointer? {
        switch line {
        case .tooLong(_, let bytes):
            throw LineFault("the line is \(bytes) bytes long, at most \(LineReader.limit) are taken")
        case .text(let bytes, _):
            let isBlank = bytes.allSatisfy { $0 == 0x20 || $0 == 0x09 }
            let isHeading = RejectFile.isHeading(bytes)
            if reader.number == 1 { reader.isRejectFile = isHeading }
            return isBlank || isHeading && reader.isRejectFile ? nil : bytes
        }
    }

    // MARK: Formats

    func importEnvoy() throws(ImportError) {
        var join = EnvoyJoin()
        var parser = EnvoyLineParser()
        let readers = sources.map(LineReader.init)
        var heads: [EnvoyLine?] = []
        for reader in readers { heads.append(try nextEnvoy(reader, &parser)) }
        while let index = Self.earliest(heads), let line = heads[index] {
            join.accept(line, &report, &batch)
            if batch.count >= importer.batchCount { try flush() }
            heads[index] = try nextEnvoy(readers[index], &parser)
        }
        join.end(&report, &batch)
        try flush()
        try finish()
        tellProgress()
    }

    func finish() throws(ImportError) {
        if report.attemptsImported == 0 { return }
        do {
            try target.finishImport()
        } catch {
            throw .target(imported: report.attemptsImported, reason: "\(error)")
        }
    }

    private static func earliest(_ heads: [EnvoyLine?]) -> Int? {
        if heads.count == 1 { return heads[0] == nil ? nil : 0 }
        var found: Int?
        var foundUs = Int64.max
        for (index, head) in heads.enumerated() {
            if let head, head.endUs < foundUs { (found, foundUs) = (index, head.endUs) }
        }
        return found
    }

    private func nextEnvoy(_ reader: LineReader, _ parser: inout EnvoyLineParser) throws(ImportError) -> EnvoyLine? {
        while let parsed = try next(reader, { (bytes) throws(LineFault) in try parser.parse(bytes) }) {
            switch parsed {
            case .line(let line): return line
            case .otherMoment: report.leaveOut(.otherMoment)
            }
        }
        return nil
    }

    // MARK: Lines

    /// The next line that can be taken; all others up to it are counted. `nil` at the end of the input.
    private func next<Value>(
        _ reader: LineReader, _ parse: (UnsafeRawBufferPointer) throws(LineFault) -> Value
    ) throws(ImportError) -> Value? {
        while true {
            let line: LineReader.Line
            do {
                guard let found = try reader.next() else { return nil }
                line = found
            } catch {
                try breakOff(reader.source.name, lines: reader.number, error)
                return nil
            }
            report.lines += 1
            if report.lines % Self.linesPerProgress == 0 { tellProgress() }
            do {
                if let bytes = try Self.content(of: line, reader) { return try parse(bytes) }
                report.blankLines += 1
            } catch {
                try reject(line, reader, error)
            }
        }
    }

    func breakOff(_ name: String, lines: Int, _ fault: InputFault) throws(ImportError) {
        if importer.strict { throw .changed(file: name, imported: report.attemptsImported, reason: fault.reason) }
        report.problems.append("\(name): after \(lines) lines \(fault.reason)")
    }

    private func reject(_ line: LineReader.Line, _ reader: LineReader, _ fault: LineFault) throws(ImportError) {
        let bytes: UnsafeRawBufferPointer
        var reason = fault.reason
        switch line {
        case .text(let text, let isLast):
            bytes = text
            if isLast { reason += " (the input ends in this line)" }
        case .tooLong(let beginning, _):
            bytes = beginning
            reason += "; its first \(beginning.count) are kept"
        }
        try reject(
            ImportReport.Reject(file: reader.source.name, line: reader.number, reason: reason), line: bytes)
    }

    /// Counts a malformed line and keeps it.
    func reject(_ reject: ImportReport.Reject, line bytes: UnsafeRawBufferPointer) throws(ImportError) {
        if importer.strict {
            throw .changed(
                file: reject.file, imported: report.attemptsImported, reason: "line \(reject.line): \(reject.reason)")
        }
        report.rejects += 1
        if report.firstRejects.count < 10 { report.firstRejects.append(reject) }
        do {
            try rejects?.add(reject, line: bytes)
        } catch {
            throw .rejectFile(
                path: importer.rejectPath ?? "", imported: report.attemptsImported, reason: error.reason)
        }
    }

    private func flush() throws(ImportError) {
        guard !batch.isEmpty else { return }
        do {
            let fresh = try ledger.fresh(of: batch, in: target)
            if !fresh.isEmpty { try target.append(fresh) }
            report.attemptsImported += fresh.count
            report.attemptsAlreadyThere += batch.count - fresh.count
        } catch {
            throw .target(imported: report.attemptsImported, reason: "\(error)")
        }
        batch.removeAll(keepingCapacity: true)
    }

    /// - Parameter bytesRead: taken from the inputs; `nil`: what was taken by now.
    func tellProgress(bytesRead: Int64? = nil) {
        guard let progress else { return }
        let bytesRead = bytesRead ?? sources.reduce(0) { $0 + $1.bytesRead }
        progress(ImportProgress(bytesRead: bytesRead, totalBytes: totalBytes, lines: report.lines))
    }
}
