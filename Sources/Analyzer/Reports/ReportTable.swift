/// A table that a report hands over; whoever prints it (table, JSON, CSV) need not know the report.
public struct ReportTable: Equatable, Sendable {
    /// What a column holds.
    public enum Kind: String, Equatable, Sendable {
        /// Words.
        case text
        /// A whole number.
        case count
        /// Whole microseconds.
        case durationUs = "duration_us"
        /// Between 0 and 1.
        case probability
        /// A number in the column's unit.
        case number
        /// UNIX microseconds.
        case timeUs = "time_us"
    }

    /// A column.
    public struct Column: Equatable, Sendable {
        /// Its name: lower case with underscores, stable.
        public var name: String
        /// The unit of its values; empty for none.
        public var unit: String
        /// What it holds.
        public var kind: Kind

        /// A column.
        public init(_ name: String, _ kind: Kind, unit: String = "") {
            self.name = name
            self.kind = kind
            self.unit = unit.isEmpty && (kind == .durationUs || kind == .timeUs) ? "us" : unit
        }
    }

    /// A value; its case fits the column's kind.
    public enum Cell: Equatable, Sendable {
        /// Words.
        case text(String)
        /// A count, or whole microseconds.
        case integer(Int64)
        /// A probability or a number.
        case real(Double)
        /// Not known, or past everything observed.
        case none

        /// Whole microseconds that may be unknown.
        public static func us(_ value: Int64?) -> Cell { value.map { .integer($0) } ?? .none }
        /// Microseconds, rounded, that may be unknown.
        public static func us(_ value: Double?) -> Cell {
            value.flatMap { $0.isFinite && abs($0) < 9e18 ? .integer(Int64($0.rounded())) : nil } ?? .none
        }
        /// A count.
        public static func count(_ value: Int) -> Cell { .integer(Int64(value)) }
        /// A real number that may be unknown.
        public static func real(_ value: Double?) -> Cell {
            value.flatMap { $0.isFinite ? Cell.real($0) : nil } ?? .none
        }
    }

    /// The report's name.
    public var title: String
    /// The columns.
    public var columns: [Column]
    /// The rows, one cell a column.
    public var rows: [[Cell]] = []
    /// Assumptions, and what is missing: one sentence each.
    public var notes: [String] = []
    /// What the table is about as pictures, route by route; empty unless they were asked for.
    public var figures: [ReportFigure] = []

    /// A table without rows.
    public init(title: String, columns: [Column]) {
        self.title = title
        self.columns = columns
    }

    /// Adds a row.
    ///
    /// - Precondition: one cell a column.
    public mutating func append(_ row: [Cell]) {
        precondition(row.count == columns.count, "a row has one cell for each column")
        rows.append(row)
    }
}
