import TestSupport
import Testing

@testable import Analyzer

@Suite struct LinearAlgebraTests {
    @Test func theProductIsThatOfTheTextbookLoop() {
        var generator = SeededGenerator(seed: 5)
        for (rows, inner, columns) in [(1, 1, 1), (3, 4, 2), (7, 5, 9), (64, 33, 17)] {
            var left = Matrix(rows: rows, columns: inner)
            var right = Matrix(rows: inner, columns: columns)
            for index in left.elements.indices { left.elements[index] = Double.random(in: -1...1, using: &generator) }
            for index in right.elements.indices { right.elements[index] = Double.random(in: -1...1, using: &generator) }
            let product = left.multiplied(by: right)
            for row in 0..<rows {
                for column in 0..<columns {
                    let expected = (0..<inner).reduce(0) { $0 + left[row, $1] * right[$1, column] }
                    // Sums of at most 33 products below 1: rounding stays below 33 × 2^-52.
                    #expect(abs(product[row, column] - expected) < 1e-14)
                }
            }
        }
    }

    @Test func elementsStandColumnByColumn() {
        var matrix = Matrix(rows: 2, columns: 3)
        matrix[1, 2] = 7
        #expect(matrix.elements == [0, 0, 0, 0, 0, 7])
        #expect(Array(matrix.column(2)) == [0, 7])
    }

    @Test func anEmptyProductIsZero() {
        #expect(Matrix(rows: 2, columns: 0).multiplied(by: Matrix(rows: 0, columns: 2)) == Matrix(rows: 2, columns: 2))
    }
}
