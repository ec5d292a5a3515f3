import FoundationEssentials

/// Calls `body` with the path of a new empty directory, which is removed with everything in it afterwards.
public func withTemporaryDirectory<Value>(_ body: (String) throws -> Value) throws -> Value {
    let path = try makeTemporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
}

/// Calls `body` with the path of a new empty directory, which is removed with everything in it afterwards.
public func withTemporaryDirectory<Value>(
    isolation: isolated (any Actor)? = #isolation, _ body: (String) async throws -> Value
) async throws -> Value {
    let path = try makeTemporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await body(path)
}

private func makeTemporaryDirectory() throws -> String {
    let url = FileManager.default.temporaryDirectory.appending(path: "meantime-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    return url.path()
}
