extension Configuration {
    /// Reads `meantime.yaml`. It is taken whole or refused whole.
    ///
    /// - Throws: `FileError` with file, line, key, what was wrong and what would be right.
    public init(yaml text: String, file: String) throws(FileError) {
        let root = try YAMLReader.root(of: text, file: file)
        let keys = try root.mapping(keys: ["store", "rules", "listen", "admin", "objective", "routes"])
        self.init(isDeadlineGiven: false)
        if let value = keys["store"] { store = try Self.nonEmpty(value) }
        if let value = keys["rules"] { rules = try Self.nonEmpty(value) }
        if let value = keys["listen"] { listen = try Self.endpoint(value, ports: 0...65_535) }
        if let value = keys["admin"] { admin = try Self.endpoint(value, ports: 0...65_535) }
        if let value = keys["objective"] {
            objective = try Self.objective(value, default: objective)
            isDeadlineGiven = try Self.namesDeadline(value)
        }
        guard let list = keys["routes"] else {
            throw root.error("routes is missing; write routes: with one key a route")
        }
        for (name, value) in try list.entries() {
            routes.append(try Self.route(name, value, in: self))
        }
        if routes.isEmpty { throw list.error("must name at least one route") }
    }

    private static func route(
        _ name: String, _ reader: YAMLReader, in configuration: Configuration
    ) throws(FileError) -> RouteConfiguration {
        var route = RouteConfiguration(
            name: name, objective: configuration.objective, isDeadlineGiven: configuration.isDeadlineGiven)
        if reader.isNull { return route }
        let keys = try reader.mapping(keys: ["match", "hosts", "idempotent", "objective", "bounds"])
        if let value = keys["match"] { route.match = try match(value) }
        if let value = keys["hosts"] {
            for item in try value.items() {
                let host = try endpoint(item, ports: 1...65_535)
                if route.hosts.contains(host) { throw item.error("'\(host)' stands twice") }
                route.hosts.append(host)
            }
            if route.hosts.isEmpty { throw value.error("must name at least one host, such as 10.0.0.1:80") }
        }
        if let value = keys["idempotent"] { route.idempotent = try value.boolean() }
        if let value = keys["objective"] {
            route.objective = try Self.objective(value, default: configuration.objective)
            if try namesDeadline(value) { route.isDeadlineGiven = true }
        }
        if let value = keys["bounds"] { route.bounds = try bounds(value) }
        return route
    }

    private static func namesDeadline(_ objective: YAMLReader) throws(FileError) -> Bool {
        try objective.entries().contains { $0.key == "deadline" }
    }

    private static func match(_ reader: YAMLReader) throws(FileError) -> RouteMatch {
        let keys = try reader.mapping(keys: ["host", "path_prefix", "methods"])
        var match = RouteMatch()
        if let value = keys["host"] { match.host = try nonEmpty(value).lowercased() }
        if let value = keys["path_prefix"] {
            match.pathPrefix = try value.text()
            if !match.pathPrefix.hasPrefix("/") { throw value.error("must begin with /, found '\(match.pathPrefix)'") }
        }
        if let value = keys["methods"] {
            for item in try value.items() {
                let method = try nonEmpty(item)
                if method != method.uppercased() {
                    throw item.error("write methods in capitals: \(method.uppercased())")
                }
                match.methods.append(method)
            }
            if match.methods.isEmpty {
                throw value.error("names no method, so nothing would match; leave it out for all")
            }
        }
        return match
    }

    private static func objective(
        _ reader: YAMLReader, default base: Objective
    ) throws(FileError) -> Objective {
        let keys = try reader.mapping(keys: ["deadline", "failure_cost", "attempt_cost", "max_extra_attempts"])
        var objective = base
        if let value = keys["deadline"] { objective.deadlineUs = try value.durationUs(RuleSet.limits) }
        if let value = keys["failure_cost"] {
            objective.failureCostUs = try value.durationUs(0...RuleSet.limits.upperBound)
        }
        if let value = keys["attempt_cost"] {
            objective.attemptCostUs = try value.durationUs(0...RuleSet.limits.upperBound)
        }
        if let value = keys["max_extra_attempts"] { objective.maxExtraAttempts = try value.number(0...10) }
        return objective
    }

    private static func bounds(_ reader: YAMLReader) throws(FileError) -> Bounds {
        let keys = try reader.mapping(keys: ["max_retries", "per_try_timeout", "may_ignore_retry_after"])
        var bounds = Bounds()
        if let value = keys["max_retries"] { bounds.maxRetries = try value.integer(0...20) }
        if let value = keys["per_try_timeout"] {
            let ends = try value.items()
            guard ends.count == 2 else { throw value.error("must be [shortest, longest], such as [50ms, 800ms]") }
            let (shortest, longest) = (try ends[0].durationUs(RuleSet.limits), try ends[1].durationUs(RuleSet.limits))
            if shortest > longest { throw value.error("its first limit is longer than its second") }
            bounds.perTryTimeoutUs = shortest...longest
        }
        if let value = keys["may_ignore_retry_after"] { bounds.mayIgnoreRetryAfter = try value.boolean() }
        return bounds
    }

    private static func nonEmpty(_ reader: YAMLReader) throws(FileError) -> String {
        let text = try reader.text()
        if text.isEmpty { throw reader.error("must not be empty") }
        return text
    }

    /// `address:port`, the port in digits only; an IPv6 address stands in brackets.
    private static func endpoint(_ reader: YAMLReader, ports: ClosedRange<Int>) throws(FileError) -> String {
        let text = try reader.text()
        let colon = text.lastIndex(of: ":") ?? text.startIndex
        let (address, digits) = (text[..<colon], text[colon...].dropFirst())
        let isBracketed = address.hasPrefix("[") && address.hasSuffix("]") && address.count > 2
        guard !address.isEmpty, isBracketed || !address.contains(":"), !address.contains(where: \.isWhitespace),
            digits.allSatisfy({ $0.isASCII && $0.isNumber }), let port = Int(digits), ports.contains(port)
        else {
            throw reader.error(
                "must be address:port with a port from \(ports.lowerBound) to \(ports.upperBound), found '\(text)'")
        }
        return text
    }
}
