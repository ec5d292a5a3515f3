import Glibc

@testable import Collector

/// A child process, started and awaited by the system's own calls: they may block a thread, but never wait for another.
struct Worker {
    let id: pid_t

    /// `StoreWorker`, which is built beside the tests.
    static let path: String = {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = buffer.withUnsafeMutableBytes {
            readlink("/proc/self/exe", $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
        }
        func beside(_ path: String) -> String {
            String(path[...(path.lastIndex(of: "/") ?? path.startIndex)]) + "StoreWorker"
        }
        let own = beside(String(decoding: buffer[..<max(0, count)], as: UTF8.self))
        return access(own, X_OK) == 0 ? own : beside(CommandLine.arguments[0])
    }()

    /// Starts a program; its output goes to `output`, if that is given.
    init(_ program: String, _ arguments: [String], output: Int32? = nil) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let output { posix_spawn_file_actions_adddup2(&actions, output, 1) }
        let texts = ([program] + arguments).map { strdup($0) }
        defer { for text in texts { free(text) } }
        var id: pid_t = 0
        let code = posix_spawnp(&id, program, &actions, nil, texts + [nil], environ)
        guard code == 0 else {
            throw StoreError(.io, path: program, "cannot be started: \(String(cString: strerror(code)))")
        }
        self.id = id
    }

    /// Waits for its end; gives its exit code, or the negative number of the signal that ended it.
    @discardableResult
    func wait() -> Int32 {
        var status: Int32 = 0
        while waitpid(id, &status, 0) == -1, errno == EINTR {}
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : -(status & 0x7F)
    }

    /// Kills it, if it has not ended by itself; gives how it ended.
    @discardableResult
    func kill() -> Int32 {
        Glibc.kill(id, SIGKILL)
        return wait()
    }

    /// Runs a program to its end; gives its output and whether it ended well.
    static func output(of program: String, _ arguments: [String]) throws -> (text: String, isDone: Bool) {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw StoreError(.io, path: program, "no pipe for its output") }
        // A child that another test starts meanwhile must not keep this pipe open.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        let worker: Worker
        do {
            defer { close(ends[1]) }
            worker = try Worker(program, arguments, output: ends[1])
        }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = read(ends[0], &buffer, buffer.count)
            if count <= 0 { break }
            text += buffer[..<count]
        }
        return (String(decoding: text, as: UTF8.self), worker.wait() == 0)
    }
}
