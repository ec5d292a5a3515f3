import Glibc

/// An unlinked file for what does not fit in memory; it is gone with the process, whatever happens to that.
final class TemporaryFile {
    let descriptor: Int32

    /// Where temporary files are made.
    static var folder: String { getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp" }

    /// `nil` when the system refuses; `SystemError.last()` says why.
    init?(purpose: String, in folder: String = TemporaryFile.folder) {
        // mkstemp puts a name of its own in place of each X.
        var template = Array("\(folder)/meantime-\(purpose)-XXXXXX".utf8CString)
        let made = mkstemp(&template)
        guard made >= 0 else { return nil }
        descriptor = made
        // A program started meanwhile must not hold on to it.
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        unlink(template)
    }

    deinit { close(descriptor) }

    /// Writes all bytes at an offset, or tells that it could not.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = pwrite(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, offset + done)
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { return false }
            done += count
        }
        return true
    }

    /// Fills a buffer from an offset, or tells that it could not.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Bool {
        var done = 0
        while done < buffer.count {
            let count = pread(descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done, offset + done)
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { return false }
            done += count
        }
        return true
    }
}
