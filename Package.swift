// swift-tools-version: 6.2
import PackageDescription

let room: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// Statistics unoptimised are thirty times slower, and the tests of the loop price thousands of rules: these rooms are
/// optimised in debug builds too. Overflow and precondition checks stay on.
let computing = room + [.unsafeFlags(["-O"], .when(configuration: .debug))]

let package = Package(
    name: "meantime",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "meantime", targets: ["meantime"]),
        // For the package in Benchmarks.
        .library(name: "Analyzer", targets: ["Analyzer"]),
        .library(name: "Retry", targets: ["Retry"]),
        .library(name: "Collector", targets: ["Collector"]),
        .library(name: "MeshDay", targets: ["MeshDay"]),
        // The store's tables for other programs' SQLite; `make extension` calls it meantime.so.
        .library(name: "meantime-sqlite", type: .dynamic, targets: ["SQLiteExtension"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // The words and the decisions: no I/O, no clock, no chance of its own.
        .target(
            name: "Retry",
            dependencies: [.product(name: "Yams", package: "Yams")],
            swiftSettings: computing
        ),
        // Attempts, kept: rows, sealed segments, imports, the history of the rules.
        .target(name: "Collector", dependencies: ["Retry", "CSQLite", "CZlib"], swiftSettings: computing),
        // The store's tables as a loadable extension of SQLite.
        .target(name: "CSQLiteExtension", exclude: ["exports.map"]),
        .target(
            name: "SQLiteExtension",
            dependencies: ["Collector", "CSQLiteExtension"],
            swiftSettings: room,
            linkerSettings: [
                // The runtime does not survive being unloaded, and a program's own functions must not come between.
                .unsafeFlags([
                    "-Xlinker", "-z", "-Xlinker", "nodelete", "-Xlinker", "-Bsymbolic", "-Xlinker",
                    "--version-script=\(Context.packageDirectory)/Sources/CSQLiteExtension/exports.map",
                ]),
                // Programs in other languages have no Swift runtime.
                .unsafeFlags(["-static-stdlib", "-Xlinker", "--exclude-libs=ALL"], .when(configuration: .release)),
            ]
        ),
        // Attempts, made up: the workload of the benchmarks.
        .target(name: "MeshDay", dependencies: ["Retry"], swiftSettings: computing),
        // Attempts, understood: estimators, pricing, choice.
        .target(name: "Analyzer", dependencies: ["Retry", "COpenBLAS"], swiftSettings: computing),
        // Rules, enforced: the sidecar.
        .target(
            name: "Proxy",
            dependencies: [
                "Retry",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: room
        ),
        // The command.
        .executableTarget(
            name: "meantime",
            dependencies: [
                "Analyzer", "Collector", "MeshDay", "Proxy", "Retry",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: room
        ),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        .target(name: "TestSupport", dependencies: ["Retry"], path: "Tests/Support", swiftSettings: room),
        .testTarget(name: "RetryTests", dependencies: ["Retry", "TestSupport"], swiftSettings: room),
        // Processes of their own, for tests that kill them, fill their disk, or let several share a store.
        .executableTarget(
            name: "StoreWorker", dependencies: ["Collector", "Retry"], path: "Tests/Worker", swiftSettings: room),
        .executableTarget(
            name: "StoreProcess", dependencies: ["Collector", "Retry", "TestSupport"], path: "Tests/StoreProcess",
            swiftSettings: room),
        .testTarget(
            name: "CollectorTests",
            dependencies: ["Collector", "CSQLite", "Retry", "StoreProcess", "StoreWorker", "TestSupport"],
            swiftSettings: room),
        .testTarget(
            name: "MeshDayTests", dependencies: ["Collector", "MeshDay", "Retry", "TestSupport"], swiftSettings: room),
        .testTarget(name: "AnalyzerTests", dependencies: ["Analyzer", "Retry", "TestSupport"], swiftSettings: room),
        .testTarget(
            name: "ProxyTests",
            dependencies: [
                "Proxy", "TestSupport",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: room
        ),
        .testTarget(
            name: "LoopTests",
            dependencies: ["Analyzer", "Collector", "Retry", "TestSupport"],
            swiftSettings: room
        ),
        .testTarget(
            name: "CommandTests", dependencies: ["meantime", "Analyzer", "Collector", "Retry", "TestSupport"],
            swiftSettings: room),
        .testTarget(name: "HouseRulesTests", swiftSettings: room),
    ]
)
