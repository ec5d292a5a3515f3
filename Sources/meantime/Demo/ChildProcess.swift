import FoundationEssentials
import Glibc
import Retry

/// A process that the demo started, and the only kind that it stops.
///
/// Its standard input is a pipe from us: when we die in whatever way, the pipe ends, and the child stops by itself.
final class ChildProcess {
    let pid: pid_t
    private let input: CInt
    private let output: CInt
    private var isReaped = false

    /// Starts this very executable again with other arguments. `log` takes its stderr, and its stdout after the first
    /// lines that `readLine` takes is read by nobody, so children say little.
    init(arguments: [String], log: String) throws {
        let (inputRead, inputWrite) = try Self.pipe()
        let (outputRead, outputWrite) = try Self.pipe()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, inputRead, 0)
        posix_spawn_file_actions_adddup2(&actions, outputWrite, 1)
        posix_spawn_file_actions_addopen(&actions, 2, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        let environment = ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
        var pid: pid_t = 0
        let code = Self.withCStrings(["meantime"] + arguments) { argv in
            Self.withCStrings(environment) { posix_spawn(&pid, "/proc/self/exe", &actions, nil, argv, $0) }
        }
        close(inputRead)
        close(outputWrite)
        guard code == 0 else {
            close(inputWrite)
            close(outputRead)
            throw Failure("meantime \(arguments.first ?? "")", "cannot be started: \(SystemError.text(code))")
        }
        self.pid = pid
        input = inputWrite
        output = outputRead
    }

    deinit {
        close(input)
        close(output)
        if !isReaped { kill(pid, SIGKILL) }
    }

    /// Sends the child one line.
    func send(_ line: String) throws {
        let bytes = Array((line + "\n").utf8)
        guard write(input, bytes, bytes.count) == bytes.count else {
            throw Failure("process \(pid)", "took no orders: \(SystemError.text(errno))")
        }
    }

    /// The next line of the child's stdout; `nil` when it ended or said nothing for that long.
    func readLine(withinUs us: Int64) -> String? {
        let deadlineUs = WallClock.monotonicUs + us
        var line: [UInt8] = []
        while true {
            var ready = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            let restMs = (deadlineUs - WallClock.monotonicUs) / 1000
            guard restMs > 0, poll(&ready, 1, CInt(restMs)) > 0 else { return nil }
            var byte: UInt8 = 0
            guard read(output, &byte, 1) == 1 else { return nil }
            if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
    }

    /// Whether it still runs.
    var isRunning: Bool {
        if isReaped { return false }
        var status: CInt = 0
        if waitpid(pid, &status, WNOHANG) == pid { isReaped = true }
        return !isReaped
    }

    /// Asks it to end, waits up to `graceUs`, then ends it; returns once it is gone.
    func stop(graceUs: Int64 = 10_000_000) async {
        guard isRunning else { return }
        kill(pid, SIGTERM)
        let deadlineUs = WallClock.monotonicUs + graceUs
        while isRunning {
            if WallClock.monotonicUs > deadlineUs { kill(pid, SIGKILL) }
            try? await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Both ends close when another program is started, or one child would keep the other's input open.
    private static func pipe() throws -> (read: CInt, write: CInt) {
        var ends: [CInt] = [0, 0]
        guard Glibc.pipe(&ends) == 0, ends.allSatisfy({ fcntl($0, F_SETFD, FD_CLOEXEC) == 0 }) else {
            throw Failure("pipe", SystemError.text(errno))
        }
        return (ends[0], ends[1])
    }

    private static func withCStrings<Result>(
        _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) } + [nil]
        defer { pointers.forEach { free($0) } }
        return body(pointers)
    }
}
