/// Why a command could not be done, when no file is to blame: where, and in one line what and what would be right.
struct Failure: Error, CustomStringConvertible {
    var place: String
    var reason: String

    init(_ place: String, _ reason: String) {
        self.place = place
        self.reason = reason
    }

    var description: String { "\(place): \(reason)" }
}
