/// Elements of SVG and HTML as text, with everything that came from outside escaped.
enum SVG {
    /// A number as short as a pixel needs.
    static func number(_ value: Double) -> String {
        let text = value.isFinite ? NumberText.fixed(value, places: 1) : "0"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// Text that cannot be taken for markup.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            default: escaped.append(character)
            }
        }
        return escaped
    }

    /// An element with attributes and, if any, what it holds (already markup).
    static func element(_ name: String, _ attributes: [(String, String)], _ content: String? = nil) -> String {
        let list = attributes.map { " \($0.0)=\"\(escaped($0.1))\"" }.joined()
        return content.map { "<\(name)\(list)>\($0)</\(name)>" } ?? "<\(name)\(list)/>"
    }

    /// What a browser shows when a pointer rests on the element around it.
    static func title(_ text: String) -> String { "<title>\(escaped(text))</title>" }

    static func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String) -> String {
        element(
            "line",
            [("x1", number(x1)), ("y1", number(y1)), ("x2", number(x2)), ("y2", number(y2)), ("class", style)])
    }

    static func text(_ x: Double, _ y: Double, _ words: String, _ style: String, anchor: String = "start") -> String {
        element(
            "text", [("x", number(x)), ("y", number(y)), ("class", style), ("text-anchor", anchor)], escaped(words))
    }

    static func rectangle(
        _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ style: String, title: String? = nil
    ) -> String {
        element(
            "rect",
            [
                ("x", number(x)), ("y", number(y)), ("width", number(max(0, width))),
                ("height", number(max(0, height))),
                ("class", style),
            ], title.map(Self.title) ?? "")
    }

    /// The path through points; `steps` keeps each value until the next point.
    static func path(_ points: [(x: Double, y: Double)], steps: Bool = false) -> String {
        var text = ""
        for (index, point) in points.enumerated() {
            if index == 0 {
                text = "M\(number(point.x)) \(number(point.y))"
            } else {
                text += steps ? "H\(number(point.x))V\(number(point.y))" : "L\(number(point.x)) \(number(point.y))"
            }
        }
        return text
    }
}
