import Analyzer

/// Where the time of `tune` went, for people and for the benchmark that reads it.
enum TuneTimings {
    static func text(_ times: TuneTimes) -> String {
        var table = TextTable(left: ["stage"], right: ["processor time", "share"])
        let total = Double(max(1, times.total))
        for stage in TuneStage.allCases {
            guard let nanoseconds = times.nanoseconds[stage] else { continue }
            table.rows.append([
                stage.title, "\(NumberText.fixed(Double(nanoseconds) * 1e-9, places: 2)) s",
                "\(NumberText.fixed(100 * Double(nanoseconds) / total, places: 1)) %",
            ])
        }
        return "where the time went:\n" + table.text(style: .none) + speed(times)
    }

    private static func speed(_ times: TuneTimes) -> String {
        guard times.operations > 0 else { return "" }
        let (ours, plain) = (times.gigaflops, times.plainGigaflops { WallClock.threadNanoseconds })
        let share = NumberText.fixed(100 * ours / plain, places: 0)
        return "GEMM stage: \(NumberText.fixed(ours, places: 1)) GFLOP/s a thread, cblas_dgemm alone "
            + "\(NumberText.fixed(plain, places: 1)) on the same shapes: \(share) %"
    }
}
