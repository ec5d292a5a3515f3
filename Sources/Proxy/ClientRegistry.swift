import NIOCore
import Synchronization

/// The client connections that are open, so that they can be told to finish and waited for.
final class ClientRegistry: Sendable {
    private struct Open {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isQuiescing = false
        var whenEmpty: [EventLoopPromise<Void>] = []
    }

    private let open = Mutex(Open())
    private let metrics: ProxyMetrics

    init(metrics: ProxyMetrics) { self.metrics = metrics }

    func add(_ channel: any Channel) {
        let key = ObjectIdentifier(channel)
        let isQuiescing = open.withLock {
            $0.channels[key] = channel
            return $0.isQuiescing
        }
        metrics.clientConnections.add()
        metrics.clientConnectionsOpen.add()
        channel.closeFuture.whenComplete { _ in self.remove(key) }
        // Accepted while the listener was being closed.
        if isQuiescing { channel.pipeline.fireUserInboundEventTriggered(DrainEvent()) }
    }

    /// Tells every connection to close once it has answered the request it is at, if any.
    func quiesce() {
        let channels = open.withLock {
            $0.isQuiescing = true
            return Array($0.channels.values)
        }
        for channel in channels { channel.pipeline.fireUserInboundEventTriggered(DrainEvent()) }
    }

    func closeAll() {
        for channel in open.withLock({ Array($0.channels.values) }) { channel.close(promise: nil) }
    }

    /// Succeeds when no connection is open, or after `limitUs`, whichever comes first.
    func empty(within limitUs: Int64, on loop: any EventLoop) -> EventLoopFuture<Void> {
        let promise = loop.makePromise(of: Void.self)
        let isEmpty = open.withLock {
            if !$0.channels.isEmpty { $0.whenEmpty.append(promise) }
            return $0.channels.isEmpty
        }
        if isEmpty { promise.succeed() }
        let limit = loop.scheduleTask(in: .microseconds(limitUs)) { self.giveUp(promise) }
        promise.futureResult.whenComplete { _ in limit.cancel() }
        return promise.futureResult
    }

    private func giveUp(_ promise: EventLoopPromise<Void>) {
        let isWaiting = open.withLock {
            let before = $0.whenEmpty.count
            $0.whenEmpty.removeAll { $0.futureResult === promise.futureResult }
            return $0.whenEmpty.count < before
        }
        if isWaiting { promise.succeed() }
    }

    private func remove(_ key: ObjectIdentifier) {
        metrics.clientConnectionsOpen.add(-1)
        let waiting = open.withLock {
            $0.channels[key] = nil
            guard $0.channels.isEmpty else { return [EventLoopPromise<Void>]() }
            let waiting = $0.whenEmpty
            $0.whenEmpty = []
            return waiting
        }
        for promise in waiting { promise.succeed() }
    }
}

/// Stops accepting while as many connections are open as are allowed; the others wait in the kernel's queue.
final class ConnectionGate: ChannelDuplexHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel
    typealias OutboundIn = Never

    private let limit: Int
    private var count = 0
    private var isReadHeld = false

    init(limit: Int) { self.limit = limit }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        count += 1
        let bound = context.loopBound
        Self.unwrapInboundIn(data).closeFuture.hop(to: context.eventLoop).assumeIsolated().whenComplete { [self] _ in
            count -= 1
            guard isReadHeld else { return }
            isReadHeld = false
            bound.value.read()
        }
        context.fireChannelRead(data)
    }

    func read(context: ChannelHandlerContext) {
        if count < limit { context.read() } else { isReadHeld = true }
    }
}
