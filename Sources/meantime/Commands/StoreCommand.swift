import ArgumentParser

/// The store: what is in it, whether it is whole, and how it stays small.
struct StoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store",
        abstract: "Look into the store, check it, and keep it small.",
        discussion: """
            EXAMPLES
              meantime store info                    what is in it, and where its bytes go
              meantime store check                   read everything, name what is damaged
              meantime store prune --keep 30d        what is older becomes history
              meantime store compact                 many small segments into few full ones
            """,
        subcommands: [
            StoreInfoCommand.self, StoreCheckCommand.self, StorePruneCommand.self, StoreCompactCommand.self,
        ]
    )
}
