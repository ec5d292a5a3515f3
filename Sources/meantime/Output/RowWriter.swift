import Collector

/// A query's rows as they come, in one of three forms, with bounded memory.
struct RowWriter: ~Copyable {
    private let format: ResultFormat
    private let style: Style
    private var output = Output()
    private var columns: [String] = []
    private var keys: [String] = []
    private var waiting: [[String]] = []
    private var widths: [Int] = []
    private var isNumber: [Bool] = []
    private var rows = 0

    /// A table's widths are those of its first rows: a later, wider cell pushes its line out of step instead of making
    /// everybody wait for the last row.
    private static let rowsMeasured = 1000

    init(format: ResultFormat, style: Style) {
        self.format = format
        self.style = style
    }

    mutating func begin(_ names: [String]) throws(Failure) {
        columns = names
        switch format {
        case .csv: try output.write(CSV.line(names))
        case .json: keys = Self.unique(names)
        case .table: break
        }
    }

    mutating func add(_ values: [QueryValue]) throws(Failure) {
        switch format {
        case .csv:
            try output.write(CSV.line(values.map(\.plainText)))
        case .json:
            let pairs = zip(keys, values).map { (key: $0, value: $1.json) }
            try output.write((rows == 0 ? "[\n" : ",\n") + JSON.object(pairs).text())
        case .table:
            if widths.isEmpty {
                if waiting.isEmpty { isNumber = values.map(\.isNumber) }
                waiting.append(values.map(\.plainText))
                if waiting.count == Self.rowsMeasured { try writeMeasured() }
            } else {
                try output.write(line(values.map(\.plainText)))
            }
        }
        rows += 1
    }

    /// Writes what is still held back.
    mutating func end() throws(Failure) {
        switch format {
        case .csv: break
        case .json: try output.write(rows == 0 ? "[]\n" : "\n]\n")
        case .table: if widths.isEmpty { try writeMeasured() }
        }
        try output.flush()
    }

    private mutating func writeMeasured() throws(Failure) {
        if isNumber.isEmpty { isNumber = columns.map { _ in false } }
        widths = columns.indices.map { column in
            waiting.reduce(columns[column].count) { max($0, $1[column].count) }
        }
        try output.write(style.bold(String(line(columns).dropLast())) + "\n")
        for cells in waiting { try output.write(line(cells)) }
        waiting = []
    }

    private func line(_ cells: [String]) -> String {
        TextTable.line(cells, widths: widths, isNumber: isNumber) + "\n"
    }

    /// `SELECT a, a` has two columns of one name; an object cannot have two keys of one name.
    static func unique(_ names: [String]) -> [String] {
        var taken: Set<String> = []
        return names.map { name in
            var key = name
            var number = 2
            while !taken.insert(key).inserted {
                key = "\(name)_\(number)"
                number += 1
            }
            return key
        }
    }
}

extension QueryValue {
    var isNumber: Bool {
        switch self {
        case .integer, .real: true
        case .null, .text, .blob: false
        }
    }

    /// For tables and CSV: NULL is empty, bytes are hexadecimal.
    var plainText: String {
        switch self {
        case .null: ""
        case .integer(let value): "\(value)"
        case .real(let value): "\(value)"
        case .text(let value): value
        case .blob(let bytes): Self.hexadecimal(bytes)
        }
    }

    var json: JSON {
        switch self {
        case .null: .null
        case .integer(let value): .int(value)
        case .real(let value): .double(value)
        case .text(let value): .string(value)
        case .blob(let bytes): .string(Self.hexadecimal(bytes))
        }
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
