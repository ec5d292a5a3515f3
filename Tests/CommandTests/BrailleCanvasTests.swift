import Testing

@testable import meantime

struct BrailleCanvasTests {
    @Test func `each of the eight dots of a character, as Unicode numbers them`() {
        let wanted: [[UInt32]] = [[0x2801, 0x2808], [0x2802, 0x2810], [0x2804, 0x2820], [0x2840, 0x2880]]
        for y in 0..<4 {
            for x in 0..<2 {
                var canvas = BrailleCanvas(columns: 1, rows: 1)
                canvas.set(x, y)
                #expect(canvas[0, 0]?.unicodeScalars.first?.value == wanted[y][x])
            }
        }
    }

    @Test func `what lies outside is left out, and nothing is nothing`() {
        var canvas = BrailleCanvas(columns: 2, rows: 1)
        for (x, y) in [(-1, 0), (0, -1), (4, 0), (0, 4)] { canvas.set(x, y) }
        #expect(canvas[0, 0] == nil && canvas[1, 0] == nil)
    }

    @Test func `lines have no gaps, steep or flat, forth or back`() {
        for to in [(x: 9, y: 1), (x: 1, y: 11), (x: 9, y: 11), (x: 0, y: 0)] {
            var there = BrailleCanvas(columns: 5, rows: 3)
            var back = there
            there.line(from: (0, 0), to: to)
            back.line(from: to, to: (0, 0))
            let dots = (0..<15).compactMap { there[$0 % 5, $0 / 5]?.unicodeScalars.first?.value }
                .reduce(0) { $0 + ($1 - 0x2800).nonzeroBitCount }
            #expect(dots == max(to.x, to.y) + 1)
            let other = (0..<15).compactMap { back[$0 % 5, $0 / 5]?.unicodeScalars.first?.value }
                .reduce(0) { $0 + ($1 - 0x2800).nonzeroBitCount }
            #expect(other == dots)
        }
    }
}
