import Collector
import Logging
import Proxy
import ServiceLifecycle

/// The recorder as a service: writes until it is told to stop, then writes the rest.
struct RecorderService: Service {
    let recorder: AttemptRecorder
    let logger: Logger

    func run() async throws {
        let (recorder, logger) = (recorder, logger)
        await cancelWhenGracefulShutdown {
            await recorder.run { problem in
                let dropped = recorder.counters.dropped
                if let problem {
                    logger.error("attempts wait to be written: \(problem)", metadata: ["dropped": "\(dropped)"])
                } else {
                    logger.notice("attempts are written again", metadata: ["dropped": "\(dropped)"])
                }
            }
        }
        try recorder.shutdown()
        let counters = recorder.counters
        logger.info("attempts written: \(counters.written), dropped: \(counters.dropped)")
    }

    /// What `/metrics` says of the recorder.
    static func metrics(_ recorder: AttemptRecorder) -> [Metric] {
        let counters = recorder.counters
        return [
            Metric(
                "meantime_recorder_written_total", .counter, help: "Attempts that are durable in the store.",
                value: Double(counters.written)),
            Metric(
                "meantime_recorder_dropped_total", .counter, help: "Attempts given up because the store was too slow.",
                value: Double(counters.dropped)),
            Metric(
                "meantime_recorder_write_errors_total", .counter,
                help: "Flushes that failed; their attempts wait for the next.", value: Double(counters.writeErrors)),
            Metric(
                "meantime_recorder_queued", .gauge, help: "Attempts that wait to be written.",
                value: Double(counters.queued)),
        ]
    }
}
