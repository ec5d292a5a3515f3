import Collector
import Glibc
import MeshDay
import Retry

/// One measurement a process, one JSON object on stdout; `make bench-store` runs them beside their peers.
@main
struct StoreBenchmarks {
    private static let usage = """
        StoreBenchmarks entropy ATTEMPTS SEED             bits a mesh-day tells, by column
        StoreBenchmarks append ATTEMPTS SEED STORE        a mesh-day from memory into a new store, sealed
        StoreBenchmarks histogram STORE TIMES [THREADS]   latency histograms by route and outcome
        StoreBenchmarks recovery STORE TIMES [THREADS]    recovery intervals of every failure
        StoreBenchmarks probes STORE TIMES [THREADS]      every attempt's word on its host, in order of time
        StoreBenchmarks quantiles STORE TIMES FROM TO [THREADS]
                                                          p99 by route of starts in FROM ..< TO (us)
        StoreBenchmarks digest STORE                      a checksum of every value of every attempt
        Without THREADS scans run on one.
        """

    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        let rest = Array(arguments.dropFirst())
        switch (arguments.first, rest.count) {
        case ("entropy", 2): try DayMeasures.entropy(attempts: number(rest[0]), seed: UInt64(number(rest[1])))
        case ("append", 3):
            try DayMeasures.append(attempts: number(rest[0]), seed: UInt64(number(rest[1])), store: rest[2])
        case ("histogram", 2...3): try measures(rest, threadsAt: 2).histogram()
        case ("recovery", 2...3): try measures(rest, threadsAt: 2).recovery()
        case ("probes", 2...3): try measures(rest, threadsAt: 2).probes()
        case ("quantiles", 4...5):
            try measures(rest, threadsAt: 4).quantiles(fromUs: Int64(number(rest[2])), toUs: Int64(number(rest[3])))
        case ("digest", 1): try ContentDigest.run(store: rest[0])
        default: refuse(usage)
        }
    }

    private static func measures(_ words: [String], threadsAt place: Int) -> ScanMeasures {
        ScanMeasures(
            path: words[0], times: number(words[1]), threads: words.count > place ? max(1, number(words[place])) : 1)
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
