import Analyzer
import Testing

@testable import meantime

/// A report in its three forms.
struct ReportTextTests {
    private static let table: ReportTable = {
        var table = ReportTable(
            title: "sample",
            columns: [
                .init("route", .text), .init("tries", .count), .init("wait_us", .durationUs),
                .init("share", .probability),
                .init("ratio", .number, unit: "attempts"), .init("first_us", .timeUs),
            ])
        table.append([
            .text("a,b"), .count(12_345), .us(Int64(1_234_567)), .real(0.34567), .real(0.2161),
            .integer(1_795_312_800_123_456),
        ])
        table.append([.text("c"), .none, .none, .none, .none, .none])
        table.notes = ["a note"]
        return table
    }()

    @Test func `tables are for people`() {
        #expect(
            ReportText.text(Self.table, style: .none) == """
                sample

                route   tries   wait    share  ratio (attempts)                     first
                a,b    12,345  1.23s  34.57 %             0.216  2026-11-22T02:00:00.123Z
                c           -      -        -                 -                         -

                a note

                """)
    }

    @Test func `csv has raw values, and nothing where nothing is known`() {
        #expect(
            ReportText.csv(Self.table) == """
                route,tries,wait_us,share,ratio,first_us
                "a,b",12345,1234567,0.34567,0.2161,1795312800123456
                c,,,,,

                """)
    }

    @Test func `json says what the columns are`() {
        let text = ReportText.json(Self.table, report: "sample").text()
        #expect(text.hasPrefix(#"{"report":"sample","columns":[{"name":"route","kind":"text","unit":""},"#))
        #expect(text.contains(#"{"name":"wait_us","kind":"duration_us","unit":"us"}"#))
        #expect(
            text.contains(
                #"{"route":"c","tries":null,"wait_us":null,"share":null,"ratio":null,"first_us":null}],"notes":["a note"]}"#
            ))
    }
}
