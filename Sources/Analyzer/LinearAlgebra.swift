import COpenBLAS

/// A dense matrix of doubles, column by column, as BLAS keeps it.
public struct Matrix: Equatable, Sendable {
    /// Rows.
    public let rows: Int
    /// Columns.
    public let columns: Int
    /// Element (r, c) stands at r + c × rows.
    public var elements: [Double]

    /// A matrix of zeros, or of another number.
    public init(rows: Int, columns: Int, filledWith element: Double = 0) {
        self.rows = rows
        self.columns = columns
        elements = Array(repeating: element, count: rows * columns)
    }

    /// A matrix of zeros that are then written over.
    init(rows: Int, columns: Int, filling: (UnsafeMutableBufferPointer<Double>) -> Void) {
        self.init(rows: rows, columns: columns)
        elements.withUnsafeMutableBufferPointer { filling($0) }
    }

    private init(rows: Int, columns: Int, elements: [Double]) {
        self.rows = rows
        self.columns = columns
        self.elements = elements
    }

    /// Element (row, column).
    public subscript(row: Int, column: Int) -> Double {
        get { elements[row + column * rows] }
        set { elements[row + column * rows] = newValue }
    }

    /// The library works on the thread that calls it. Its products here take a millisecond: routes are tuned side by
    /// side instead, and helpers that wait for the next product take a core from them (a quarter of all processor time
    /// was theirs).
    private static let setUp: Void = openblas_set_num_threads(1)

    /// The product `self` × `other`: one DGEMM.
    ///
    /// - Precondition: `self.columns == other.rows`.
    public func multiplied(by other: Matrix) -> Matrix {
        precondition(
            columns == other.rows, "a \(rows)×\(columns) matrix cannot be multiplied by \(other.rows)×\(other.columns)")
        if rows == 0 || columns == 0 || other.columns == 0 { return Matrix(rows: rows, columns: other.columns) }
        _ = Self.setUp
        let product = [Double](unsafeUninitializedCapacity: rows * other.columns) { product, count in
            cblas_dgemm(
                CblasColMajor, CblasNoTrans, CblasNoTrans, blasint(rows), blasint(other.columns), blasint(columns), 1,
                elements, blasint(rows), other.elements, blasint(other.rows), 0, product.baseAddress, blasint(rows))
            count = rows * other.columns
        }
        return Matrix(rows: rows, columns: other.columns, elements: product)
    }

    /// One column.
    public func column(_ index: Int) -> ArraySlice<Double> { elements[index * rows..<(index + 1) * rows] }
}
