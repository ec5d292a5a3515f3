import Glibc

/// Now, as UNIX microseconds.
enum WallClock {
    static var nowUs: Int64 { read(CLOCK_REALTIME) }

    /// For spans: never set back.
    static var monotonicUs: Int64 { read(CLOCK_MONOTONIC) }

    /// Processor time of the thread that asks, nanoseconds.
    static var threadNanoseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}
