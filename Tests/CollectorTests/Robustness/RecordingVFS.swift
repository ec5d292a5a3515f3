import CSQLite
import Glibc
import Synchronization

/// SQLite's way to the disk (https://sqlite.org/vfs.html) with a witness: it hands every call to the ordinary one and,
/// for the files of directories that somebody watches, writes down what was asked for.
///
/// It is SQLite's default in the whole process once a directory was watched; files elsewhere go past it untouched.
enum RecordingVFS {
    private static let watched = Mutex<[String: DiskRecording]>([:])

    /// Records the files of a directory from now on.
    static func watch(_ directory: String) -> DiskRecording {
        _ = registration
        let recording = DiskRecording()
        watched.withLock { $0[directory] = recording }
        return recording
    }

    static func unwatch(_ directory: String) {
        _ = watched.withLock { $0.removeValue(forKey: directory) }
    }

    fileprivate static func recording(of path: UnsafePointer<CChar>?) -> (recording: DiskRecording, name: String)? {
        guard let path else { return nil }
        let text = String(cString: path)
        guard let slash = text.lastIndex(of: "/") else { return nil }
        let name = String(text[text.index(after: slash)...])
        return watched.withLock { $0[String(text[..<slash])] }.map { ($0, name) }
    }

    /// Made once, kept for ever, never changed after: SQLite keeps the pointers.
    private static let registration: Int32 = {
        guard let found = sqlite3_vfs_find(nil) else { return SQLITE_ERROR }
        ordinary = found
        let shim = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        shim.initialize(to: found.pointee)
        shim.pointee.pNext = nil
        shim.pointee.zName = UnsafePointer(strdup("meantime-recording"))
        shim.pointee.szOsFile = max(found.pointee.szOsFile, Int32(MemoryLayout<RecordedFile>.size))
        shim.pointee.xOpen = open
        shim.pointee.xDelete = { _, path, syncsDirectory in
            let code = ordinary.pointee.xDelete(ordinary, path, syncsDirectory)
            if code == SQLITE_OK, let (recording, name) = recording(of: path) {
                recording.deleted(name, syncsDirectory: syncsDirectory != 0)
            }
            return code
        }
        shim.pointee.xAccess = { ordinary.pointee.xAccess(ordinary, $1, $2, $3) }
        shim.pointee.xFullPathname = { ordinary.pointee.xFullPathname(ordinary, $1, $2, $3) }
        return sqlite3_vfs_register(shim, 1)
    }()
}

/// Set before the shim is registered, and only then.
nonisolated(unsafe) private var ordinary: UnsafeMutablePointer<sqlite3_vfs>!

/// SQLite's view of a file that is watched; the C struct must stand first.
private struct RecordedFile {
    var base = sqlite3_file()
    var real: UnsafeMutablePointer<sqlite3_file>
    var recording: Unmanaged<DiskRecording>
    var number: Int

    var witness: DiskRecording { recording.takeUnretainedValue() }
}

private func open(
    _: UnsafeMutablePointer<sqlite3_vfs>?, _ path: UnsafePointer<CChar>?, _ file: UnsafeMutablePointer<sqlite3_file>?,
    _ flags: Int32, _ outFlags: UnsafeMutablePointer<Int32>?
) -> Int32 {
    guard let (recording, name) = RecordingVFS.recording(of: path), let file else {
        return ordinary.pointee.xOpen(ordinary, path, file, flags, outFlags)
    }
    let size = Int(ordinary.pointee.szOsFile)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: size)
    let real = memory.assumingMemoryBound(to: sqlite3_file.self)
    file.pointee.pMethods = nil
    let code = ordinary.pointee.xOpen(ordinary, path, real, flags, outFlags)
    guard code == SQLITE_OK else {
        if real.pointee.pMethods != nil { _ = real.pointee.pMethods.pointee.xClose(real) }
        memory.deallocate()
        return code
    }
    let isJournal = flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL) != 0
    let recorded = RecordedFile(
        base: sqlite3_file(pMethods: methods), real: real, recording: .passRetained(recording),
        number: recording.opened(name, isJournal: isJournal))
    UnsafeMutableRawPointer(file).assumingMemoryBound(to: RecordedFile.self).initialize(to: recorded)
    return SQLITE_OK
}

