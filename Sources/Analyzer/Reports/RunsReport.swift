public import Retry

/// `runs`: the chance that the next attempt on a host succeeds after k failures in a row. methods: runs
public enum RunsReport {
    /// One row for each number of failures in a row: of all routes together if there are several, then of each.
    ///
    /// - Parameter isDrawn: whether pictures are wanted too.
    /// - Throws: what the source throws.
    public static func table(
        of source: any AttemptSource, scope: SummaryScope = SummaryScope(), isDrawn: Bool = false
    ) throws -> ReportTable {
        var table = ReportTable(title: "runs", columns: columns)
        let found = try scope.mapRoutes(of: source, columns: HostStateSmoother.columns) { attempts in
            (route: attempts.route, runs: FailureRuns(attempts))
        }
        var groups = found.filter { !$0.runs.trials.isEmpty }
        if groups.count > 1 {
            var all = FailureRuns()
            for one in groups { all.add(one.runs) }
            groups.insert((route: Self.together, runs: all), at: 0)
        }
        for one in groups {
            for row in rows(of: one.runs) { table.append([.text(one.route)] + row) }
            if isDrawn { table.figures.append(figure(of: one.runs, route: one.route)) }
        }
        table.notes = try scope.notes(of: source, table: table)
        if table.rows.isEmpty && !found.isEmpty { table.notes.append("No failure was followed by another attempt.") }
        table.notes += [
            "Attempts on a host in order of their start, cancelled ones left out. in_a_row: failures so far; followed: "
                + "how often another attempt came; share: how often that one succeeded, with Wilson's 95 % interval "
                + "(each run counts at most once a row).",
            "A share that stays the same: failures end without memory. One that falls: brief failures mixed with long "
                + "ones, so the longer it has lasted, the longer to wait.",
            "next_p50, next_p90: from a run's last failure so far to the next attempt.",
        ]
        return table
    }

    private static let together = "all routes"

    private static let columns: [ReportTable.Column] = [
        .init("route", .text), .init("in_a_row", .count), .init("followed", .count), .init("succeeded", .count),
        .init("share", .probability), .init("share_low", .probability), .init("share_high", .probability),
        .init("next_p50", .durationUs), .init("next_p90", .durationUs),
    ]

    private static let shown: [Int] = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128]

    private static func rows(of runs: FailureRuns) -> [[ReportTable.Cell]] {
        shown.compactMap { length in
            guard let trial = runs.trials[length], trial.followed > 0 else { return nil }
            let share = Proportion(hits: Double(trial.succeeded), trials: Double(trial.followed))
            return [
                .count(length), .count(trial.followed), .count(trial.succeeded), .real(share.estimate),
                .real(share.interval().lowerBound), .real(share.interval().upperBound), .us(trial.gapUs(0.5)),
                .us(trial.gapUs(0.9)),
            ]
        }
    }

    private static func figure(of runs: FailureRuns, route: String) -> ReportFigure {
        let seen = shown.filter { (runs.trials[$0]?.followed ?? 0) > 0 }
        var figure = ReportFigure(
            route: route, title: "After so many failures in a row",
            caption: "How often the next attempt succeeded, with 95 % intervals. Level: no memory. Falling: brief "
                + "failures mixed with long ones.",
            x: .init("failures in a row", .count, isLogarithmic: true, 0.8...Double(seen.last ?? 1) * 1.25),
            y: .init("next attempt succeeded", .probability, 0...1))
        figure.marks = seen.compactMap { length in
            guard let trial = runs.trials[length] else { return nil }
            let share = Proportion(hits: Double(trial.succeeded), trials: Double(trial.followed))
            guard let estimate = share.estimate else { return nil }
            return .init(
                "\(trial.succeeded) of \(trial.followed)", x: Double(length), y: estimate, yInterval: share.interval())
        }
        return figure
    }
}

/// Failures in a row on one host, and what came next.
struct FailureRuns: Sendable {
    /// What followed runs of one length.
    struct Trial: Sendable {
        var followed = 0
        var succeeded = 0
        /// Times to the next attempt by bin of the duration grid.
        var gaps: [Int: Int] = [:]

        /// The lower end of the bin that holds a share of the gaps.
        func gapUs(_ share: Double) -> Int64? {
            var sum = 0
            for (bin, count) in gaps.sorted(by: { $0.key < $1.key }) {
                sum += count
                if Double(sum) >= share * Double(followed) { return LogGrid.lowerBoundUs(bin) }
            }
            return nil
        }
    }

    /// By length of the run.
    private(set) var trials: [Int: Trial] = [:]

    init() {}

    init(_ attempts: AttemptColumns) {
        var length = [Int](repeating: 0, count: attempts.hostNames.count)
        var lastUs = [Int64](repeating: 0, count: attempts.hostNames.count)
        for row in 0..<attempts.count where attempts.outcome[row] != .cancelled {
            let host = Int(attempts.host[row])
            let isFailure = attempts.outcome[row].isFailure
            if length[host] > 0 {
                let gapUs = max(1, attempts.startUs[row] - lastUs[host])
                trials[length[host], default: Trial()].followed += 1
                trials[length[host], default: Trial()].succeeded += isFailure ? 0 : 1
                trials[length[host], default: Trial()].gaps[LogGrid.index(ofUs: gapUs), default: 0] += 1
            }
            length[host] = isFailure ? length[host] + 1 : 0
            lastUs[host] = attempts.startUs[row]
        }
    }

    mutating func add(_ other: FailureRuns) {
        for (length, trial) in other.trials {
            trials[length, default: Trial()].followed += trial.followed
            trials[length, default: Trial()].succeeded += trial.succeeded
            trials[length, default: Trial()].gaps.merge(trial.gaps, uniquingKeysWith: +)
        }
    }
}
