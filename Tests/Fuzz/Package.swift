// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6), .treatAllWarnings(as: .error), .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"), .enableUpcomingFeature("MemberImportVisibility"),
]

/// As in the project's own package: these rooms are optimised in debug builds too.
let computing = settings + [.unsafeFlags(["-O"], .when(configuration: .debug))]

// A package of its own: everything in it is built with the fuzzer's instruments (make fuzz). It has the rooms that are
// fuzzed as targets of its own, by links in `.rooms`, because a dependency on the project's package would fetch and
// build all that the proxy needs.
let package = Package(
    name: "fuzz",
    platforms: [.macOS(.v15)],
    dependencies: [.package(url: "https://github.com/jpsim/Yams", from: "6.2.2")],
    targets: [
        .executableTarget(name: "Fuzz", dependencies: ["Collector", "Retry"], swiftSettings: settings),
        .target(
            name: "Retry", dependencies: [.product(name: "Yams", package: "Yams")], path: ".rooms/Retry",
            swiftSettings: computing),
        .target(
            name: "Collector", dependencies: ["Retry", "CSQLite", "CZlib"], path: ".rooms/Collector",
            swiftSettings: computing),
        .systemLibrary(name: "CSQLite", path: ".rooms/CSQLite", pkgConfig: "sqlite3"),
        .systemLibrary(name: "CZlib", path: ".rooms/CZlib", pkgConfig: "zlib"),
    ]
)
