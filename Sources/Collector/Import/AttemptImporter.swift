import Glibc

/// Imports attempts from logs, as a stream: memory does not grow with the inputs.
///
/// - Inputs are plain or gzip (also several members), told by their first bytes. Lines end in LF or CRLF and are at
///   most 1 MiB; a byte order mark at the beginning is skipped.
/// - A malformed line is counted, reported with its number and kept in the reject file; the rest is imported.
/// - Gzip is unpacked once to its end before anything is imported: of a damaged or cut off file nothing is.
/// - A strict import reads everything once before it imports anything, so that a malformed line leaves the store as it
///   was. A pipe that has to be read twice is copied to a temporary file.
/// - A second import of the same data adds nothing (`ImportLedger` has the rule); one at the same time is refused.
/// - Attempt lines are parsed and made into segments by a thread a core; what comes out is the same with any number.
/// - Several Envoy logs are read side by side in the order of their times: both logs of one proxy, or rotated files.
public struct AttemptImporter {
    /// How the lines are read.
    public var format: ImportFormat
    /// Whether the first malformed line stops the import.
    public var strict: Bool
    /// Where malformed lines are kept; `nil`: they are only counted and reported.
    public var rejectPath: String?
    /// How many attempts go to the target at once, at most; a store makes them one segment.
    public var batchCount = 131_072
    /// How many threads parse lines and encode segments beside the calling one.
    var threads = max(1, min(8, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    /// How many bytes are given to a thread at once.
    var chunkBytes = 1 << 20

    /// An importer.
    public init(format: ImportFormat, strict: Bool = false, rejectPath: String? = nil) {
        self.format = format
        self.strict = strict
        self.rejectPath = rejectPath
    }

    /// Imports the inputs into the target. `progress` is called now and then, from this thread.
    ///
    /// - Throws: `ImportError`; its case says what is in the target then.
    public func run(
        inputs: [ImportInput], into target: any ImportTarget, progress: ((ImportProgress) -> Void)? = nil
    ) throws(ImportError) -> ImportReport {
        var sources: [ByteSource] = []
        for input in inputs { sources.append(try ByteSource(input)) }
        if let rejectPath, let same = sources.first(where: { $0.isSameFile(as: rejectPath) }) {
            throw .input(
                name: same.name, reason: "this is where malformed lines are kept; give it another name, then import it")
        }
        if let rejectPath, let reason = RejectFile.fault(path: rejectPath, reserved: target.reservedPaths) {
            throw .input(name: rejectPath, reason: reason)
        }
        for (index, source) in sources.enumerated() { sources[index] = try checked(source) }
        let lock: ImportLock?
        do {
            lock = try target.lockImports()
        } catch {
            throw .target(imported: 0, reason: "\(error)")
        }
        defer { withExtendedLifetime(lock) {} }
        let run = try ImportRun(self, sources: sources, target: target, progress: progress)
        switch format {
        case .attempts: try run.importAttempts()
        case .envoy: try run.importEnvoy()
        }
        return run.report
    }

    /// The input at its beginning, after it was read once if that can tell that nothing of it may be imported. Damage
    /// to gzip shows only in the checksum at its end, when lines that never were have long been unpacked.
    private func checked(_ source: ByteSource) throws(ImportError) -> ByteSource {
        let isGzip: Bool
        do throws(InputFault) {
            isGzip = try source.isGzip()
        } catch {
            throw .input(name: source.name, reason: error.reason)
        }
        guard strict || isGzip else { return source }
        let source = try source.rereadable()
        try source.rewind()
        if isGzip {
            try unpack(source)
            try source.rewind()
        }
        if strict {
            try validate(source)
            try source.rewind()
        }
        return source
    }

    /// Unpacks a whole input and lets everything go but its damage.
    private func unpack(_ source: ByteSource) throws(ImportError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
        defer { buffer.deallocate() }
        do throws(InputFault) {
            while try source.read(into: buffer) > 0 {}
        } catch {
            throw .damaged(file: source.name, reason: error.reason)
        }
    }

    /// Reads a whole input without importing.
    private func validate(_ source: ByteSource) throws(ImportError) {
        switch format {
        case .attempts: try ImportRun.validate(source, self)
        case .envoy: try validateEnvoy(source)
        }
    }

    private func validateEnvoy(_ source: ByteSource) throws(ImportError) {
        let reader = LineReader(source)
        var envoy = EnvoyLineParser()
        while let line = try Self.next(reader) {
            do throws(LineFault) {
                guard let bytes = try ImportRun.content(of: line, reader) else { continue }
                _ = try envoy.parse(bytes)
            } catch {
                throw .line(file: source.name, line: reader.number, reason: error.reason)
            }
        }
    }

    private static func next(_ reader: LineReader) throws(ImportError) -> LineReader.Line? {
        do throws(InputFault) {
            return try reader.next()
        } catch {
            throw .damaged(file: reader.source.name, reason: "after \(reader.number) lines \(error.reason)")
        }
    }
}
