import Retry

@testable import Collector

/// What a store answers.
struct StoreAnswers {
    /// By number of the question; one that was refused, or whose answer came with a report of damage, has none.
    private var values: [Int: any Equatable] = [:]
    /// The rows of answers that came with a report of damage, where rows are all that they have.
    private var rests: [Int: [AnyHashable]] = [:]
    private(set) var complaints: [String] = []
    /// Whether the store could be opened.
    private(set) var isOpened = false

    /// Asks a store that is opened for it.
    ///
    /// A complaint counts for the answer that it came with, and for no other: after one the store is closed and opened
    /// again, for it keeps what it found damaged.
    ///
    /// - Parameters:
    ///   - path: the store.
    ///   - questions: numbers of questions, in the order in which they are asked.
    ///   - isOneByOne: whether statements have connections of their own.
    ///   - goesOn: whether the same store is asked on after it refused one question.
    init(
        path: String, questions: [Int] = Array(StoreQuestion.all.indices), isOneByOne: Bool = true,
        goesOn: Bool = false
    ) {
        var asked: AskedStore?
        for number in questions {
            let question = StoreQuestion.all[number]
            do {
                let store = try asked ?? AskedStore(path: path, isOneByOne: isOneByOne)
                asked = store
                isOpened = true
                let (value, damage) = try store.answer(question)
                if let first = damage.first {
                    complaints.append("\(first)")
                    rests[number] = question.rows?(value)
                    asked = nil
                } else {
                    values[number] = value
                }
            } catch {
                complaints.append("\(error)")
                // A store that cannot be opened answers no other question either.
                if !isOpened { return }
                if !goesOn { asked = nil }
            }
        }
    }

    /// How these answers differ from every one of the true ones; `nil`: there is one of which they say nothing else.
    func difference(from truth: [StoreAnswers]) -> String? {
        var first: (number: Int, wanted: StoreAnswers)?
        for one in truth {
            let wrong = values.first { number, value in
                guard let wanted = one.values[number] else { return true }
                return !Self.isSame(value, wanted)
            }
            let added = rests.first { number, rows in
                guard let wanted = one.values[number] else { return true }
                return !Self.isPart(rows, of: StoreQuestion.all[number].rows?(wanted) ?? [])
            }
            guard let number = wrong?.key ?? added?.key else { return nil }
            first = first ?? (number, one)
        }
        return first.map { number, wanted in
            let found = values[number].map { "\($0)" } ?? rests[number].map { "in spite of damage \($0)" } ?? ""
            let right = wanted.values[number].map { "\($0)" } ?? ""
            return "\(StoreQuestion.all[number].name): \(Self.contrast(found, right))"
        }
    }

    private static func isSame<Value: Equatable>(_ one: Value, _ other: any Equatable) -> Bool {
        other as? Value == one
    }

    /// Whether the rows are some of the others, none more often than there.
    private static func isPart(_ rows: [AnyHashable], of others: [AnyHashable]) -> Bool {
        var left = Dictionary(others.map { ($0, 1) }, uniquingKeysWith: +)
        return rows.allSatisfy { row in
            left[row, default: 0] -= 1
            return left[row, default: 0] >= 0
        }
    }

    /// The two from shortly before where they part.
    private static func contrast(_ found: String, _ wanted: String) -> String {
        let same = max(0, zip(found, wanted).prefix { $0 == $1 }.count - 40)
        return "…\(found.dropFirst(same).prefix(160)) instead of …\(wanted.dropFirst(same).prefix(160))"
    }
}
