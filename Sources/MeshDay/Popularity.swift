import Glibc
import Retry

/// Zipf's law with exponent 1, drawn from in constant time (Walker 1977, "An efficient method for generating discrete
/// random variables with general distributions", the alias method; Vose 1991).
struct Popularity: Sendable {
    /// P(route).
    let shares: [Double]
    /// −log2 P(route).
    let bits: [Double]
    private let keep: [Double]
    private let alias: [Int32]

    init(routes: Int) {
        let weights = (1...routes).map { 1 / Double($0) }
        let sum = weights.reduce(0, +)
        let shares = weights.map { $0 / sum }
        var scaled = shares.map { $0 * Double(routes) }
        var keep = [Double](repeating: 1, count: routes)
        var alias = (0..<Int32(routes)).map { $0 }
        var small = scaled.indices.filter { scaled[$0] < 1 }
        var large = scaled.indices.filter { scaled[$0] >= 1 }
        while let low = small.popLast(), let high = large.popLast() {
            keep[low] = scaled[low]
            alias[low] = Int32(high)
            scaled[high] -= 1 - scaled[low]
            if scaled[high] < 1 { small.append(high) } else { large.append(high) }
        }
        self.shares = shares
        bits = shares.map { -log2($0) }
        self.keep = keep
        self.alias = alias
    }

    /// One random word makes the column and the coin.
    func draw(using dice: inout SplitMix64) -> Int {
        let scaled = dice.unit() * Double(keep.count)
        let column = Int(scaled)
        return scaled - Double(column) < keep[column] ? column : Int(alias[column])
    }
}
