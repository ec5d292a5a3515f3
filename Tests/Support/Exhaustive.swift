/// One way through a body that is run once for every combination of its choices.
///
/// The first run takes the first option everywhere; each later run changes the last choice that has an option left, as
/// an odometer does. The options of a choice may depend on the choices before it.
public struct Choice: CustomStringConvertible {
    private var digits: [(taken: Int, options: Int)] = []
    // Written out only when somebody reads them: a run of a million combinations spends its time elsewhere.
    private var labels: [() -> String] = []
    private var position = 0

    fileprivate init() {}

    /// Each of the values in turn.
    public mutating func of<Value>(_ values: [Value], _ label: String) -> Value {
        let value = values[index(below: values.count, label)]
        labels.append { "\(label): \(value)" }
        return value
    }

    /// Each number of a range in turn.
    public mutating func of(_ range: ClosedRange<Int>, _ label: String) -> Int {
        let value = range.lowerBound + index(below: range.count, label)
        labels.append { "\(label): \(value)" }
        return value
    }

    /// False and true.
    public mutating func flag(_ label: String) -> Bool { of([false, true], label) }

    /// Ends the whole run with its trace unless the condition holds. (Far cheaper than an expectation.)
    public func require(_ condition: Bool, _ message: @autoclosure () -> String) throws(ExhaustiveFailure) {
        if !condition { throw ExhaustiveFailure(trace: description, reason: message()) }
    }

    /// The choices made so far, by label.
    public var description: String { labels.map { $0() }.joined(separator: ", ") }

    private mutating func index(below options: Int, _ label: String) -> Int {
        precondition(options > 0, "choice '\(label)' has no option")
        defer { position += 1 }
        if position == digits.count {
            digits.append((0, options))
            return 0
        }
        precondition(digits[position].options == options, "choice '\(label)' must have the same options again")
        return digits[position].taken
    }

    /// Prepares the next combination; false when all have been.
    fileprivate mutating func advance() -> Bool {
        position = 0
        labels.removeAll(keepingCapacity: true)
        while let last = digits.last {
            if last.taken + 1 < last.options {
                digits[digits.count - 1].taken += 1
                return true
            }
            digits.removeLast()
        }
        return false
    }
}

/// A combination under which the body failed.
public struct ExhaustiveFailure: Error, CustomStringConvertible {
    /// The choices that led there, by label.
    public let trace: String
    /// What went wrong.
    public let reason: String

    /// `reason [a: 1, b: true]`
    public var description: String { "\(reason) [\(trace)]" }
}

/// Runs `body` once for every combination of the choices that it makes.
///
/// - Returns: how many combinations there were; expect it to be what you think it is.
/// - Throws: `ExhaustiveFailure` with the trace of the first combination whose body threw.
@discardableResult
public func withEvery(_ body: (inout Choice) throws -> Void) throws(ExhaustiveFailure) -> Int {
    var choice = Choice()
    var runs = 0
    repeat {
        do {
            try body(&choice)
        } catch let failure as ExhaustiveFailure {
            throw failure
        } catch {
            throw ExhaustiveFailure(trace: choice.description, reason: "\(error)")
        }
        runs += 1
    } while choice.advance()
    return runs
}
