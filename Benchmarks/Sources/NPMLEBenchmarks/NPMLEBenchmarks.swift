import Analyzer
import Glibc
import Retry

/// Interval-censored samples of many shapes, written for the peers and solved: `make bench-npmle` runs them side by side.
@main
struct NPMLEBenchmarks {
    private static let usage = """
        NPMLEBenchmarks shapes                      the names of the shapes
        NPMLEBenchmarks write SHAPE COUNT SEED      left_us,right_us; an empty right end is open
        NPMLEBenchmarks solve SHAPE COUNT SEED TIMES
                                                    one JSON object: user CPU seconds of each run, log-likelihood, bound
        """

    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch (arguments.first, arguments.count) {
        case ("shapes", 1): for shape in Shape.allCases { print(shape.rawValue) }
        case ("write", 4): write(sample(arguments))
        case ("solve", 5): solve(sample(arguments), times: number(arguments[4]))
        default: refuse(usage)
        }
    }

    private static func sample(_ words: [String]) -> [CensoredInterval] {
        guard let shape = Shape(rawValue: words[1]) else { refuse("no such shape: \(words[1])\n\(usage)") }
        return shape.intervals(number(words[2]), seed: UInt64(number(words[3])))
    }

    private static func write(_ intervals: [CensoredInterval]) {
        var text = "left_us,right_us\n"
        for one in intervals { text += "\(one.leftUs),\(one.isRightCensored ? "" : String(one.rightUs))\n" }
        print(text, terminator: "")
    }

    private static func solve(_ intervals: [CensoredInterval], times: Int) {
        var took: [Double] = []
        var law = IntervalNPMLE([])
        for _ in 0..<max(1, times) {
            let before = userSeconds()
            law = IntervalNPMLE(intervals)
            took.append(userSeconds() - before)
        }
        let carrying = law.cells.count { $0.mass > 0 }
        print(
            """
            {"seconds": \(took), "log_likelihood": \(law.logLikelihood), "gap": \(law.gap), \
            "steps": \(law.iterations), "cells": \(law.cells.count), "support": \(carrying)}
            """)
    }

    private static func userSeconds() -> Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Double(usage.ru_utime.tv_sec) + Double(usage.ru_utime.tv_usec) * 1e-6
    }

    private static func number(_ text: String) -> Int {
        guard let value = Int(text), value >= 0 else { refuse("not a whole number: \(text)\n\(usage)") }
        return value
    }

    private static func refuse(_ text: String) -> Never {
        print(text)
        exit(2)
    }
}