private func recorded(_ file: UnsafeMutablePointer<sqlite3_file>?) -> RecordedFile {
    UnsafeMutableRawPointer(file!).assumingMemoryBound(to: RecordedFile.self).pointee
}

/// The real file behind a watched one, with its methods.
private func real(
    _ file: UnsafeMutablePointer<sqlite3_file>?
) -> (UnsafeMutablePointer<sqlite3_file>, sqlite3_io_methods) {
    let real = recorded(file).real
    return (real, real.pointee.pMethods.pointee)
}

/// Written once before the first use, never changed after.
nonisolated(unsafe) private let methods: UnsafePointer<sqlite3_io_methods> = {
    var table = sqlite3_io_methods()
    // Version 2: with shared memory, without memory-mapped reading.
    table.iVersion = 2
    table.xClose = { file in
        let (real, methods) = real(file)
        let code = methods.xClose(real)
        UnsafeMutableRawPointer(real).deallocate()
        recorded(file).recording.release()
        return code
    }
    table.xRead = { file, buffer, count, offset in
        let (real, methods) = real(file)
        recorded(file).witness.read(recorded(file).number, offset: Int(offset), count: Int(count))
        return methods.xRead(real, buffer, count, offset)
    }
    table.xWrite = { file, buffer, count, offset in
        let (real, methods) = real(file)
        let code = methods.xWrite(real, buffer, count, offset)
        if code == SQLITE_OK, let buffer {
            let bytes = [UInt8](UnsafeRawBufferPointer(start: buffer, count: Int(count)))
            recorded(file).witness.wrote(recorded(file).number, offset: Int(offset), bytes: bytes)
        }
        return code
    }
    table.xTruncate = { file, size in
        let (real, methods) = real(file)
        let code = methods.xTruncate(real, size)
        if code == SQLITE_OK { recorded(file).witness.truncated(recorded(file).number, size: Int(size)) }
        return code
    }
    table.xSync = { file, _ in
        // The model's disk is synced; the machine's own need not be.
        recorded(file).witness.synced(recorded(file).number)
        return SQLITE_OK
    }
    addLocks(to: &table)
    let pointer = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
    pointer.initialize(to: table)
    return UnsafePointer(pointer)
}()

private func addLocks(to table: inout sqlite3_io_methods) {
    table.xFileSize = { file, size in
        let (real, methods) = real(file)
        return methods.xFileSize(real, size)
    }
    table.xLock = { file, level in
        let (real, methods) = real(file)
        return methods.xLock(real, level)
    }
    table.xUnlock = { file, level in
        let (real, methods) = real(file)
        return methods.xUnlock(real, level)
    }
    table.xCheckReservedLock = { file, result in
        let (real, methods) = real(file)
        return methods.xCheckReservedLock(real, result)
    }
    table.xFileControl = { file, operation, argument in
        let (real, methods) = real(file)
        return methods.xFileControl(real, operation, argument)
    }
    table.xSectorSize = { file in
        let (real, methods) = real(file)
        return methods.xSectorSize(real)
    }
    table.xDeviceCharacteristics = { file in
        let (real, methods) = real(file)
        return methods.xDeviceCharacteristics(real)
    }
    table.xShmMap = { file, region, size, extend, result in
        let (real, methods) = real(file)
        return methods.xShmMap(real, region, size, extend, result)
    }
    table.xShmLock = { file, offset, count, flags in
        let (real, methods) = real(file)
        return methods.xShmLock(real, offset, count, flags)
    }
    table.xShmBarrier = { file in
        let (real, methods) = real(file)
        methods.xShmBarrier(real)
    }
    table.xShmUnmap = { file, deletes in
        let (real, methods) = real(file)
        return methods.xShmUnmap(real, deletes)
    }
}
