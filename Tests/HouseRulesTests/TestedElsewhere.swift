/// Source files that have no test file of their own name, and where their tests are or why they need none.
enum TestedElsewhere {
    enum Where {
        /// The test file that names its type.
        case `in`(String)
        /// The test file that runs it without naming it.
        case through(String)
        /// Nothing in it can be wrong by itself.
        case needsNone(String)
    }

    static let files: [String: Where] = [
        "Sources/Retry/AttemptSink.swift": .needsNone("a protocol with one requirement")
    ]
}
