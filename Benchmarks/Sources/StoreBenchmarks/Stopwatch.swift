import Glibc

/// What one run took, in seconds: on the wall, and of all cores together.
struct Took {
    var wall = 0.0
    var cpu = 0.0

    var json: String { "{\"wall\": \(wall), \"cpu\": \(cpu)}" }
}

/// Wall, processor and memory of this process.
enum Stopwatch {
    static func time<Value>(_ work: () throws -> Value) rethrows -> (Value, Took) {
        let (wall, cpu) = (wallNow(), cpuNow())
        let value = try work()
        return (value, Took(wall: wallNow() - wall, cpu: cpuNow() - cpu))
    }

    /// The most memory that the process ever held, in bytes.
    static var peakBytes: Int { usage().ru_maxrss * 1024 }

    private static func wallNow() -> Double {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
    }

    private static func cpuNow() -> Double {
        let used = usage()
        return Double(used.ru_utime.tv_sec + used.ru_stime.tv_sec)
            + Double(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6
    }

    private static func usage() -> rusage {
        var used = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &used)
        return used
    }
}

/// A measurement as the line that `bench_store.py` reads.
enum Answer {
    /// - Parameters:
    ///   - runs: what each run took.
    ///   - answers: what each run answered, as the inside of a JSON object.
    static func print(_ runs: [Took], _ answers: [String]) {
        let times = runs.map(\.json).joined(separator: ", ")
        let objects = answers.map { "{\($0)}" }.joined(separator: ", ")
        Swift.print("{\"runs\": [\(times)], \"rss\": \(Stopwatch.peakBytes), \"answers\": [\(objects)]}")
    }
}

/// How many lines, and the sum of their FNV-1a hashes: the order does not matter, and the lines are not kept.
struct Checksum {
    private var lines = 0
    private var sum: UInt64 = 0

    mutating func add(_ line: String) {
        sum &+= line.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
        lines += 1
    }

    var json: String {
        let digits = String(sum, radix: 16)
        return "\"lines\": \(lines), \"sum\": \"\(String(repeating: "0", count: 16 - digits.count))\(digits)\""
    }
}
