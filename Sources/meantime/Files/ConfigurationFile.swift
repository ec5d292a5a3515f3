import Retry

/// `meantime.yaml`, with its paths resolved: they are relative to the file, so that the proxy, cron and a person in any
/// directory mean the same store.
enum ConfigurationFile {
    /// - Parameter isNeeded: whether the command cannot do without one.
    static func load(_ path: String, isNeeded: Bool = false) throws(FileError) -> Configuration {
        let hint = "write one with a routes: mapping" + (isNeeded ? "" : ", or leave --config out")
        let text = try TextFile.read(path, hint: hint)
        var configuration = try Configuration(yaml: text, file: path)
        configuration.store = resolve(configuration.store, beside: path)
        configuration.rules = resolve(configuration.rules, beside: path)
        return configuration
    }

    static func resolve(_ path: String, beside file: String) -> String {
        if path.hasPrefix("/") { return path }
        let directory = AtomicFile.directory(of: file)
        return directory == "." && !file.hasPrefix("./") ? path : "\(directory)/\(path)"
    }
}
