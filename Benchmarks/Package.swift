// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that what only benchmarks need never touches an ordinary build.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6), .treatAllWarnings(as: .error), .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"), .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "meantime", path: "..")],
    targets: [
        .target(name: "CAllocations"),
        .executableTarget(
            name: "RetryBenchmarks",
            dependencies: ["CAllocations", .product(name: "Retry", package: "meantime")],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "StoreBenchmarks",
            dependencies: [
                .product(name: "Collector", package: "meantime"), .product(name: "MeshDay", package: "meantime"),
                .product(name: "Retry", package: "meantime"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "NPMLEBenchmarks",
            dependencies: [
                .product(name: "Analyzer", package: "meantime"), .product(name: "Retry", package: "meantime"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "Shootout",
            dependencies: [
                .product(name: "Analyzer", package: "meantime"), .product(name: "Retry", package: "meantime"),
            ],
            swiftSettings: settings
        ),
    ]
)
