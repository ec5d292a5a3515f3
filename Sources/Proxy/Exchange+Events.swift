import NIOCore
import NIOHTTP1
import Retry

/// What the client does.
extension Exchange {
    /// A part of the request's body.
    func clientSent(_ part: ByteBuffer) {
        let connection = sendingTo
        switch phase {
        case .attempting:
            replay.append(part, isForwarded: connection != nil)
            connection?.send(.body(.byteBuffer(part)))
            if machine.deadlineUs == nil { limitUpload(nowUs: context.loop.nowUs) }
        case .waiting:
            replay.append(part, isForwarded: false)
        case .relaying:
            connection?.send(.body(.byteBuffer(part)))
        case .ended:
            break
        }
    }

    /// The end of the request.
    func clientEnded(_ trailers: HTTPHeaders?) {
        replay.end(trailers: trailers)
        requestIsWhole()
        guard let connection = sendingTo else { return }
        connection.send(.end(trailers))
        connection.flush()
    }

    /// All that was read from the client has been handed over.
    func clientReadComplete() {
        isFirstRead = false
        sendingTo?.flush()
    }

    /// Where the request's body goes now, if anywhere.
    private var sendingTo: UpstreamConnection? { running?.takesRequest == true ? running?.connection : nil }

    /// Whether more of the request's body can be taken now.
    var wantsRequest: Bool {
        switch phase {
        case .attempting: running?.connection?.isWritable ?? !replay.isFull
        case .relaying: sendingTo?.isWritable ?? true
        case .waiting: !replay.isFull
        case .ended: true
        }
    }

    /// The client takes more of the response.
    func clientTakesMore() { running?.connection?.resumeReading() }

    /// What the client sent as its request's body is none: it is told by somebody else, and the host is not to blame.
    func clientBroke(status: Int) {
        sentStatus = status
        clientLeft()
    }

    /// Nobody waits for the answer: what runs is given up, and that says nothing of the host.
    func clientLeft() {
        guard phase != .ended else { return }
        let connection = running?.connection
        let nowUs = context.loop.nowUs
        if phase != .relaying(isLogged: true) {
            log(.cancelled, endUs: nowUs)
            verdict = .clientGone
        }
        _ = advance(.clientGone, nowUs: nowUs)
        settle()
        connection?.abandon()
    }

    /// The instant that the phase waits for has come.
    func timeIsUp() {
        switch phase {
        case .waiting:
            perform(advance(.waitOver, nowUs: context.loop.nowUs))
        case .attempting:
            attemptTimeIsUp()
        case .relaying:
            let isUploadSlow = !replay.hasEnded && sendingTo?.isWritable == true
            breakOff(isUploadSlow || !client.isWritable ? .cancelled : .timeout)
        case .ended:
            break
        }
    }

    private func attemptTimeIsUp() {
        let connection = running?.connection
        if running?.clockUs == nil {
            let isHostSlow = connection.map { !$0.isWritable } ?? true
            if !isHostSlow { return giveUpOnClient() }
            if machine.deadlineUs == nil { return limitUpload(nowUs: context.loop.nowUs) }
        }
        running?.connection = nil
        connection?.abandon()
        fail(.timeout)
    }

    /// The response cannot be finished. The client notices by the broken connection: its head is long gone.
    private func breakOff(_ outcome: Outcome) {
        let connection = running?.connection
        if phase == .relaying(isLogged: false) {
            let nowUs = context.loop.nowUs
            log(outcome, endUs: nowUs)
            let action = advance(.attemptEnded(AttemptResult(outcome: outcome)), nowUs: nowUs)
            if case .answer(let last) = action { verdict = last }
        }
        settle()
        connection?.abandon()
        client.abort()
    }
}

/// What the host does.
extension Exchange: UpstreamConsumer {
    var wantsResponse: Bool { client.isWritable }

    func upstreamInformed(_ connection: UpstreamConnection, _ head: HTTPResponseHead) {
        // One `100 Continue` is enough, however many attempts there are.
        if head.status.code == 100 {
            if informed { return }
            informed = true
        }
        client.inform(head.status, FieldRules.endToEnd(head.headers))
    }

    func upstreamAnswered(_ connection: UpstreamConnection, _ head: HTTPResponseHead) {
        guard phase == .attempting, running?.connection === connection else { return }
        let nowUs = context.loop.nowUs
        let answer = ResponseClassifier.classify(head, wallUs: context.core.wallUs)
        running?.answer = answer
        running?.headUs = nowUs
        if answer.outcome == .success {
            _ = advance(.responseStarted, nowUs: nowUs)
            return relay(head, isLogged: false)
        }
        log(answer.outcome, endUs: nowUs)
        lastOutcome = answer.outcome
        lastEndUs = nowUs
        let result = AttemptResult(
            outcome: answer.outcome, status: answer.status, isGRPC: answer.isGRPC, retryAfterUs: answer.retryAfterUs,
            isReplayable: replay.isWhole)
        let action = advance(.attemptEnded(result), nowUs: nowUs)
        if case .answer(let last) = action {
            verdict = last
            discardKept()
            relay(head, isLogged: true)
        } else {
            keep(head, from: connection)
            running = nil
            perform(action)
        }
    }

    func upstreamSent(_ connection: UpstreamConnection, _ part: ByteBuffer) { client.send(part) }

    func upstreamEnded(_ connection: UpstreamConnection, _ trailers: HTTPHeaders?) {
        if phase == .relaying(isLogged: false), let attempt = running {
            log(.success, endUs: attempt.headUs)
            let action = advance(.attemptEnded(AttemptResult(outcome: .success)), nowUs: context.loop.nowUs)
            if case .answer(let last) = action { verdict = last }
        }
        end(trailers)
    }

    func upstreamBroke(_ connection: UpstreamConnection) {
        guard running?.connection === connection else { return }
        running?.connection = nil
        switch phase {
        case .attempting: fail(.reset)
        case .relaying: breakOff(.reset)
        case .waiting, .ended: break
        }
    }

    func upstreamReadComplete(_ connection: UpstreamConnection) { client.flush() }

    func upstreamWritabilityChanged(_ connection: UpstreamConnection) {
        if connection.isWritable { client.readMore() }
    }
}
