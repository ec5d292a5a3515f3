import Collector

/// The same for scripts; keys are stable.
extension StoreText {
    static func json(_ info: StoreInfo, path: String) -> JSON {
        .object([
            ("store", .string(path)), ("format", .int(info.format)), ("attempts", int(info.attempts)),
            ("segments", int(info.segments)), ("small_segments", int(info.smallSegments)),
            ("segment_attempts", int(info.segmentAttempts)), ("tail_attempts", int(info.tailAttempts)),
            ("first_start_us", optional(info.firstStartUs)), ("last_start_us", optional(info.lastStartUs)),
            ("dropped_attempts", int(info.droppedAttempts)),
            ("routes", int(info.routes)), ("hosts", int(info.hosts)), ("methods", int(info.methods)),
            ("rule_versions", int(info.ruleSets)),
            ("history", .object([("attempts", int(info.historyAttempts)), ("summaries", int(info.summaries))])),
            ("file_bytes", .int(info.fileBytes)), ("free_bytes", .int(info.freeBytes)),
            ("log_bytes", .int(info.walBytes)), ("head_bytes", int(info.headBytes)),
            ("columns", .array(info.columns.map { column($0, attempts: info.segmentAttempts) })),
            ("damage", .array(info.damage.map(json))),
        ])
    }

    private static func column(_ use: StoreInfo.ColumnUse, attempts: Int) -> JSON {
        .object([
            ("name", .string(use.name)), ("bytes", int(use.bytes)),
            ("bytes_per_attempt", attempts > 0 ? .double(Double(use.bytes) / Double(attempts)) : .null),
            ("encodings", .object(ranked(use.encodings).map { ($0.key, int($0.value)) })),
        ])
    }

    static func json(_ check: StoreCheck, path: String) -> JSON {
        .object([
            ("store", .string(path)), ("format", .int(check.format)), ("sound", .bool(check.isSound)),
            ("segments", int(check.segments)), ("segment_attempts", int(check.segmentAttempts)),
            ("tail_attempts", int(check.tailAttempts)), ("names", int(check.names)),
            ("summaries", int(check.summaries)), ("rule_versions", int(check.ruleSets)),
            ("dropped_attempts", int(check.dropped)),
            (
                "findings",
                .array(
                    check.findings.map { finding in
                        .object([
                            ("part", .string(finding.part.rawValue)), ("segment", optional(finding.segment)),
                            ("attempts", int(finding.attempts)), ("first_start_us", optional(finding.firstStartUs)),
                            ("last_start_us", optional(finding.lastStartUs)), ("reason", .string(finding.reason)),
                        ])
                    })
            ),
        ])
    }

    static func json(_ report: CompactReport, path: String) -> JSON {
        .object([
            ("store", .string(path)), ("segments_before", int(report.segmentsBefore)),
            ("segments_after", int(report.segmentsAfter)), ("attempts", int(report.attempts)),
            ("freed_bytes", .int(report.freedBytes)), ("damage", .array(report.damage.map(json))),
        ])
    }

    static func json(_ report: PruneReport, path: String) -> JSON {
        .object([
            ("store", .string(path)), ("before_us", .int(report.beforeUs)), ("dry_run", .bool(report.isDryRun)),
            ("attempts", int(report.attempts)), ("remaining", int(report.remaining)),
            ("segments_removed", int(report.segmentsRemoved)), ("segments_cut", int(report.segmentsCut)),
            ("dropped_moved", int(report.droppedMoved)), ("freed_bytes", .int(report.freedBytes)),
            ("damage", .array(report.damage.map(json))), ("discarded", .array(report.discarded.map(json))),
        ])
    }

    private static func json(_ damage: SegmentDamage) -> JSON {
        .object([
            ("segment", .int(damage.segment)), ("attempts", int(damage.rows)),
            ("first_start_us", .int(damage.firstStartUs)), ("last_start_us", .int(damage.lastStartUs)),
            ("reason", .string(damage.reason)),
        ])
    }

    private static func int(_ value: Int) -> JSON { .int(Int64(value)) }

    private static func optional(_ value: Int64?) -> JSON { value.map { .int($0) } ?? .null }
}
