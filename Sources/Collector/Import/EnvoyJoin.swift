import Retry

/// Brings the attempt lines and the request line of each request together, in bounded memory.
///
/// An attempt's line comes before its request's, except when the client went away (0.5 ms after). A request is
/// finished as soon as its line is there with as many attempt lines as it tells of; else when time in the log has
/// passed: `joinWindowUs` after the last of its attempt lines, or `settleUs` after its request line. What is neither
/// when the log ends is left out (`request_still_open`), so that importing the log again when it has grown neither
/// misses nor doubles it. A log without any request line has nothing to wait for: there the end finishes all. (A log
/// so young that its first request line is still to come is taken for one: its few attempts then stay as they were
/// first read, without their method, also when it is imported again later.)
///
/// A log without any attempt line is used too, by `EnvoyRequestOnly`; that it is one is taken as shown after
/// `candidatesMax` request lines or at its end.
struct EnvoyJoin {
    /// How long an attempt waits for its request's line. Envoy's default limit of a route is 15 s.
    static let joinWindowUs: Int64 = 300_000_000
    /// How long a request's line waits for lines of its attempts. Envoy's default between two flushes of a log is 10
    /// s.
    static let settleUs: Int64 = 15_000_000
    /// How many lines may wait; beyond it the oldest request is finished as it is.
    static let openLinesMax = 200_000
    static let candidatesMax = 10_000

    /// A request whose lines are coming in.
    private final class Group {
        let key: UInt64
        private(set) var lines = EnvoyRequest()
        /// The attempt lines once more, to find a repeated one among very many.
        private var known: Set<EnvoyLine> = []
        private(set) var lastUs = Int64.min
        var isOpen = true

        init(key: UInt64) { self.key = key }

        func add(_ line: EnvoyLine) {
            switch line.kind {
            case .attempt:
                lines.attempts.append(line)
                if !known.isEmpty {
                    known.insert(line)
                } else if lines.attempts.count > Self.fewLines {
                    known = Set(lines.attempts)
                }
            case .request: lines.request = line
            }
            lastUs = max(lastUs, line.endUs)
        }

        /// Nearly all requests have a handful of attempts, which are compared quicker than put into a set.
        private static let fewLines = 16

        func has(_ attempt: EnvoyLine) -> Bool {
            known.isEmpty ? lines.attempts.contains(attempt) : known.contains(attempt)
        }

        /// Whether all its lines are there, as far as they tell.
        var isComplete: Bool {
            guard let request = lines.request else { return false }
            if lines.attempts.isEmpty { return request.reachedNoHost }
            return request.count.map { lines.attempts.count >= $0 } ?? !request.isClientGone
        }

        func isDue(nowUs: Int64) -> Bool {
            lastUs + (lines.request == nil ? joinWindowUs : settleUs) < nowUs
        }
    }

    private enum Mode {
        /// No attempt line yet. Exits: `attempts` at the first one, `requestsOnly` when there seem to be none.
        case undecided
        /// Attempts come from attempt lines. No exit.
        case attempts
        /// Attempts come from request lines. Exits: `attempts` at the first attempt line.
        case requestsOnly
    }

    private var mode = Mode.undecided
    private var hasRequestLines = false
    private var groups: [UInt64: Group] = [:]
    private var openLines = 0
    /// All groups in the order of their first lines, and those that have their request line but not all attempts.
    private var waiting = Queue<Group>()
    private var settling = Queue<Group>()
    private var candidates: [EnvoyLine] = []
    private var latestUs = Int64.min
    private var previousUs = Int64.min
    private let openLinesMax: Int

    init(openLinesMax: Int = Self.openLinesMax) { self.openLinesMax = openLinesMax }

    /// Takes a line; attempts that are ready are appended to `ready`, everything else is counted in the report.
    mutating func accept(_ line: EnvoyLine, _ report: inout ImportReport, _ ready: inout [Reading]) {
        latestUs = max(latestUs, line.endUs)
        switch line.kind {
        case .attempt:
            beginAttempts(&report)
            acceptAttempt(line, &report, &ready)
        case .request:
            hasRequestLines = true
            acceptRequest(line, &report, &ready)
        }
        // Time has passed when two lines in a row say so: one line with a wrong clock must not end what is under way.
        finishDue(nowUs: min(line.endUs, previousUs), &report, &ready)
        previousUs = line.endUs
    }

    /// Finishes what can be finished at the end of the log.
    mutating func end(_ report: inout ImportReport, _ ready: inout [Reading]) {
        if mode == .undecided { mode = .requestsOnly }
        for line in candidates { useRequestOnly(line, &report, &ready) }
        candidates = []
        while let group = waiting.removeFirst() {
            guard group.isOpen else { continue }
            take(group)
            if mode == .attempts, hasRequestLines, !group.isDue(nowUs: latestUs) {
                report.leaveOut(.requestStillOpen, lines: group.lines.count)
            } else {
                finish(group.lines, &report, &ready)
            }
        }
    }

    // MARK: Lines

    private mutating func acceptAttempt(_ line: EnvoyLine, _ report: inout ImportReport, _ ready: inout [Reading]) {
        guard let key = line.key else {
            finish(EnvoyRequest(attempts: [line]), &report, &ready)
            return
        }
        let group = group(key)
        if group.has(line) {
            report.leaveOut(.repeatedLine)
            return
        }
        add(line, to: group)
        if group.isComplete { close(group, &report, &ready) }
    }

