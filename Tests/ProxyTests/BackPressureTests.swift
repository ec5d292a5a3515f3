import NIOCore
import NIOHTTP1
import Retry
import Testing

@testable import Proxy

private let get = "GET / HTTP/1.1\r\nhost: a\r\n\r\n"

/// A side that does not read stops the side that sends; nothing piles up in between.
@Suite(.timeLimit(.minutes(1)))
struct BackPressureTests {
    /// What the kernel's buffers on the way may take (up to 6 MiB to receive and 4 MiB to send at each of two sockets),
    /// with the proxy's own 64 KiB here and there lost in it.
    static let kernelBytes = 24 << 20
    /// Far more than that.
    static let streamBytes = 256 << 20

    @Test("A client that does not read stops the host; once it reads, all comes through")
    func slowReader() async throws {
        let upstream = try await ScriptedUpstream.start { request in
            if request.head.uri == "/small" { return [.request, .send(answer(200))] }
            return [
                .request, .send("HTTP/1.1 200 OK\r\ncontent-length: \(Self.streamBytes)\r\n\r\n"),
                .stream(Self.streamBytes),
            ]
        }
        try await withProxy(hosts: [upstream.name], rule: retrying(0, timeoutUs: nil)) { proxy async throws in
            let slow = try await proxy.client(reads: false, receiveBuffer: 65_536)
            try await slow.send(get)
            await upstream.untilWritten(65_536)
            // The same event loop serves many others meanwhile: plenty of turns in which it could read on.
            let other = try await proxy.client()
            for _ in 0..<500 { _ = try await other.ask("GET /small HTTP/1.1\r\nhost: a\r\n\r\n") }
            #expect(upstream.written < Self.kernelBytes)
            let counted = Counted()
            await counted.drain(slow, until: Self.streamBytes)
            // The last bytes can be here before their writer has heard of it.
            await upstream.untilWritten(Self.streamBytes)
            #expect(await proxy.sink.attempts(501).allSatisfy { $0.outcome == .success })
        }
        await upstream.stop()
    }

    @Test("A host that does not read stops the client; once it reads, all comes through")
    func slowHost() async throws {
        let go = ScriptedUpstream.Signal()
        let upstream = try await ScriptedUpstream.start { request in
            if request.head.uri == "/small" { return [.request, .send(answer(200))] }
            return [.stopReading(go), .request, .send(answer(200, "all of it"))]
        }
        try await withProxy(hosts: [upstream.name], rule: retrying(3, timeoutUs: nil)) { proxy async throws in
            let wire = try await proxy.client()
            let total = 64 << 20
            try await wire.send("PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: \(total)\r\n\r\n")
            let sent = Counter()
            let sending = Task {
                for _ in 0..<total / 65_536 {
                    try await wire.send(ByteBuffer(repeating: 7, count: 65_536))
                    sent.add(65_536)
                }
            }
            await upstream.untilRequests(1)
            let other = try await proxy.client()
            for _ in 0..<500 { _ = try await other.ask("GET /small HTTP/1.1\r\nhost: a\r\n\r\n") }
            #expect(sent.value < Self.kernelBytes)
            go.give()
            #expect(try await wire.response().text == "all of it")
            try await sending.value
            #expect(upstream.bodyBytes == total)
        }
        await upstream.stop()
    }
}

/// Counts bytes without keeping them.
private struct Counted {
    func drain(_ wire: Wire, until total: Int) async {
        try? await wire.startReading()
        var count = 0
        while count < total {
            let taken = await wire.take()
            if taken == 0 { return }
            count += taken
        }
    }
}
