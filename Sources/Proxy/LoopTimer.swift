import NIOCore

extension EventLoop {
    /// The loop's monotone clock in microseconds; virtual on an embedded loop.
    var nowUs: Int64 { Int64(now.uptimeNanoseconds / 1000) }
}

/// At most one instant at which something is due, on one event loop.
///
/// Arming is a store, not a trip through the loop's heap of tasks: a task that fires too early because the instant has
/// moved on goes to sleep again. A kept-alive connection with a 15 s timeout costs a task each 15 s, not one a request.
final class LoopTimer {
    private let loop: any EventLoop
    private var dueUs: Int64?
    private var scheduled: Scheduled<Void>?
    private var scheduledUs = Int64.max
    /// What to do when the armed instant has come.
    var onDue: (() -> Void)?

    init(loop: any EventLoop) { self.loop = loop }

    /// Moves the instant; `nil`: nothing is due.
    func arm(_ us: Int64?) {
        dueUs = us
        guard let us, us < scheduledUs else { return }
        scheduled?.cancel()
        schedule(us)
    }

    /// Nothing is due ever again.
    func stop() {
        dueUs = nil
        onDue = nil
        scheduled?.cancel()
        scheduled = nil
        scheduledUs = .max
    }

    private func schedule(_ us: Int64) {
        scheduledUs = us
        let deadline = NIODeadline.uptimeNanoseconds(UInt64(max(0, us)) * 1000)
        scheduled = loop.assumeIsolated().scheduleTask(deadline: deadline) { [weak self] in self?.fired() }
    }

    private func fired() {
        scheduled = nil
        scheduledUs = .max
        guard let dueUs else { return }
        if loop.nowUs < dueUs {
            schedule(dueUs)
        } else {
            self.dueUs = nil
            onDue?()
        }
    }
}
