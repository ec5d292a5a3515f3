import Glibc

/// Tells a write-ahead log that was damaged from one whose end a power loss cut off.
///
/// Whoever opens a store after a crash recovers it from the log: SQLite takes every transaction up to the first frame
/// that is not what its checksum says, and forgets what follows without a word
/// (https://sqlite.org/fileformat2.html#the_write_ahead_log). After a power loss that is right: what was not synced may
/// be torn. But a commit is synced before the next transaction is written; so a frame whose transaction is followed by
/// another one was on the disk once, and is damage.
struct WriteAheadLog {
    /// Where a log is damaged, and up to where it is sound.
    struct Damage: Equatable {
        /// Where in the file the frame begins that is not what was written.
        var offset: Int
        /// Where the last sound transaction before it ends.
        var soundEnd: Int
    }

    private static let headerSize = 32
    private static let frameHeaderSize = 24

    private struct Header: Equatable {
        var isBigEndian: Bool
        var pageSize: Int
        var salts: UInt64
        var checksum: Checksum
    }

    private struct Checksum: Equatable {
        var first: UInt32 = 0
        var second: UInt32 = 0
    }

    private let bytes: UnsafeRawBufferPointer
    private let header: Header

    /// Where the log of a store is damaged; `nil` when it is not, or there is none.
    static func damage(store path: String) throws(StoreError) -> Damage? {
        var found: Damage?
        // A living writer may begin the log anew while it is read here: damage stays where it is, that does not.
        for attempt in 0..<4 {
            let damage = try read(path + "-wal")
            if damage == nil || (attempt > 0 && damage == found) { return damage }
            found = damage
        }
        return nil
    }

    private static func read(_ path: String) throws(StoreError) -> Damage? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_size > headerSize else { return nil }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(status.st_size), alignment: 8)
        defer { buffer.deallocate() }
        var count = 0
        while count < buffer.count {
            let more = pread(file, buffer.baseAddress! + count, buffer.count - count, off_t(count))
            guard more >= 0 else {
                throw StoreError(.io, path: path, "cannot be read: \(String(cString: strerror(errno)))")
            }
            if more == 0 { break }
            count += more
        }
        return damage(in: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }

    /// Where these bytes of a log are damaged.
    static func damage(in bytes: UnsafeRawBufferPointer) -> Damage? {
        guard bytes.count > headerSize + frameHeaderSize else { return nil }
        guard let header = header(of: bytes) else {
            // The header is synced before the first frame is written: only a log that was never used has none.
            return bytes[..<headerSize].allSatisfy { $0 == 0 } && bytes.allSatisfy { $0 == 0 }
                ? nil : Damage(offset: 0, soundEnd: 0)
        }
        return WriteAheadLog(bytes: bytes, header: header).damage
    }

    private static func header(of bytes: UnsafeRawBufferPointer) -> Header? {
        func word(_ at: Int) -> UInt32 { UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self)) }
        let magic = word(0)
        let pageSize = Int(word(8))
        guard magic & ~1 == 0x377F_0682, word(4) == 3_007_000, (512...65_536).contains(pageSize),
            pageSize & (pageSize - 1) == 0
        else { return nil }
        let isBigEndian = magic & 1 == 1
        let checksum = checksum(bytes, 0..<24, after: Checksum(), isBigEndian)
        guard checksum == Checksum(first: word(24), second: word(28)) else { return nil }
        let salts = bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
        return Header(isBigEndian: isBigEndian, pageSize: pageSize, salts: salts, checksum: checksum)
    }

    private var damage: Damage? {
        var sum = header.checksum
        var index = 0
        var soundEnd = Self.headerSize
        while index < frames, isOurs(index), checksum(of: index, after: sum) == stored(index) {
            sum = stored(index)
            if isCommit(index) { soundEnd = start(of: index + 1) }
            index += 1
        }
        guard index < frames else { return nil }
        // The first frame that is not sound: an end, unless its transaction was followed by another.
        let broken = index
        // Its checksum, which goes on from those of the frames before, tells of this run where its salts do not.
        let wasOurs = isOurs(broken) || checksum(of: broken, after: sum) == stored(broken)
        var seesCommit = wasOurs && isCommit(broken)
        index += 1
        while index < frames {
            // Linked to the frame before by what that says of itself, or by what it is.
            let isSound =
                isOurs(index)
                && (checksum(of: index, after: stored(index - 1)) == stored(index)
                    || index == broken + 1
                        && checksum(of: index, after: checksum(of: broken, after: sum)) == stored(index))
            if isSound, seesCommit { return Damage(offset: start(of: broken), soundEnd: soundEnd) }
            if isSound, isCommit(index) { seesCommit = true }
            index += 1
        }
        return nil
    }

    private var frames: Int { (bytes.count - Self.headerSize) / (Self.frameHeaderSize + header.pageSize) }

    private func start(of frame: Int) -> Int { Self.headerSize + frame * (Self.frameHeaderSize + header.pageSize) }

    /// Whether a frame is of this run through the file, and not one that was left from an earlier.
    private func isOurs(_ frame: Int) -> Bool {
        bytes.loadUnaligned(fromByteOffset: start(of: frame) + 8, as: UInt64.self) == header.salts
    }

    private func isCommit(_ frame: Int) -> Bool {
        bytes.loadUnaligned(fromByteOffset: start(of: frame) + 4, as: UInt32.self) != 0
    }

    private func stored(_ frame: Int) -> Checksum {
        let at = start(of: frame) + 16
        return Checksum(
            first: UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self)),
            second: UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: at + 4, as: UInt32.self)))
    }

    private func checksum(of frame: Int, after seed: Checksum) -> Checksum {
        let at = start(of: frame)
        let head = Self.checksum(bytes, at..<at + 8, after: seed, header.isBigEndian)
        let page = at + Self.frameHeaderSize
        return Self.checksum(bytes, page..<page + header.pageSize, after: head, header.isBigEndian)
    }

    private static func checksum(
        _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, after seed: Checksum, _ isBigEndian: Bool
    ) -> Checksum {
        var (first, second) = (seed.first, seed.second)
        var at = range.lowerBound
        while at < range.upperBound {
            let one = bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self)
            let two = bytes.loadUnaligned(fromByteOffset: at + 4, as: UInt32.self)
            first = first &+ (isBigEndian ? UInt32(bigEndian: one) : UInt32(littleEndian: one)) &+ second
            second = second &+ (isBigEndian ? UInt32(bigEndian: two) : UInt32(littleEndian: two)) &+ first
            at += 8
        }
        return Checksum(first: first, second: second)
    }
}
