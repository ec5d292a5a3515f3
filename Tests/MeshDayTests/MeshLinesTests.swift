import Collector
import Foundation
import MeshDay
import Retry
import TestSupport
import Testing

@Suite struct MeshLinesTests {
    private final class Kept: ImportTarget {
        var attempts: [Attempt] = []
        func append(_ attempts: [Attempt]) { self.attempts += attempts }
        func fingerprints(fromUs: Int64, toUs: Int64) -> [UInt64: Int] { [:] }
    }

    @Test func `an import of the lines gives the attempts back`() throws {
        var day = MeshDay(attempts: 3000, seed: 2)
        let lines = MeshLines(of: day)
        var bytes: [UInt8] = []
        for row in day { lines.append(row, to: &bytes) }
        let kept = Kept()
        let report = try withTemporaryDirectory { directory in
            let path = directory + "/day.jsonl"
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            return try AttemptImporter(format: .attempts, strict: true).run(inputs: [.file(path)], into: kept)
        }
        #expect(report.attemptsImported == 3000)
        #expect(kept.attempts == day.attempts(3000))
        #expect(day.attempts(1).isEmpty)
    }
}
