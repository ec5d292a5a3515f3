import ArgumentParser

/// Made-up attempts, for trials and measurements.
struct GenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Make up attempts from a seed, for trials and measurements.",
        subcommands: [MeshDayCommand.self]
    )
}
