extension ImportRun {
    /// Imports lines of the `attempts` format: read here, parsed and encoded by workers, taken in order.
    func importAttempts() throws(ImportError) {
        let workers = ImportWorkers(threads: importer.threads)
        defer { workers.stop() }
        let reader = AttemptReader(
            sources, workers: workers, threads: importer.threads, chunkBytes: importer.chunkBytes)
        var intake = AttemptIntake(
            batch: AttemptBatch(limit: min(importer.batchCount, Segment.rowLimit)),
            outlet: ImportOutlet(target, workers: workers),
            linesByInput: sources.map { _ in 0 }, bytesByInput: sources.map { _ in 0 })
        while let step = reader.next() {
            switch step {
            case .broken(let input, let fault):
                try settle(&intake)
                try breakOff(sources[input].name, lines: intake.linesByInput[input], fault)
            case .lines(let chunk):
                try take(chunk, &intake)
                reader.recycle(chunk)
            }
        }
        report.unknownKeys = intake.unknownKeys.lines
        try flush(&intake)
        try settle(&intake)
        try finish()
        tellProgress()
    }

    /// Reads a whole input of the `attempts` format without importing.
    static func validate(_ source: ByteSource, _ importer: AttemptImporter) throws(ImportError) {
        let workers = ImportWorkers(threads: importer.threads)
        defer { workers.stop() }
        let reader = AttemptReader(
            [source], workers: workers, threads: importer.threads, chunkBytes: importer.chunkBytes)
        var judge = AttemptLine()
        var lines = 0
        while let step = reader.next() {
            switch step {
            case .broken(_, let fault):
                throw .damaged(file: source.name, reason: "after \(lines) lines \(fault.reason)")
            case .lines(let chunk):
                if let fault = chunk.faults.first {
                    let found = chunk.rejection(of: fault, by: &judge)
                    throw .line(file: source.name, line: lines + Int(fault.line) + 1, reason: found.fault)
                }
                lines += chunk.lines
                reader.recycle(chunk)
            }
        }
    }

    private func take(_ chunk: LineChunk, _ intake: inout AttemptIntake) throws(ImportError) {
        let before = intake.linesByInput[chunk.input]
        let name = sources[chunk.input].name
        for fault in chunk.faults {
            let found = chunk.rejection(of: fault, by: &intake.judge)
            // Errors tell how many attempts are in the target.
            if importer.strict { try settle(&intake) }
            let reject = ImportReport.Reject(
                file: name, line: before + Int(fault.line) + 1, reason: found.fault + found.remark)
            do throws(ImportError) {
                try chunk.withBytes(of: fault, count: found.kept) { (bytes) throws(ImportError) in
                    try self.reject(reject, line: bytes)
                }
            } catch .rejectFile(let path, _, let reason) {
                try settle(&intake)
                throw .rejectFile(path: path, imported: report.attemptsImported, reason: reason)
            }
        }
        let linesBefore = report.lines
        report.lines += chunk.lines
        report.blankLines += chunk.blankLines
        intake.unknownKeys.add(chunk.unknownKeys)
        intake.linesByInput[chunk.input] = before + chunk.lines
        intake.bytesByInput[chunk.input] = chunk.bytesRead
        intake.batch.learn(chunk)
        var taken = 0
        while taken < chunk.rows {
            taken += intake.batch.add(chunk, from: taken)
            if intake.batch.isFull { try flush(&intake) }
        }
        if linesBefore / Self.linesPerProgress != report.lines / Self.linesPerProgress {
            tellProgress(bytesRead: intake.bytesByInput.reduce(0, +))
        }
    }

    /// Hands the batch over, without what the target held before.
    private func flush(_ intake: inout AttemptIntake) throws(ImportError) {
        if intake.batch.count == 0 { return }
        let names = intake.batch.names
        let rows = intake.batch.take()
        do {
            let fresh = try ledger.fresh(of: rows, names: names, in: target) {
                try intake.outlet.drain()
            }
            if let fresh {
                report.attemptsAlreadyThere += rows.count - fresh.count
                try intake.outlet.append(rows.inOrder(fresh), names: names)
            } else {
                try intake.outlet.append(rows, names: names)
            }
        } catch {
            throw .target(imported: intake.outlet.appended, reason: "\(error)")
        }
    }

    /// Waits until everything that was handed over is in the target, and counts it.
    private func settle(_ intake: inout AttemptIntake) throws(ImportError) {
        do {
            try intake.outlet.drain()
        } catch {
            throw .target(imported: intake.outlet.appended, reason: "\(error)")
        }
        report.attemptsImported = intake.outlet.appended
    }
}

/// What an import of attempt lines has under way on the calling thread.
private struct AttemptIntake {
    var batch: AttemptBatch
    var outlet: ImportOutlet
    var unknownKeys = UnknownKeys()
    /// Says what is wrong with a line.
    var judge = AttemptLine()
    var linesByInput: [Int]
    var bytesByInput: [Int64]
}

extension LineChunk {
    /// Why a line is refused, what is to be said besides, and how many of its bytes are kept.
    func rejection(of fault: Fault, by judge: inout AttemptLine) -> (fault: String, remark: String, kept: Int) {
        let isLast = longLine == nil && bytes[Int(fault.end)] != 0x0A
        return withBytes(of: fault, count: .max) { line in
            let content = longLine.map { Content.tooLong(bytes: $0) }
            switch content ?? Self.content(line, isRejectFile: isRejectFile) {
            case .tooLong(let bytes):
                let kept = min(LineReader.keptOfLong, line.count)
                return (
                    "the line is \(bytes) bytes long, at most \(LineReader.limit) are taken",
                    "; its first \(kept) are kept", kept
                )
            case .blank: return ("the line is empty", "", 0)
            case .text(let text):
                do throws(LineFault) {
                    _ = try judge.parse(text)
                    return ("the line is no attempt", "", text.count)
                } catch {
                    return (error.reason, isLast ? " (the input ends in this line)" : "", text.count)
                }
            }
        }
    }

    /// Calls with the first bytes of a line, `count` at most.
    func withBytes<Result, Failure: Error>(
        of fault: Fault, count: Int, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let end = min(Int(fault.end), Int(fault.start) + min(count, bytes.count))
        return try bytes.span.withUnsafeBytes { (all) throws(Failure) in
            try body(UnsafeRawBufferPointer(rebasing: all[Int(fault.start)..<end]))
        }
    }
}
