import Glibc

/// From values to pixels along one axis.
struct Scale {
    enum Kind {
        case linear
        case logarithmic
    }

    let kind: Kind
    let domain: ClosedRange<Double>
    /// Pixels of the domain's ends; the first may be the larger, as on a y axis.
    var from: Double = 0
    var to: Double = 1

    /// - Precondition: a logarithmic domain is positive.
    init(_ kind: Kind, _ domain: ClosedRange<Double>) {
        self.kind = kind
        let isPoint = domain.lowerBound == domain.upperBound
        self.domain = isPoint ? domain.lowerBound...(domain.upperBound == 0 ? 1 : domain.upperBound * 2) : domain
    }

    /// The pixel of a value; what lies outside the domain lands on its edge.
    func position(_ value: Double) -> Double {
        let inside = min(max(value, domain.lowerBound), domain.upperBound)
        let share: Double
        switch kind {
        case .linear: share = (inside - domain.lowerBound) / (domain.upperBound - domain.lowerBound)
        case .logarithmic: share = log(inside / domain.lowerBound) / log(domain.upperBound / domain.lowerBound)
        }
        return from + share * (to - from)
    }

    /// Values worth a mark: powers of ten (with 2 and 5 where there are few), or round steps.
    func ticks(about count: Int = 6) -> [Double] {
        switch kind {
        case .linear: return linearTicks(about: count)
        case .logarithmic:
            let decades = log10(domain.upperBound / domain.lowerBound)
            let steps: [Double] = decades < 1.3 ? [1, 2, 3, 5, 7] : decades < 2.6 ? [1, 2, 5] : [1]
            var found: [Double] = []
            var power = pow(10, log10(domain.lowerBound).rounded(.down))
            while power <= domain.upperBound * 1.000_001 {
                found += steps.map { $0 * power }
                power *= 10
            }
            return found.filter { $0 >= domain.lowerBound * 0.999_999 && $0 <= domain.upperBound * 1.000_001 }
        }
    }

    private func linearTicks(about count: Int) -> [Double] {
        let span = domain.upperBound - domain.lowerBound
        let rough = span / Double(max(1, count))
        let power = pow(10, log10(rough).rounded(.down))
        let step = power * ([1, 2, 5, 10].first { $0 * power >= rough } ?? 10)
        let first = Int64((domain.lowerBound / step - 1e-9).rounded(.up))
        let last = Int64((domain.upperBound / step + 1e-9).rounded(.down))
        return first <= last ? (first...last).map { Double($0) * step } : []
    }
}
