/// A grid of dots, two by four to a character.
struct BrailleCanvas {
    let columns: Int
    let rows: Int
    private var dots: [UInt8]

    init(columns: Int, rows: Int) {
        self.columns = columns
        self.rows = rows
        dots = [UInt8](repeating: 0, count: columns * rows)
    }

    /// Sets a dot; x from the left in 0 ..< 2 × columns, y from the top in 0 ..< 4 × rows. Others are left out.
    mutating func set(_ x: Int, _ y: Int) {
        guard x >= 0, y >= 0, x < 2 * columns, y < 4 * rows else { return }
        // Unicode numbers the dots 1-3 down the left, 4-6 down the right, 7 and 8 below.
        let left: [UInt8] = [0x01, 0x02, 0x04, 0x40]
        let right: [UInt8] = [0x08, 0x10, 0x20, 0x80]
        dots[y / 4 * columns + x / 2] |= (x % 2 == 0 ? left : right)[y % 4]
    }

    /// Sets the dots from one place to another.
    mutating func line(from: (x: Int, y: Int), to: (x: Int, y: Int)) {
        let steps = max(abs(to.x - from.x), abs(to.y - from.y), 1)
        for step in 0...steps {
            let share = Double(step) / Double(steps)
            set(
                from.x + Int((Double(to.x - from.x) * share).rounded()),
                from.y + Int((Double(to.y - from.y) * share).rounded()))
        }
    }

    /// The character at a place; `nil` without dots.
    subscript(column: Int, row: Int) -> Character? {
        let bits = dots[row * columns + column]
        guard bits != 0, let scalar = Unicode.Scalar(0x2800 + UInt32(bits)) else { return nil }
        return Character(scalar)
    }
}
