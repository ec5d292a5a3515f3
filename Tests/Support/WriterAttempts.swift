public import Retry

/// The attempts of several processes that write to one store, so numbered that whoever reads them can tell which are
/// there: writer *w* writes its attempts 0, 1, 2, ... in this order.
public enum WriterAttempts {
    /// UNIX microseconds at which every writer begins.
    public static let firstStartUs: Int64 = 1_790_000_000_000_000

    /// A writer's attempt. All writers come upon the same new names at about the same time.
    public static func attempt(writer: Int, number: Int) -> Attempt {
        Attempt(
            startUs: firstStartUs + Int64(number) * 100 + Int64(writer), durationUs: Int64(500 + number % 1_000),
            route: "route-\(number % 7 + number / 5_000)", host: "host-\(number / 40)",
            request: UInt64(writer) << 40 | UInt64(number),
            outcome: Outcome.allCases[number % Outcome.allCases.count], status: 200,
            method: "METHOD-\(number / 1_000)", ruleVersion: writer)
    }

    /// Attempts `numbers` of a writer.
    public static func attempts(writer: Int, _ numbers: Range<Int>) -> [Attempt] {
        numbers.map { attempt(writer: writer, number: $0) }
    }

    /// How many attempts of each of the writers 0 ..< `writers` there are among these columns of all routes.
    ///
    /// - Throws: `WriterFault` when one is there twice, is not as it was written, is missing before one that is there,
    ///   or when columns are not in order of start.
    public static func counts(_ routes: [AttemptColumns], writers: Int) throws(WriterFault) -> [Int] {
        var seen = Array(repeating: [Bool](), count: writers)
        for columns in routes {
            for row in 0..<columns.count {
                let one = columns[row]
                let (writer, number) = (Int(one.request >> 40), Int(one.request & 0xFF_FFFF_FFFF))
                guard writer < writers, one == attempt(writer: writer, number: number) else {
                    throw WriterFault(reason: "not as it was written: \(one)")
                }
                if row > 0, columns.startUs[row - 1] > columns.startUs[row] {
                    throw WriterFault(reason: "row \(row) of \(columns.route) is out of order")
                }
                if number >= seen[writer].count {
                    seen[writer] += repeatElement(false, count: number - seen[writer].count + 1)
                }
                if seen[writer][number] { throw WriterFault(reason: "writer \(writer): \(number) is there twice") }
                seen[writer][number] = true
            }
        }
        for (writer, numbers) in seen.enumerated() {
            if let gap = numbers.firstIndex(of: false) {
                throw WriterFault(reason: "writer \(writer): \(gap) is missing, \(numbers.count - 1) is there")
            }
        }
        return seen.map(\.count)
    }
}

/// What is wrong with the attempts of writers.
public struct WriterFault: Error, CustomStringConvertible {
    /// In one line.
    public let reason: String

    /// The reason.
    public var description: String { reason }
}
