import NIOCore
import NIOPosix
import Synchronization

/// One end of a TCP connection as a test sees it: bytes, in the order they came, and whether the other side closed.
final class Wire: Sendable {
    struct Seen {
        var bytes: [UInt8] = []
        var isClosed = false
        var error: (any Error)?
    }

    struct Closed: Error, CustomStringConvertible {
        var bytes: [UInt8]
        var description: String { "closed after: \(String(decoding: bytes, as: UTF8.self))" }
    }

    private struct State {
        var seen = Seen()
        var waiting: [@Sendable () -> Void] = []
    }

    let channel: any Channel
    private let state = Mutex(State())

    private init(channel: any Channel) { self.channel = channel }

    /// Connects to a port of this machine. With `reads` false nothing is read until `startReading()`.
    static func connect(
        port: Int, host: String = "127.0.0.1", reads: Bool = true, receiveBuffer: Int? = nil
    ) async throws -> Wire {
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: false)
        if let receiveBuffer {
            bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: numericCast(receiveBuffer))
        }
        let channel = try await bootstrap.connect(host: host, port: port).get()
        let wire = Wire(channel: channel)
        try await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.addHandler(Handler(wire: wire))
        }.get()
        if reads { try await wire.startReading() }
        return wire
    }

    /// Everything seen so far.
    var seen: Seen { state.withLock { $0.seen } }

    func startReading() async throws {
        try await channel.setOption(.autoRead, value: true).get()
    }

    func stopReading() async throws {
        try await channel.setOption(.autoRead, value: false).get()
    }

    func send(_ text: String) async throws { try await send(ByteBuffer(string: text)) }

    func send(_ bytes: ByteBuffer) async throws { try await channel.writeAndFlush(bytes).get() }

    /// Gone, with a FIN.
    func close() async { try? await channel.close().get() }

    /// Gone, with a RST.
    func reset() async {
        if let provider = channel as? any SocketOptionProvider {
            _ = try? await provider.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        }
        await close()
    }

    /// Waits until what was seen says something.
    func until<Value: Sendable>(_ says: @escaping @Sendable (Seen) -> Value?) async -> Value {
        await withCheckedContinuation { continuation in look(says) { continuation.resume(returning: $0) } }
    }

    /// Waits until the other side has closed.
    @discardableResult
    func untilClosed() async -> [UInt8] { await until { $0.isClosed ? $0.bytes : nil } }

    private func look<Value: Sendable>(
        _ says: @escaping @Sendable (Seen) -> Value?, _ done: @escaping @Sendable (Value) -> Void
    ) {
        let value = state.withLock { state -> Value? in
            if let value = says(state.seen) { return value }
            state.waiting.append { self.look(says, done) }
            return nil
        }
        if let value { done(value) }
    }

    fileprivate func change(_ body: (inout Seen) -> Void) {
        let waiting = state.withLock { state in
            body(&state.seen)
            let waiting = state.waiting
            state.waiting = []
            return waiting
        }
        for look in waiting { look() }
    }

    /// Removes the first `count` bytes.
    private func consume(_ count: Int) { state.withLock { $0.seen.bytes.removeFirst(count) } }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let wire: Wire
        init(wire: Wire) { self.wire = wire }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let part = Self.unwrapInboundIn(data)
            wire.change { $0.bytes += part.readableBytesView }
        }

        func channelInactive(context: ChannelHandlerContext) { wire.change { $0.isClosed = true } }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            wire.change { $0.error = error }
            context.close(promise: nil)
        }
    }
}

/// A response as it stood on the wire.
struct WireResponse: Equatable, Sendable {
    var status = 0
    /// Names in lower case, in order.
    var fields: [Field] = []
    var body: [UInt8] = []
    var trailers: [Field] = []

    struct Field: Equatable, Sendable {
        var name: String
        var value: String
    }

    var text: String { String(decoding: body, as: UTF8.self) }

    subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

    func count(_ name: String) -> Int { fields.count { $0.name == name } }
}

