import Analyzer
import Testing

@testable import meantime

struct TextPlotTests {
    private static func figure(_ lines: [String]) -> ReportFigure {
        var figure = ReportFigure(
            route: "pay", title: "Recovered", caption: "",
            x: .init("wait", .durationUs, isLogarithmic: true, 1_000...1_000_000),
            y: .init("done", .probability, 0...1))
        figure.lines = lines.enumerated().map { index, label in
            .init(
                label,
                (0...60).map { step in
                    let share = index == 0 ? Double(step) / 60 : 1 - Double(step) / 60
                    return .init(x: 1_000 * exp10(Double(step) / 20), y: share, low: share, high: share)
                })
        }
        return figure
    }

    private static func exp10(_ power: Double) -> Double {
        (0..<Int((power * 20).rounded())).reduce(1) { product, _ in product * 1.122_018_454_301_963_4 }
    }

    private static func plot(_ figure: ReportFigure, width: Int = 44, isUnicode: Bool = false) -> [String] {
        TextPlot(figure: figure, width: width, isUnicode: isUnicode, style: .none).text()
            .split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    @Test func `a rising line in ascii`() {
        #expect(
            Self.plot(Self.figure(["same host"])) == [
                "pay: Recovered",
                " 100 % |                                ***",
                "       |                             ***",
                "       |                          ***",
                "       |                       ****",
                "       |                    ****",
                "       |                 ****",
                "  50 % |              ****",
                "       |           ****",
                "       |        ****",
                "       |     ****",
                "       |   ***",
                "   0 % |***",
                "       ++----------+-----------+----------+",
                "        1 ms     10 ms      100 ms       1 s",
                "        wait",
            ])
    }

    @Test(arguments: [24, 40, 61, 80, 110])
    func `no line is wider than asked, give or take the last label`(width: Int) {
        for isUnicode in [false, true] {
            for line in Self.plot(Self.figure(["a", "b"]), width: width, isUnicode: isUnicode) {
                #expect(line.count <= max(width, 26) + 8, "\(line)")
            }
        }
    }

    @Test func `plain text has ascii alone, two lines have digits on them and a key`() {
        let lines = Self.plot(Self.figure(["same", "other"]))
        #expect(lines.joined().utf8.allSatisfy { $0 < 0x80 })
        #expect(lines.last == "1 same   2 other")
        #expect(lines.dropLast().joined().contains("1") && lines.dropLast().joined().contains("2"))
        let braille = Self.plot(Self.figure(["same", "other"]), isUnicode: true).joined()
        #expect(braille.unicodeScalars.contains { (0x2801...0x28FF).contains($0.value) })
        #expect(!braille.contains("\u{1B}"))
    }

    @Test func `lanes show when each host was down`() {
        var figure = ReportFigure(route: "pay", title: "Down", caption: "", x: .init("time", .timeUs, 0...100e6))
        figure.lanes = [
            .init("a", [.init("", from: 0, to: 50e6)]), .init("bell\u{7}", [.init("", from: 75e6, to: 100e6)]),
        ]
        let lines = Self.plot(figure, width: 40)
        #expect(lines[1].hasPrefix("    a |################"))
        #expect(!lines[1].hasPrefix("    a |#####################"))
        #expect(lines[2].hasPrefix("bell· |          ") && lines[2].hasSuffix("########"))
    }

    @Test func `marks show with their intervals`() {
        var figure = Self.figure([])
        figure.marks = [.init("7 of 10", x: 1_000, y: 0.5, yInterval: 0.3...0.9)]
        let column = Self.plot(figure)[1...12].map { $0.count > 8 ? $0[$0.index($0.startIndex, offsetBy: 8)] : " " }
        // 90 % lies in the second of twelve rows, 50 % in the seventh, 30 % in the ninth.
        #expect(String(column) == " |||||o||   ")
    }
}
