import Logging
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Retry
import Testing

@testable import Proxy

/// How long the admin port waits.
struct AdminTimeTests {
    @Test("Silent and dripping admin connections are closed", arguments: ["", "GET /healthz HT"])
    func silent(text: String) throws {
        let loop = EmbeddedEventLoop()
        let core = ProxyCore(
            table: try RouteTable([RouteConfiguration(name: "r", hosts: ["h:1"])]),
            limits: ProxyLimits(headTimeoutUs: 100_000), sink: KeepingSink(),
            logger: Logger(label: "t") { _ in KeepingLog() }, firstRequest: 1)
        let pages = AdminPages(core: core, feed: nil, recorderProblem: { nil }, extraMetrics: { [] })
        let channel = EmbeddedChannel(loop: loop)
        try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: true)
        try channel.pipeline.syncOperations.addHandler(AdminHandler(pages: pages, loop: loop))
        channel.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 9), promise: nil)
        loop.advanceTime(by: .microseconds(50_000))
        if !text.isEmpty { try channel.writeInbound(ByteBuffer(string: text)) }
        loop.advanceTime(by: .microseconds(49_999))
        #expect(channel.isActive)
        loop.advanceTime(by: .microseconds(1))
        #expect(!channel.isActive)
        _ = try? channel.finish(acceptAlreadyClosed: true)
    }
}
