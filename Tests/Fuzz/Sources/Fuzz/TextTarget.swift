@testable import Collector
import Retry

/// Texts that people and other programs write.
enum TextTarget {
    /// A rule file that is taken says the same when it is written and read again.
    static func rules(_ bytes: UnsafeRawBufferPointer) {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let rules = try? RuleSet(yaml: text, file: "fuzz") else { return }
        guard let again = try? RuleSet(yaml: rules.yaml(), file: "again") else {
            preconditionFailure("written rules are refused: \(rules.yaml())")
        }
        precondition(again == rules, "written rules are other rules: \(rules.yaml())")
    }

    static func configuration(_ bytes: UnsafeRawBufferPointer) {
        _ = try? Configuration(yaml: String(decoding: bytes, as: UTF8.self), file: "fuzz")
    }

    /// A duration that is read is written so that it reads the same.
    static func duration(_ bytes: UnsafeRawBufferPointer) {
        guard let us = DurationText.parse(String(decoding: bytes, as: UTF8.self)) else { return }
        precondition(DurationText.parse(DurationText.format(us)) == us, "\(us) us is written otherwise")
    }

    /// Damage is told inside the log, at or behind what is sound.
    static func log(_ bytes: UnsafeRawBufferPointer) {
        guard let damage = WriteAheadLog.damage(in: bytes) else { return }
        precondition(damage.soundEnd <= damage.offset && damage.offset < bytes.count, "damage outside of the log")
    }
}
