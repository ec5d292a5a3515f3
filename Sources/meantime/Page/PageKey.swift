/// The legends of the pictures, drawn with the pictures' own styles.
enum PageKey {
    static let beforeAfter = line("before", "Envoy's default") + line("after", "tuned")

    static let timeline =
        key("<path d=\"M13 7h0\" class=\"answered\"/>", "first attempt, answered")
        + key("<path d=\"M10 4L16 10M10 10L16 4\" class=\"failed\"/>", "first attempt, failed")
        + key("<circle cx=\"13\" cy=\"7\" r=\"3.8\" class=\"saved\"/>", "retry, answered")
        + key("<circle cx=\"13\" cy=\"7\" r=\"3.8\" class=\"wasted\"/>", "retry, failed")
        + key("<rect x=\"2\" y=\"1\" width=\"22\" height=\"12\" class=\"outage\"/>", "host down")

    static let candidates =
        key(Shape.dot.drawn(13, 7, "candidate"), "a candidate")
        + key(Shape.square.drawn(13, 7, "before"), "Envoy's default")
        + key(Shape.diamond.drawn(13, 7, "after"), "chosen")

    static func recovery(_ labels: [String]) -> String {
        zip(["first", "second"], labels).map { line($0, $1) }.joined()
    }

    static func line(_ style: String, _ words: String) -> String {
        key("<path d=\"M1 7H25\" class=\"line \(style)\"/>", words)
    }

    static func key(_ mark: String, _ words: String) -> String {
        "<span class=\"key\"><svg viewBox=\"0 0 26 14\" aria-hidden=\"true\">\(mark)</svg>\(SVG.escaped(words))</span>"
    }
}
