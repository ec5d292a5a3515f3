import Glibc

/// The bytes of one input, unpacked if they are gzip, which the first bytes tell and not the name.
final class ByteSource {
    let name: String
    /// The size on disk at opening, `nil` for a pipe.
    let totalBytes: Int64?
    /// Bytes taken from the descriptor so far.
    private(set) var bytesRead: Int64 = 0

    private let descriptor: Int32
    private let isOwned: Bool
    /// Keeps the copy of a pipe open.
    private var copy: TemporaryFile?
    private var inflater: GzipInflater?
    private var isStarted = false
    /// The first bytes, read to recognise the format and still to be given.
    private var head: [UInt8] = []
    /// Reading stops here: two passes over a file that grows see the same bytes.
    private var limitBytes = Int64.max

    init(_ input: ImportInput) throws(ImportError) {
        name = input.name
        switch input {
        case .file(let path):
            descriptor = open(path, O_RDONLY | O_CLOEXEC)
            isOwned = true
            guard descriptor >= 0 else { throw .input(name: path, reason: "cannot be opened: \(SystemError.last())") }
        case .descriptor(let number, _):
            descriptor = number
            isOwned = false
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw .input(name: input.name, reason: "cannot be read: \(SystemError.last())")
        }
        let kind = status.st_mode & S_IFMT
        if kind == S_IFDIR { throw .input(name: input.name, reason: "is a directory; give the files in it") }
        totalBytes = kind == S_IFREG ? Int64(status.st_size) : nil
    }

    /// The bytes of an unnamed temporary file, for a pipe that has to be read twice.
    private init(copy: TemporaryFile, bytes: Int64, name: String) {
        self.name = name
        descriptor = copy.descriptor
        isOwned = false
        self.copy = copy
        totalBytes = bytes
    }

    deinit {
        if isOwned { close(descriptor) }
    }

    /// Whether the descriptor and the file at `path` are one file.
    func isSameFile(as path: String) -> Bool {
        var mine = stat()
        var other = stat()
        guard fstat(descriptor, &mine) == 0, stat(path, &other) == 0 else { return false }
        return mine.st_dev == other.st_dev && mine.st_ino == other.st_ino
    }

    /// Back to the first byte; from now on nothing beyond the size at opening is read.
    func rewind() throws(ImportError) {
        guard lseek(descriptor, 0, SEEK_SET) == 0 else {
            throw .input(name: name, reason: "cannot be read twice: \(SystemError.last())")
        }
        limitBytes = totalBytes ?? .max
        bytesRead = 0
        inflater = nil
        isStarted = false
        head = []
    }

    /// Fills the buffer from its start and returns how many bytes came, 0 at the end.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(InputFault) -> Int {
        if !isStarted {
            isStarted = true
            if try isGzip() {
                inflater = GzipInflater()
                if inflater == nil { throw InputFault(reason: "zlib cannot start") }
            }
        }
        guard let inflater else { return try readRaw(into: buffer) }
        return try inflater.read(into: buffer) { (packed) throws(InputFault) in try readRaw(into: packed) }
    }

    /// Whether the input, of which nothing was read yet, is gzip. The bytes that tell are given by the next reading.
    func isGzip() throws(InputFault) -> Bool {
        while head.count < 2 {
            let first = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 - head.count, alignment: 1)
            defer { first.deallocate() }
            let count = try readDescriptor(into: first)
            if count == 0 { return false }
            head += first.prefix(count)
        }
        return head == [0x1F, 0x8B]
    }

    private func readRaw(into buffer: UnsafeMutableRawBufferPointer) throws(InputFault) -> Int {
        if head.isEmpty { return try readDescriptor(into: buffer) }
        let count = min(head.count, buffer.count)
        buffer.copyBytes(from: head.prefix(count))
        head.removeFirst(count)
        return count
    }

    private func readDescriptor(into buffer: UnsafeMutableRawBufferPointer) throws(InputFault) -> Int {
        let wanted = Int(min(Int64(buffer.count), limitBytes - bytesRead))
        if wanted <= 0 { return 0 }
        while true {
            let count = Glibc.read(descriptor, buffer.baseAddress, wanted)
            if count >= 0 {
                bytesRead += Int64(count)
                return count
            }
            if errno != EINTR { throw InputFault(reason: "cannot be read on: \(SystemError.last())") }
        }
    }

    /// This input if it can be read twice, else a copy of all its bytes in an unlinked temporary file.
    func rereadable() throws(ImportError) -> ByteSource {
        if totalBytes != nil { return self }
        guard let copy = TemporaryFile(purpose: "import") else {
            throw .input(
                name: name,
                reason: "no temporary file in \(TemporaryFile.folder) to read it twice: \(SystemError.last())")
        }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
        defer { buffer.deallocate() }
        do {
            while true {
                let count = try readRaw(into: buffer)
                if count == 0 { break }
                try Self.writeAll(UnsafeRawBufferPointer(rebasing: buffer.prefix(count)), to: copy.descriptor)
            }
        } catch {
            throw .input(name: name, reason: error.reason)
        }
        return ByteSource(copy: copy, bytes: bytesRead, name: name)
    }

    static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) throws(InputFault) {
        var rest = bytes
        while !rest.isEmpty {
            let count = write(descriptor, rest.baseAddress, rest.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw InputFault(reason: "cannot be written: \(SystemError.last())")
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

}
