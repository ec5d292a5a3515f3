import Retry

/// Bootstrap replicates of what rules cost a request, on each half of the evidence and on all of it: one product.
///
/// The columns of **C** are the rules' costs on the days to come in the units of one half and zero in the others, the
/// same for the other half, and their costs as the log shows them; **W** are weights over all units. In **W·C** a
/// replicate of all evidence is the sum of its two halves, so that rules compared on any part are compared on the same
/// draws. methods: bootstrap over outages
struct RuleReplicates {
    /// Replicates × (first half, second half and log of each rule; then requests in the same order).
    private let sums: Matrix
    private let rules: Int

    /// - Parameters:
    ///   - foreseen: requests by unit on the days to come.
    ///   - weights: replicates × units.
    init(_ rules: [PlayedRule], _ halves: EvidenceHalves, _ facts: RouteFacts, foreseen: [Double], weights: Matrix) {
        self.rules = rules.count
        sums = StageMeter.measure(.multiplying) {
            let columns = Matrix(rows: facts.units, columns: 3 * rules.count + 3) { elements in
                for (place, rule) in rules.enumerated() {
                    Self.fill(elements, 3 * place, rule.foreseenUs, rule.totals.costUs, halves)
                }
                Self.fill(elements, 3 * rules.count, foreseen, facts.requests, halves)
            }
            StageMeter.note(TuneTimes.Product(rows: weights.rows, inner: facts.units, columns: columns.columns))
            return weights.multiplied(by: columns)
        }
    }

    /// Three columns from a place on; all begin as zeros.
    private static func fill(
        _ elements: UnsafeMutableBufferPointer<Double>, _ column: Int, _ foreseen: [Double], _ recorded: [Double],
        _ halves: EvidenceHalves
    ) {
        let rows = recorded.count
        for unit in halves.first.units { elements[column * rows + unit] = foreseen[unit] }
        for unit in halves.second.units { elements[(column + 1) * rows + unit] = foreseen[unit] }
        for unit in 0..<rows { elements[(column + 2) * rows + unit] = recorded[unit] }
    }

    /// Of one rule on the first half and another on the second, on all evidence, microseconds; not a number where a
    /// replicate holds no request.
    func costsUs(_ first: Int, _ second: Int) -> [Double] {
        zip(zip(column(first, 0), column(second, 1)), zip(column(rules, 0), column(rules, 1))).map { cost, requests in
            ratio(cost.0 + cost.1, requests.0 + requests.1)
        }
    }

    /// Of a rule on one of the halves: 0 the first, 1 the second.
    func costsUs(_ rule: Int, onHalf half: Int) -> [Double] {
        zip(column(rule, half), column(rules, half)).map { ratio($0, $1) }
    }

    /// Of a rule as the log's outages were.
    func recordedUs(_ rule: Int) -> [Double] { zip(column(rule, 2), column(rules, 2)).map { ratio($0, $1) } }

    private func column(_ rule: Int, _ part: Int) -> ArraySlice<Double> { sums.column(3 * rule + part) }

    private func ratio(_ cost: Double, _ requests: Double) -> Double { requests > 0 ? cost / requests : .nan }
}
