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

    @Test func `a value and its ends are one column on a screen, and only there`() {
        var table = ReportTable(
            title: "ends",
            columns: [
                .init("share", .probability), .init("share_low", .probability), .init("share_high", .probability),
                .init("low", .probability), .init("change_low_us", .durationUs), .init("change_high_us", .durationUs),
            ])
        table.append([.real(0.5), .real(0.25), .real(0.75), .real(1), .us(Int64(-5000)), .us(Int64(7000))])
        table.append([.real(0.5), .none, .none, .none, .none, .none])
        #expect(
            ReportText.text(table, style: .none) == """
                ends

                              share [95 %]       low  change [95 %]
                50.00 % [25.00 %, 75.00 %]  100.00 %    [-5ms, 7ms]
                                   50.00 %         -              -

                """)
        #expect(
            ReportText.csv(table).hasPrefix("share,share_low,share_high,low,change_low_us,change_high_us\n0.5,0.25,"))
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
