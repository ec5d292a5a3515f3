import Foundation
import Retry

/// Rules against the truth: seeded worlds, played through the real retry machine and budget in virtual time.
@main
enum Shootout {
    /// Replicates of the tuner's bootstrap: as `meantime tune` runs it.
    private static let replicates = 500

    static func main() async throws {
        let options = Options(CommandLine.arguments.dropFirst())
        let clock = ContinuousClock()
        let begun = clock.now
        let contests = await hold(options)
        let seconds = Double((clock.now - begun).components.seconds)
        let report = Report(contests: contests, command: options.command, seconds: seconds)
        let lines = options.isCalibration ? report.calibration : report.lines
        print(lines.joined(separator: "\n"))
        if options.isVerbose { print(Self.seeds(contests).joined(separator: "\n")) }
        if let path = options.writePath {
            try write(lines, into: path, block: options.isCalibration ? "calibration" : "shootout")
        }
        // The picture needs what a calibration leaves out.
        if let path = options.chartPath, !options.isCalibration {
            try Chart(contests: contests).svg.write(toFile: path, atomically: true, encoding: .utf8)
        }
    }

    /// All contests, two worlds at a time, so that the days of few are in memory; the logs of a world go side by side.
    private static func hold(_ options: Options) async -> [Contest] {
        await withTaskGroup(of: (Int, Contest).self) { group in
            // Those that take longest begin first.
            let all = Array(options.worlds.enumerated())
            var waiting = all.filter { !$0.element.hasFeedback } + all.filter { $0.element.hasFeedback }
            func begin() {
                guard let (place, world) = waiting.popLast() else { return }
                group.addTask { (place, await contest(world, options)) }
            }
            begin()
            begin()
            var found: [(place: Int, contest: Contest)] = []
            for await (place, contest) in group {
                found.append((place, contest))
                let count = "\(found.count)/\(all.count)"
                let (inside, of) = contest.coverage
                let told =
                    options.isCalibration
                    ? "\(inside) of \(of) promises kept" : "tuned \(Text.ratio(contest.regret)) × oracle"
                say("\(contest.world.name): \(told) (\(count))")
                begin()
            }
            return found.sorted { $0.place < $1.place }.map(\.contest)
        }
    }

    private static func contest(_ world: World, _ options: Options) async -> Contest {
        let clock = ContinuousClock()
        let begun = clock.now
        let arena = Arena(world, isQuick: options.isQuick, isBare: options.isBare, isCalibration: options.isCalibration)
        let found = clock.now
        var contest = arena.contest(isCalibration: options.isCalibration)
        let priced = clock.now
        defer {
            if options.isVerbose {
                say("\(world.name): oracle \(found - begun), defaults \(priced - found), tuned \(clock.now - priced)")
            }
        }
        contest.tuned = await withTaskGroup(of: Contest.Tuned.self) { group in
            for seed in 1...UInt64(options.seeds) {
                group.addTask { arena.tune(seed: seed, replicates: replicates) }
            }
            var tuned: [Contest.Tuned] = []
            for await one in group { tuned.append(one) }
            return tuned.sorted { $0.seed < $1.seed }
        }
        return contest
    }

    /// Every log by itself.
    private static func seeds(_ contests: [Contest]) -> [String] {
        contests.flatMap { contest in
            contest.tuned.map { tuned in
                let interval = tuned.interval.map { "\(Text.ms($0.lowerBound))…\(Text.ms($0.upperBound))" } ?? "–"
                let ratio = Text.ratio(tuned.findings.cost / contest.oracle.findings.cost)
                return "\(contest.world.name) \(tuned.seed): \(ratio) ×, \(Text.ms(tuned.findings.cost)) ms in "
                    + "\(interval); \(tuned.rules.map(\.rule.brief).joined(separator: " → ")); \(tuned.reason)"
            }
        }
    }

    /// Replaces what stands between the markers of a block.
    private static func write(_ lines: [String], into path: String, block name: String) throws {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let (begin, end) = ("<!-- \(name): begin, written by the program -->", "<!-- \(name): end -->")
        guard let from = text.range(of: begin), let to = text.range(of: end), from.upperBound <= to.lowerBound else {
            say("\(path): the lines '\(begin)' and '\(end)' are missing")
            exit(1)
        }
        let block = "\n\n" + lines.joined(separator: "\n") + "\n\n"
        try text.replacingCharacters(in: from.upperBound..<to.lowerBound, with: block)
            .write(toFile: path, atomically: true, encoding: .utf8)
    }

    private static func say(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }
}
