import Collector
import Glibc
import MeshDay
import Retry

/// One measurement a process, one JSON object on stdout; `bench-store` runs them beside their peers.
@main
struct StoreBenchmarks {
    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        let usage = """
            StoreBenchmarks entropy|lines|append ATTEMPTS SEED [FILE]
            StoreBenchmarks sizes|histogram|recovery|quantiles|import STORE ...
            """
        guard let what = arguments.first else {
            print(usage)
            exit(2)
        }
        let rest = Array(arguments.dropFirst())
        switch (what, rest.count) {
        case ("entropy", 2): try DayMeasures.entropy(attempts: number(rest[0]), seed: UInt64(number(rest[1])))
        case ("append", 3):
            try DayMeasures.append(attempts: number(rest[0]), seed: UInt64(number(rest[1])), store: rest[2])
        case ("histogram", 2): try ScanMeasures.histogram(store: rest[0], times: number(rest[1]))
        case ("recovery", 2): try ScanMeasures.recovery(store: rest[0], times: number(rest[1]))
        case ("quantiles", 4):
            try ScanMeasures.quantiles(
                store: rest[0], times: number(rest[1]), fromUs: Int64(number(rest[2])), toUs: Int64(number(rest[3])))
        default:
            print(usage)
            exit(2)
        }
    }

    private static func number(_ text: String) -> Int {
        guard let value = Int(text), value >= 0 else {
            print("not a whole number: \(text)")
            exit(2)
        }
        return value
    }
}
