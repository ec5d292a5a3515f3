import NIOCore
import NIOHTTP1
import Retry

/// What the admin port can be asked.
struct AdminPages: Sendable {
    let core: ProxyCore
    let feed: RuleFeed?
    /// What ails the recorder; `nil`: nothing.
    let recorderProblem: @Sendable () -> String?
    let extraMetrics: @Sendable () -> [Metric]

    struct Page: Equatable {
        var status: HTTPResponseStatus
        var type = "text/plain; charset=utf-8"
        var text: String
    }

    func page(_ path: some StringProtocol) -> Page {
        switch path {
        case "/healthz": healthz
        case "/readyz": readyz
        case "/metrics": Page(status: .ok, type: "text/plain; version=0.0.4; charset=utf-8", text: metrics)
        case "/rules": Page(status: .ok, type: "application/yaml; charset=utf-8", text: rules)
        default: Page(status: .notFound, text: "known here: /healthz /readyz /metrics /rules\n")
        }
    }

    /// Alive: traffic does not depend on the recorder, so its trouble is told but is no reason to be restarted.
    private var healthz: Page {
        Page(status: .ok, text: "alive\nrecorder: \(recorderProblem() ?? "ok")\n")
    }

    private var readyz: Page {
        if core.isDraining { return Page(status: .serviceUnavailable, text: "draining\n") }
        if core.rules.set == nil, let problem = feed?.problem {
            return Page(status: .serviceUnavailable, text: "no rules: \(problem)\n")
        }
        let version = core.rules.set.map { "version \($0.version)" } ?? "none, every route has one attempt"
        return Page(status: .ok, text: "ready\nrules: \(version)\n")
    }

    private var rules: String {
        let none = RuleSet.Entry(rule: DefaultRules.none)
        let set =
            core.rules.set
            ?? RuleSet(
                version: 0, createdUs: 0,
                routes: Dictionary(uniqueKeysWithValues: core.table.routes.map { ($0.name, none) }))
        return set.yaml()
    }

    private var metrics: String {
        var samples = core.metrics.samples(rulesVersion: core.rules.set?.version ?? 0, isDraining: core.isDraining)
        for route in core.table.routes { samples += route.metrics.samples(route: route.name) }
        for host in core.table.hosts { samples += ProxyMetrics.samples(of: host) }
        return MetricsText.write(samples + extraMetrics())
    }
}

/// One connection to the admin port. It has a bounded time for each request, the wait for it and the way of the answer
/// included: connections that say nothing must not take descriptors from clients.
final class AdminHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let pages: AdminPages
    private let timer: LoopTimer
    private let loop: any EventLoop
    private var head: HTTPRequestHead?

    init(pages: AdminPages, loop: any EventLoop) {
        self.pages = pages
        self.loop = loop
        timer = LoopTimer(loop: loop)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        timer.onDue = { channel.close(promise: nil) }
        allowTime()
    }

    func handlerRemoved(context: ChannelHandlerContext) { timer.stop() }

    private func allowTime() { timer.arm(loop.nowUs + pages.core.limits.headTimeoutUs) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch Self.unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
        case .body:
            break
        case .end:
            guard let head else { return }
            self.head = nil
            answer(head, context)
            allowTime()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func answer(_ request: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let path = request.uri.prefix { $0 != "?" }
        let isRead = request.method == .GET || request.method == .HEAD
        let page =
            isRead
            ? pages.page(path) : AdminPages.Page(status: .methodNotAllowed, text: "only GET and HEAD are known here\n")
        let body = ByteBuffer(string: page.text)
        var fields = HTTPHeaders([("content-type", page.type), ("content-length", "\(body.readableBytes)")])
        if !isRead { fields.add(name: "allow", value: "GET, HEAD") }
        if !request.isKeepAlive { fields.add(name: "connection", value: "close") }
        let head = HTTPResponseHead(version: .http1_1, status: page.status, headers: fields)
        context.write(Self.wrapOutboundOut(.head(head)), promise: nil)
        if request.method != .HEAD { context.write(Self.wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
        let sent = context.writeAndFlush(Self.wrapOutboundOut(.end(nil)))
        if !request.isKeepAlive {
            let bound = context.loopBound
            sent.assumeIsolated().whenComplete { _ in bound.value.close(promise: nil) }
        }
    }
}