extension Wire {
    /// The next whole response; 1xx responses count. `method` decides whether it has a body.
    func response(to method: String = "GET") async throws -> WireResponse {
        let found = await until { seen -> Result<(WireResponse, Int), Closed>? in
            if let found = WireParser.response(in: seen.bytes, method: method, isClosed: seen.isClosed) {
                return .success(found)
            }
            return seen.isClosed ? .failure(Closed(bytes: seen.bytes)) : nil
        }
        let (response, count) = try found.get()
        consume(count)
        return response
    }

    /// Sends a request and waits for its response.
    func ask(_ request: String, method: String = "GET") async throws -> WireResponse {
        try await send(request)
        return try await response(to: method)
    }
}

/// Takes HTTP/1.1 messages apart, independently of the parser under test.
enum WireParser {
    static func response(in bytes: [UInt8], method: String, isClosed: Bool) -> (WireResponse, Int)? {
        guard let (lines, bodyStart) = head(in: bytes, from: 0) else { return nil }
        var response = WireResponse()
        let words = lines[0].split(separator: " ")
        response.status = words.count > 1 ? Int(words[1]) ?? 0 : 0
        response.fields = lines.dropFirst().map(field)
        if method == "HEAD" || response.status < 200 || response.status == 204 || response.status == 304 {
            return (response, bodyStart)
        }
        if response["transfer-encoding"] == "chunked" {
            return chunked(bytes, from: bodyStart).map { body, trailers, end in
                response.body = body
                response.trailers = trailers
                return (response, end)
            }
        }
        if let length = response["content-length"].flatMap({ Int($0) }) {
            guard bytes.count >= bodyStart + length else { return nil }
            response.body = Array(bytes[bodyStart..<bodyStart + length])
            return (response, bodyStart + length)
        }
        guard isClosed else { return nil }
        response.body = Array(bytes[bodyStart...])
        return (response, bytes.count)
    }

    private static func chunked(_ bytes: [UInt8], from start: Int) -> ([UInt8], [WireResponse.Field], Int)? {
        var body: [UInt8] = []
        var at = start
        while let lineEnd = crlf(in: bytes, from: at) {
            guard let size = Int(String(decoding: bytes[at..<lineEnd], as: UTF8.self), radix: 16) else { return nil }
            at = lineEnd + 2
            if size == 0 {
                var trailers: [WireResponse.Field] = []
                while let end = crlf(in: bytes, from: at) {
                    if end == at { return (body, trailers, end + 2) }
                    trailers.append(field(String(decoding: bytes[at..<end], as: UTF8.self)))
                    at = end + 2
                }
                return nil
            }
            guard bytes.count >= at + size + 2 else { return nil }
            body += bytes[at..<at + size]
            at += size + 2
        }
        return nil
    }

    private static func head(in bytes: [UInt8], from start: Int) -> ([String], Int)? {
        var lines: [String] = []
        var at = start
        while let end = crlf(in: bytes, from: at) {
            if end == at { return lines.isEmpty ? nil : (lines, end + 2) }
            lines.append(String(decoding: bytes[at..<end], as: UTF8.self))
            at = end + 2
        }
        return nil
    }

    private static func crlf(in bytes: [UInt8], from start: Int) -> Int? {
        var at = start
        while at + 1 < bytes.count {
            if bytes[at] == 13 && bytes[at + 1] == 10 { return at }
            at += 1
        }
        return nil
    }

    private static func field(_ line: some StringProtocol) -> WireResponse.Field {
        let parts = line.split(separator: ":", maxSplits: 1)
        let value = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
        return WireResponse.Field(name: parts[0].lowercased(), value: value)
    }
}

extension Wire {
    /// Throws away what has come, waiting for something to come; how many bytes that was, 0 at the end.
    func take() async -> Int {
        let count = await until { $0.bytes.isEmpty && !$0.isClosed ? nil : $0.bytes.count }
        consume(count)
        return count
    }
}
