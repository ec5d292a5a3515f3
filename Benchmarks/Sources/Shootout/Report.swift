import Retry

/// The tables, in Markdown.
struct Report {
    let contests: [Contest]
    let command: String
    let seconds: Double

    var lines: [String] {
        let verdicts = Verdicts(contests: contests).all
        let missed = verdicts.count { !$0.holds }
        var lines = ["`\(command)`", ""]
        lines.append("\(verdicts.count - missed) of \(verdicts.count) demands hold.")
        lines += [""] + Text.head(["what", "must", "found", "holds"])
        lines += verdicts.map { Text.row([$0.what, $0.must, $0.found, $0.holds ? "yes" : "**no**"]) }
        lines += [""] + costs + [""] + details + [""] + worlds
        return lines
    }

    /// Promises and what came of them, and nothing else.
    var calibration: [String] {
        var lines = ["`\(command)`", ""] + Text.head(["what", "must", "found", "holds"])
        if let verdict = Verdicts(contests: contests).calibration {
            lines.append(Text.row([verdict.what, verdict.must, verdict.found, verdict.holds ? "yes" : "**no**"]))
        }
        lines += [""] + Text.head(["world", "in interval", "above", "below", "width", "promised / found"])
        for contest in contests where contest.coverage.of > 0 {
            let tuned = contest.tuned.filter { $0.interval != nil }
            func count(_ isSo: (ClosedRange<Double>, Double) -> Bool) -> String {
                "\(tuned.count { one in one.interval.map { isSo($0, one.findings.cost) } ?? false })"
            }
            func median(_ values: [Double]) -> String {
                Text.ratio(values.sorted()[values.count / 2])
            }
            lines.append(
                Text.row([
                    contest.world.name, "\(contest.coverage.inside)/\(contest.coverage.of)",
                    count { $1 > $0.upperBound }, count { $1 < $0.lowerBound },
                    median(tuned.compactMap { one in one.interval.map { $0.upperBound / max(1e-9, $0.lowerBound) } }),
                    median(tuned.compactMap { one in one.predicted.map { $0 / one.findings.cost } }),
                ]))
        }
        lines += ["", "\(Int(seconds)) s on this machine."]
        return lines
    }

    /// World × rule: cost relative to the oracle's.
    private var costs: [String] {
        guard let first = contests.first else { return [] }
        let names = first.defaults.map(\.name)
        var lines = [
            "Cost of a request on fresh traffic, as a multiple of the oracle's; *: makes more extra attempts than the "
                + "objective allows. *Tuned* is the mean over \(first.tuned.count) logs (worst log).", "",
        ]
        lines += Text.head(["world"] + names + ["present", "tuned", "oracle, ms"])
        for contest in contests {
            let oracle = contest.oracle.findings.cost
            func cell(_ entry: Contest.Entry) -> String {
                let isOver = entry.findings.extraAttempts > contest.world.objective.maxExtraAttempts
                return Text.ratio(entry.findings.cost / oracle) + (isOver ? "*" : "")
            }
            let worst = contest.tuned.map { $0.findings.cost / oracle }.max() ?? 0
            let tuned = "**\(Text.ratio(contest.regret))** (\(Text.ratio(worst)))"
            lines.append(
                Text.row(
                    [contest.world.name] + contest.defaults.map(cell) + [cell(contest.present), tuned, Text.ms(oracle)])
            )
        }
        return lines
    }

    /// Success, p99 and load of the four rules that matter.
    private var details: [String] {
        var lines = [
            "Success, p99 latency in ms and extra attempts a request: of the best default, the tuned rule (mean over "
                + "logs) and the oracle.", "",
        ]
        lines += Text.head([
            "world", "best default", "success", "p99", "extra", "tuned: success", "p99", "extra", "oracle: success",
            "p99",
            "extra", "in interval", "changed",
        ])
        for contest in contests {
            func cells(_ all: [Findings]) -> [String] {
                let count = Double(max(1, all.count))
                return [
                    Text.percent(all.reduce(0) { $0 + $1.success } / count),
                    Text.ms(all.reduce(0) { $0 + $1.p99 } / count),
                    Text.fixed(all.reduce(0) { $0 + $1.extraAttempts } / count, 3),
                ]
            }
            let (inside, of) = contest.coverage
            lines.append(
                Text.row(
                    [contest.world.name, contest.bestDefault.name] + cells([contest.bestDefault.findings])
                        + cells(contest.tuned.map(\.findings)) + cells([contest.oracle.findings])
                        + [of > 0 ? "\(inside)/\(of)" : "–"]
                        + ["\(contest.tuned.count(where: \.isChanged))/\(contest.tuned.count)"]))
        }
        return lines
    }

    /// What the worlds are, and what was chosen in them.
    private var worlds: [String] {
        var lines = ["What the worlds are, what the oracle found, and what was tuned from the first log.", ""]
        lines += Text.head(["world", "", "present", "oracle", "tuned"])
        for contest in contests {
            let tuned = contest.tuned.first.map { Self.brief($0.rules) } ?? ""
            lines.append(
                Text.row([
                    contest.world.name,
                    contest.world.about + (contest.world.mayIgnoreRetryAfter ? ", which may be ignored" : ""),
                    contest.presentRule.brief, Self.brief(contest.oracleRules),
                    tuned,
                ]))
        }
        lines += ["", "\(Int(seconds)) s on this machine."]
        return lines
    }

    private static func brief(_ rules: [Contestant]) -> String {
        let texts = rules.map(\.rule.brief)
        return Set(texts).count == 1 ? texts[0] : texts.joined(separator: " → ")
    }
}
