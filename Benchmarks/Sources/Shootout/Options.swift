import Glibc

/// What was asked for.
struct Options: Sendable {
    static let usualSeeds = 20
    static let quickSeeds = 1

    var seeds = usualSeeds
    var isQuick = false
    /// Whether logs are made without backup requests.
    var isBare = false
    /// Whether promises are held against fresh traffic and nothing else is: no oracle, no defaults.
    var isCalibration = false
    /// Whether owners hold retries to Retry-After everywhere.
    var isHeeding = false
    var worlds = World.all
    /// Where the results go; none: only to the terminal.
    var writePath: String?
    var chartPath: String?
    /// Whether every log is told by itself.
    var isVerbose = false
    /// What to say to get the same again.
    var command: String {
        var words = ["make shootout"]
        var flags: [String] = []
        if isQuick { flags.append("--quick") }
        if isBare { flags.append("--bare-log") }
        if isHeeding { flags.append("--heed") }
        if isCalibration { flags.append("--calibration") }
        if seeds != (isQuick ? Self.quickSeeds : Self.usualSeeds) { flags.append("--seeds \(seeds)") }
        if worlds.count < World.all.count { flags.append("--worlds \(worlds.map(\.name).joined(separator: ","))") }
        if !flags.isEmpty { words.append("SHOOTOUT=\"\(flags.joined(separator: " "))\"") }
        return words.joined(separator: " ")
    }

    static let usage = """
        Shootout [--quick] [--bare-log] [--heed] [--calibration] [--seeds N] [--verbose]
                 [--worlds NAME,NAME...] [--write README.md] [--chart PICTURE.svg]
        worlds: \(World.all.map(\.name).joined(separator: ", "))
        """

    /// Ends the program with 2 and the usage when it cannot be read.
    init(_ arguments: some Sequence<String>) {
        var rest = Array(arguments.reversed())
        func value(of option: String) -> String {
            guard let value = rest.popLast() else { Self.refuse("\(option) needs a value") }
            return value
        }
        var isSeedsGiven = false
        while let option = rest.popLast() {
            switch option {
            case "--quick": isQuick = true
            case "--bare-log": isBare = true
            case "--heed": isHeeding = true
            case "--calibration": isCalibration = true
            case "--seeds":
                guard let number = Int(value(of: option)), number > 0 else { Self.refuse("--seeds needs a number") }
                seeds = number
                isSeedsGiven = true
            case "--worlds": worlds = Self.worlds(named: value(of: option))
            case "--write": writePath = value(of: option)
            case "--verbose": isVerbose = true
            case "--chart": chartPath = value(of: option)
            default: Self.refuse("unknown option \(option)")
            }
        }
        if isHeeding { for place in worlds.indices { worlds[place].mayIgnoreRetryAfter = false } }
        if isQuick && !isSeedsGiven { seeds = Self.quickSeeds }
    }

    private static func worlds(named names: String) -> [World] {
        names.split(separator: ",").map { name in
            guard let world = World.all.first(where: { $0.name == name }) else { refuse("no world is called \(name)") }
            return world
        }
    }

    private static func refuse(_ reason: String) -> Never {
        let text = "Shootout: \(reason)\n\(usage)\n"
        _ = text.withCString { write(2, $0, strlen($0)) }
        exit(2)
    }
}
