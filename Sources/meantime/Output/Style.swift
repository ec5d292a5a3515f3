/// Colours, when the terminal wants them.
struct Style {
    var isOn: Bool

    /// No colours.
    static let none = Style(isOn: false)

    private init(isOn: Bool) { self.isOn = isOn }

    init(for descriptor: Int32) { isOn = Terminal.hasColour(descriptor) }

    func bold(_ text: String) -> String { wrap(text, "1") }
    func dim(_ text: String) -> String { wrap(text, "2") }
    func red(_ text: String) -> String { wrap(text, "31") }
    func green(_ text: String) -> String { wrap(text, "32") }

    private func wrap(_ text: String, _ code: String) -> String {
        isOn ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
