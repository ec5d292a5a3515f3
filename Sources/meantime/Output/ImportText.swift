import Collector

/// What became of every line of an import.
enum ImportText {
    static func text(_ report: ImportReport, store: String, rejects: String?, style: Style) -> String {
        var table = TextTable([
            TextTable.Column(title: "lines", isNumber: true), TextTable.Column(title: "", isNumber: false),
        ])
        for (count, what) in rows(report) { table.rows.append([NumberText.grouped(count), what]) }
        table.rows.append([NumberText.grouped(report.lines), closing(report)])
        var text = table.text(style: style)
        for (name, count) in report.requestsWithoutAttempts.sorted(by: { $0.key < $1.key }) {
            text += "of the request lines, \(NumberText.grouped(count)) reached no host (\(name))\n"
        }
        for (count, what) in remarks(report) where count > 0 { text += "\(NumberText.grouped(count)) \(what)\n" }
        if !report.unknownKeys.isEmpty { text += "ignored keys: \(ignoredKeys(report))\n" }
        for reject in report.firstRejects { text += style.red("rejected ") + reject.description + "\n" }
        if report.rejects > report.firstRejects.count {
            text += "… and \(report.rejects - report.firstRejects.count) more\n"
        }
        if let rejects, report.rejects > 0 { text += "rejected lines are kept in \(rejects)\n" }
        for problem in report.problems { text += style.red("problem ") + problem + "\n" }
        return text + "store: \(store)\n"
    }

    private static func ignoredKeys(_ report: ImportReport) -> String {
        report.unknownKeys.sorted { $0.key < $1.key }.map { key, lines in
            "\(key) (\(NumberText.grouped(lines)) line\(lines == 1 ? "" : "s"))"
        }.joined(separator: ", ")
    }

    private static func rows(_ report: ImportReport) -> [(Int, String)] {
        var rows = [
            (report.attemptsImported, "attempts imported"),
            (report.attemptsAlreadyThere, "attempts that were there already"),
            (report.requestLinesJoined, "request lines joined with their attempts"),
        ]
        for reason in LeftOut.allCases {
            rows.append((report.leftOut[reason.rawValue] ?? 0, "left out: \(reason.explanation)"))
        }
        rows += [(report.rejects, "rejected"), (report.blankLines, "blank")]
        return rows.enumerated().filter { $0.offset == 0 || $0.element.0 > 0 }.map(\.element)
    }

    private static func closing(_ report: ImportReport) -> String {
        report.isClosed
            ? "in all, every one accounted for"
            : "in all, \(report.lines - report.accountedLines) of them not accounted for: please report this"
    }

    private static func remarks(_ report: ImportReport) -> [(Int, String)] {
        [
            (
                report.attemptsCutOffForUnknownCause,
                "attempts were cut off by Envoy for a reason the log does not give; kept as cancelled"
            ),
            (report.requestsWithMissingAttempts, "requests took more attempts than the log has lines for"),
            (
                report.attemptsFromRequestLines,
                "attempts were taken from request lines; their durations include the proxy's own time"
            ),
        ]
    }

    static func json(_ report: ImportReport, store: String, rejects: String?) -> JSON {
        func counts(_ counts: [String: Int]) -> JSON {
            .object(counts.sorted { $0.key < $1.key }.map { ($0.key, .int(Int64($0.value))) })
        }
        func int(_ value: Int) -> JSON { .int(Int64(value)) }
        return .object([
            ("store", .string(store)), ("lines", int(report.lines)), ("blank_lines", int(report.blankLines)),
            ("attempts_imported", int(report.attemptsImported)),
            ("attempts_already_there", int(report.attemptsAlreadyThere)),
            ("request_lines_joined", int(report.requestLinesJoined)), ("left_out", counts(report.leftOut)),
            ("rejects", int(report.rejects)), ("accounted_lines", int(report.accountedLines)),
            ("requests_without_attempts", counts(report.requestsWithoutAttempts)),
            ("attempts_cut_off_for_unknown_cause", int(report.attemptsCutOffForUnknownCause)),
            ("requests_with_missing_attempts", int(report.requestsWithMissingAttempts)),
            ("unknown_keys", counts(report.unknownKeys)),
            ("attempts_from_request_lines", int(report.attemptsFromRequestLines)),
            (
                "first_rejects",
                .array(
                    report.firstRejects.map {
                        .object([
                            ("file", .string($0.file)), ("line", int($0.line)), ("reason", .string($0.reason)),
                        ])
                    })
            ),
            ("rejects_file", report.rejects > 0 ? rejects.map(JSON.string) ?? .null : .null),
            ("problems", .array(report.problems.map(JSON.string))),
        ])
    }
}
