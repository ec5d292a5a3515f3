import Foundation
import Glibc
import TestSupport
import Testing

/// `meantime proxy` whose store lies on a small file system of its own, which runs full and is emptied again.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct ProxyFullDiskTests {
    /// Mounts, serves, and does what each line of its input asks for.
    private static let script = """
        mount -t tmpfs -o size=3m tmpfs "$2" || exit 9
        test "$3" = try && exit 0
        "$1" proxy --config "$2/../meantime.yaml" & proxy=$!
        while read word; do
          case $word in
            fill) dd if=/dev/zero of="$2/filler" bs=4k 2>/dev/null; echo filled;;
            empty) rm "$2/filler"; echo emptied;;
            stop) kill -TERM $proxy; wait $proxy; echo "ended $?"
              "$1" store check --store "$2/meantime.db" >/dev/null; echo "checked $?"
              "$1" query --store "$2/meantime.db" --format csv "SELECT count(*) FROM attempts"; exit;;
          esac
        done
        """

    private static func shell(_ directory: String, _ mode: String) -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
        let isolated = ["--mount"] + (getuid() == 0 ? [] : ["--map-root-user"])
        process.arguments = isolated + ["sh", "-c", script, "sh", Command.path, directory + "/disk", mode]
        process.currentDirectoryURL = URL(fileURLWithPath: directory)
        process.standardError = FileHandle.nullDevice
        return process
    }

    /// Needs no root where the kernel allows users their own mounts.
    static let canMount: Bool = {
        let isThere = try? withTemporaryDirectory { directory in
            try FileManager.default.createDirectory(atPath: directory + "/disk", withIntermediateDirectories: false)
            let process = shell(directory, "try")
            try process.run()
            process.waitUntilExit()
            return process.terminationStatus == 0
        }
        return isThere == true
    }()

    private func eventually(_ isTrue: () -> Bool) -> Bool {
        for _ in 0..<1_500 {
            if isTrue() { return true }
            usleep(20_000)
        }
        return false
    }

    @Test(.enabled(if: canMount, "this machine does not allow a mount of one's own"))
    func `requests go on while the disk is full, and what they left is written when there is room`() throws {
        try withTemporaryDirectory { directory in
            let upstream = try Upstream()
            try FileManager.default.createDirectory(atPath: directory + "/disk", withIntermediateDirectories: false)
            try write(
                """
                listen: 127.0.0.1:0
                admin: 127.0.0.1:0
                store: disk/meantime.db
                routes:
                  all: {hosts: ['127.0.0.1:\(upstream.port)']}

                """, to: directory + "/meantime.yaml")
            let process = Self.shell(directory, "serve")
            let (input, output, errors) = (Pipe(), Pipe(), Pipe())
            (process.standardInput, process.standardOutput, process.standardError) = (input, output, errors)
            try process.run()
            let line = try #require(Command.line(containing: "listening on", from: errors), "the proxy did not start")
            let port = try #require(TCP.port(after: "listening on 127.0.0.1:", in: line), "\(line)")
            let admin = try #require(TCP.port(after: "admin on 127.0.0.1:", in: line), "\(line)")
            func ask(_ word: String, _ answer: String) throws {
                input.fileHandleForWriting.write(Data("\(word)\n".utf8))
                try #require(Command.line(containing: answer, from: output) != nil, "\(word)")
            }
            var answered = 0
            func request(_ count: Int) {
                for _ in 0..<count where TCP.get("/", port: port)?.hasPrefix("HTTP/1.1 200 ") == true { answered += 1 }
            }
            func metric(_ name: String) -> Int { TCP.metric(name, port: admin) ?? -1 }

            request(20)
            #expect(eventually { metric("meantime_recorder_written_total") == 20 })
            try ask("fill", "filled")
            // Each batch finds the disk full at last: what the log still has room for is written.
            #expect(
                eventually {
                    request(10)
                    return metric("meantime_recorder_write_errors_total") > 0
                })
            #expect(metric("meantime_recorder_queued") > 0 && metric("meantime_recorder_dropped_total") == 0)
            request(50)
            try ask("empty", "emptied")
            #expect(eventually { metric("meantime_recorder_written_total") == answered })
            input.fileHandleForWriting.write(Data("stop\n".utf8))
            let texts = try Command.finish(process, reading: [output, errors])
            #expect(texts[0].contains("ended 0\nchecked 0\n") && texts[0].hasSuffix("\n\(answered)\n"), "\(texts)")
            for words in ["attempts wait to be written", "full", "written again", "written: \(answered), dropped: 0"] {
                #expect(texts[1].contains(words), "\(words) in \(texts[1])")
            }
        }
    }
}
