import Glibc

/// How a store can be opened for reading.
///
/// SQLite's write-ahead log is read by way of a file `-shm` beside the store, which the reader makes if it is not
/// there. Who cannot write to the directory can read a store at rest as a file that does not change, and one in use by
/// way of the `-shm` that the writer made.
enum ReadAccess: Equatable {
    case ordinary
    /// The store is at rest; the file is taken not to change while it is read.
    case immutable
    /// Attempts stand in a write-ahead log that cannot be read from here.
    case refused

    static let refusal = "cannot be read: reading while a writer's -wal is there needs write access to the directory"

    static func choose(directoryIsWritable: Bool, walBytes: Int64?, hasSharedMemory: Bool) -> ReadAccess {
        if directoryIsWritable { return .ordinary }
        // A writer may be about to fill an empty log; its -shm says that there is one.
        if hasSharedMemory, walBytes != nil { return .ordinary }
        return walBytes ?? 0 == 0 ? .immutable : .refused
    }

    /// The access to the store at a path.
    static func of(path: String) -> ReadAccess {
        let directory = directory(of: path)
        var status = stat()
        let walBytes = stat(path + "-wal", &status) == 0 ? Int64(status.st_size) : nil
        return choose(
            directoryIsWritable: access(directory, W_OK | X_OK) == 0, walBytes: walBytes,
            hasSharedMemory: access(path + "-shm", R_OK) == 0)
    }

    static func directory(of path: String) -> String {
        path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    }

    /// The path as SQLite's URI of a file that does not change.
    static func immutableURI(path: String) -> String {
        let digits = Array("0123456789ABCDEF")
        var uri = path.hasPrefix("/") ? "file://" : "file:"
        for byte in path.utf8 {
            switch byte {
            case UInt8(ascii: "/"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"):
                uri.unicodeScalars.append(UnicodeScalar(byte))
            default: uri += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
        return uri + "?immutable=1"
    }
}
