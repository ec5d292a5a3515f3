/// A value of a JSON line, as far as an import looks at it: what it is and where it stands.
struct JSONToken {
    enum Kind: UInt8 {
        /// The line does not have the field.
        case absent
        case null
        case yes
        case no
        /// A whole number from 0 to 2⁶⁴−1, in `magnitude`.
        case integer
        /// A whole number below 0; `magnitude` is its size.
        case negative
        /// A number with a fraction, an exponent or more digits than 64 bits hold.
        case number
        /// A string without escapes: its bytes are the text.
        case string
        /// A string with escapes.
        case escaped
        /// An array or object.
        case nested
    }

    var kind = Kind.absent
    /// For a string the bytes between the quotes, for others the whole value.
    var start: Int32 = 0
    var length: Int32 = 0
    var magnitude: UInt64 = 0

    var range: Range<Int> { Int(start)..<Int(start) + Int(length) }

    /// What a message calls it.
    var noun: String {
        switch kind {
        case .absent: "nothing"
        case .null: "null"
        case .yes: "true"
        case .no: "false"
        case .integer, .negative, .number: "a number"
        case .string, .escaped: "a string"
        case .nested: "an array or object"
        }
    }
}