    private mutating func acceptRequest(_ line: EnvoyLine, _ report: inout ImportReport, _ ready: inout [Reading]) {
        guard let key = line.key, mode != .requestsOnly else {
            finish(EnvoyRequest(request: line), &report, &ready)
            return
        }
        if let group = groups[key], let other = group.lines.request {
            if other == line {
                report.leaveOut(.repeatedLine)
                return
            }
            // The client used its id again before the first request was whole.
            close(group, &report, &ready)
        }
        let group = group(key)
        add(line, to: group)
        if group.isComplete {
            close(group, &report, &ready)
        } else {
            settling.append(group)
            if settling.count > 2 * groups.count + 1024 { settling.keep { $0.isOpen } }
        }
    }

    // MARK: Requests

    private mutating func group(_ key: UInt64) -> Group {
        if let group = groups[key] { return group }
        let group = Group(key: key)
        groups[key] = group
        waiting.append(group)
        // One request that waits long must not keep all the finished ones behind it.
        if waiting.count > 2 * groups.count + 1024 { waiting.keep { $0.isOpen } }
        return group
    }

    private mutating func add(_ line: EnvoyLine, to group: Group) {
        openLines += 1
        group.add(line)
    }

    private mutating func take(_ group: Group) {
        group.isOpen = false
        groups[group.key] = nil
        openLines -= group.lines.count
    }

    private mutating func close(_ group: Group, _ report: inout ImportReport, _ ready: inout [Reading]) {
        take(group)
        finish(group.lines, &report, &ready)
    }

    private mutating func finishDue(nowUs: Int64, _ report: inout ImportReport, _ ready: inout [Reading]) {
        while let group = settling.first, !group.isOpen || group.isDue(nowUs: nowUs) {
            if group.isOpen { close(group, &report, &ready) }
            _ = settling.removeFirst()
        }
        while let group = waiting.first, !group.isOpen || group.isDue(nowUs: nowUs) || openLines > openLinesMax {
            if group.isOpen { close(group, &report, &ready) }
            _ = waiting.removeFirst()
        }
    }

    private mutating func finish(_ lines: EnvoyRequest, _ report: inout ImportReport, _ ready: inout [Reading]) {
        guard !lines.attempts.isEmpty else {
            if let request = lines.request { finishWithoutAttempts(request, &report, &ready) }
            return
        }
        let result = lines.result()
        ready.append(contentsOf: result.attempts.map { Reading(attempt: $0) })
        report.leaveOut(.localOverflow, lines: result.refusals)
        report.attemptsCutOffForUnknownCause += result.causesUnknown
        guard let request = lines.request else { return }
        report.requestLinesJoined += 1
        if let count = request.count, count > lines.attempts.count { report.requestsWithMissingAttempts += 1 }
    }

    // MARK: Request lines alone

    private mutating func finishWithoutAttempts(
        _ request: EnvoyLine, _ report: inout ImportReport, _ ready: inout [Reading]
    ) {
        if request.reachedNoHost {
            report.requestLinesJoined += 1
            report.countWithoutAttempts(request.reason)
            return
        }
        switch mode {
        case .attempts: report.leaveOut(.attemptLinesMissing)
        case .requestsOnly: useRequestOnly(request, &report, &ready)
        case .undecided:
            candidates.append(request)
            guard candidates.count >= Self.candidatesMax else { return }
            mode = .requestsOnly
            for line in candidates { useRequestOnly(line, &report, &ready) }
            candidates = []
        }
    }

    private func useRequestOnly(_ line: EnvoyLine, _ report: inout ImportReport, _ ready: inout [Reading]) {
        switch EnvoyRequestOnly.result(of: line) {
        case .attempt(let attempt):
            report.attemptsFromRequestLines += 1
            ready.append(Reading(attempt: attempt, origin: .requestLine))
        case .none:
            report.requestLinesJoined += 1
            report.countWithoutAttempts(line.reason)
        case .leftOut(let reason): report.leaveOut(reason)
        }
    }

    private mutating func beginAttempts(_ report: inout ImportReport) {
        if mode == .attempts { return }
        if mode == .requestsOnly {
            report.problems.append(
                "attempt lines begin after \(report.attemptsFromRequestLines) attempts were taken from request lines: "
                    + "one attempt may be in both; import the logs of one time together")
        }
        mode = .attempts
        report.leaveOut(.attemptLinesMissing, lines: candidates.count)
        candidates = []
    }
}

extension EnvoyRequest {
    /// How many lines it has.
    var count: Int { attempts.count + (request == nil ? 0 : 1) }
}

/// First in, first out, in an array whose emptied front is given back now and then.
struct Queue<Element> {
    private var elements: [Element] = []
    private var head = 0

    var count: Int { elements.count - head }

    var first: Element? { head < elements.count ? elements[head] : nil }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func keep(_ isKept: (Element) -> Bool) {
        elements = elements[head...].filter(isKept)
        head = 0
    }

    mutating func removeFirst() -> Element? {
        guard head < elements.count else { return nil }
        defer {
            head += 1
            if head > 1024, head > elements.count / 2 {
                elements.removeFirst(head)
                head = 0
            }
        }
        return elements[head]
    }
}
