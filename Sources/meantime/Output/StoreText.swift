import Collector
import Retry

/// What the commands about the store say, for people.
enum StoreText {
    static func text(_ info: StoreInfo, path: String, style: Style) -> String {
        var lines: [(String, String)] = [
            ("attempts", NumberText.grouped(info.attempts)),
            ("  in segments", "\(NumberText.grouped(info.segmentAttempts)) in \(count(info.segments, "segment"))"),
            ("  in the tail", NumberText.grouped(info.tailAttempts)),
        ]
        if info.smallSegments > 1 {
            lines.append(("  small segments", "\(info.smallSegments); 'meantime store compact' merges them"))
        }
        if let firstUs = info.firstStartUs, let lastUs = info.lastStartUs {
            let span = DurationText.format((lastUs / 1_000_000 - firstUs / 1_000_000) * 1_000_000)
            lines.append(("began between", "\(seconds(firstUs)) and \(seconds(lastUs)) (\(span))"))
        }
        lines += [
            ("known missing", NumberText.grouped(info.droppedAttempts + info.damage.reduce(0) { $0 + $1.rows })),
            ("names", "\(count(info.routes, "route")), \(count(info.hosts, "host")), \(count(info.methods, "method"))"),
            ("rule versions", "\(info.ruleSets)"),
            (
                "history",
                "\(NumberText.grouped(info.historyAttempts)) pruned attempts in "
                    + "\(NumberText.grouped(info.summaries)) summaries"
            ),
            ("file", "\(bytes(info.fileBytes)), of which free \(bytes(info.freeBytes)); log \(bytes(info.walBytes))"),
            ("store format", "\(info.format)"),
        ]
        let width = lines.map(\.0.count).max() ?? 0
        let head = lines.map { name, value in
            name + String(repeating: " ", count: width - name.count) + "  " + value + "\n"
        }
        return "\(path)\n" + head.joined() + (info.segmentAttempts > 0 ? "\n" + columns(info, style: style) : "")
    }

    private static func columns(_ info: StoreInfo, style: Style) -> String {
        var table = TextTable([
            TextTable.Column(title: "column", isNumber: false),
            TextTable.Column(title: "bytes", isNumber: true),
            TextTable.Column(title: "bytes/attempt", isNumber: true),
            TextTable.Column(title: "encodings (segments)", isNumber: false),
        ])
        func add(_ name: String, _ bytes: Int, _ encodings: String) {
            let each = Double(bytes) / Double(info.segmentAttempts)
            table.rows.append([name, NumberText.grouped(bytes), NumberText.fixed(each, places: 3), encodings])
        }
        for column in info.columns {
            let encodings = ranked(column.encodings).map { "\($0.key) \($0.value)" }
            add(column.name, column.bytes, encodings.joined(separator: ", "))
        }
        add("(heads)", info.headBytes, "")
        add("all", info.headBytes + info.columns.reduce(0) { $0 + $1.bytes }, "")
        return table.text(style: style)
    }

    static func ranked(_ encodings: [String: Int]) -> [(key: String, value: Int)] {
        encodings.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    }

    static func text(_ check: StoreCheck, path: String, style: Style) -> String {
        let attempts = NumberText.grouped(check.segmentAttempts + check.tailAttempts)
        var text =
            "\(path): read \(attempts) attempts in \(count(check.segments, "segment")) and the tail, "
            + "\(count(check.names, "name")), \(NumberText.grouped(check.summaries)) summaries, "
            + "\(count(check.ruleSets, "rule version"))\n"
        for finding in check.findings {
            text += style.red("damaged ") + finding.description
            if finding.attempts > 0 { text += "; \(NumberText.grouped(finding.attempts)) attempts are lost" }
            if let firstUs = finding.firstStartUs, let lastUs = finding.lastStartUs {
                text += " (\(seconds(firstUs)) to \(seconds(lastUs)))"
            }
            text += "\n"
        }
        if check.dropped > 0 { text += "\(NumberText.grouped(check.dropped)) attempts are noted as missing\n" }
        return text
            + (check.isSound
                ? style.green("sound") + ": every attempt, name, summary and rule is what was written\n" : "")
    }

    static func text(_ report: CompactReport, path: String) -> String {
        if report.attempts == 0 && report.freedBytes == 0 {
            return "\(path): \(count(report.segmentsBefore, "segment")); nothing to merge\n"
        }
        return "\(path): \(count(report.segmentsBefore, "segment")) became \(report.segmentsAfter), "
            + "\(NumberText.grouped(report.attempts)) attempts written anew, \(freed(report.freedBytes))\n"
    }

    static func text(_ report: PruneReport, path: String) -> String {
        let verb = report.isDryRun ? "would go" : "removed"
        var text =
            "\(path): \(NumberText.grouped(report.attempts)) attempts from before \(seconds(report.beforeUs)) \(verb)"
            + ", \(NumberText.grouped(report.remaining)) \(report.isDryRun ? "would be left" : "are left")\n"
        text +=
            "\(count(report.segmentsRemoved, "segment")) as a whole, \(report.segmentsCut) cut, "
            + (report.isDryRun ? "about \(bytes(report.freedBytes)) would be freed" : freed(report.freedBytes)) + "\n"
        if report.droppedMoved > 0 {
            text += "notes of \(NumberText.grouped(report.droppedMoved)) missing attempts "
            text += report.isDryRun ? "would move into the history\n" : "moved into the history\n"
        }
        return text
    }

    private static func freed(_ count: Int64) -> String {
        count >= 0
            ? "\(bytes(count)) freed" : "the file grew by \(bytes(-count)): summaries take more than what went"
    }

    private static func count(_ number: Int, _ word: String) -> String {
        "\(NumberText.grouped(number)) \(word)\(number == 1 ? "" : "s")"
    }

    static func seconds(_ us: Int64) -> String { Timestamp.format(us - us % 1_000_000) }

    /// Bytes to three figures: `1.23 MB`.
    static func bytes(_ count: Int64) -> String {
        let units = ["B", "kB", "MB", "GB", "TB"]
        var value = Double(count)
        var index = 0
        while abs(value) >= 999.5, index < units.count - 1 {
            value /= 1000
            index += 1
        }
        let places = index == 0 || abs(value) >= 99.95 ? 0 : abs(value) >= 9.995 ? 1 : 2
        return "\(NumberText.fixed(value, places: places)) \(units[index])"
    }
}
