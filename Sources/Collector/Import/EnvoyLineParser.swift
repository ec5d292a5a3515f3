/// Reads a line of an Envoy log in either of two sets of keys: the short one of Meantime's recommended configuration
/// (`v`, `t0`, `t1`, ...) and a wide one named after the operators (`type`, `start`, `emit`, ...).
///
/// The request's id is `uid` in the short set (`%UNIQUE_ID%` put into a header by the route, the same on all lines of
/// a request) and else `rid`; in the wide set it is `rid`, for there `uid` is `%UNIQUE_ID%` itself, which differs
/// from line to line. The route is `route` (`%ROUTE_NAME%`: the unit that has a rule), and the cluster where that has
/// no name.
struct EnvoyLineParser {
    enum Parsed {
        case line(EnvoyLine)
        /// A line of another moment, such as `UpstreamPoolReady`.
        case otherMoment
    }

    private enum Field: Int, CaseIterable {
        case version, type, uid, rid, rule, route, cluster, count, header, start, end, wideStart, wideEnd
        case code, flags, detail, grpc, host, limit, retryAfter, method
    }

    private static let keys: [(String, Field)] = [
        ("v", .version), ("typ", .type), ("type", .type), ("uid", .uid), ("rid", .rid), ("rule", .rule),
        ("route", .route), ("cl", .cluster), ("cluster", .cluster), ("n", .count), ("attempt", .count), ("k", .header),
        ("attempt_hdr", .header), ("t0", .start), ("start", .wideStart), ("t1", .end), ("emit", .wideEnd),
        ("code", .code), ("fl", .flags), ("flags", .flags), ("det", .detail), ("details", .detail), ("grpc", .grpc),
        ("host", .host), ("dl", .limit), ("expected_ms", .limit), ("ra", .retryAfter), ("retry_after", .retryAfter),
        ("m", .method), ("method", .method),
    ]

    /// Envoy's access log types that are neither the end of an attempt nor of a request.
    private static let otherTypes: Set = [
        "NotSet", "TcpUpstreamConnected", "TcpPeriodic", "TcpConnectionEnd", "DownstreamStart", "DownstreamPeriodic",
        "DownstreamTunnelSuccessfullyEstablished", "UpstreamPoolReady", "UpstreamPeriodic",
        "UdpTunnelUpstreamConnected",
        "UdpPeriodic", "UdpSessionEnd",
    ]

    private var fields = JSONFields(keys: keys.map { ($0.0, $0.1.rawValue) })
    private let names = NameCache()

    mutating func parse(_ line: UnsafeRawBufferPointer) throws(LineFault) -> Parsed {
        try fields.read(line)
        guard let kind = try kind() else { return .otherMoment }
        let isWide = !fields.has(Field.start.rawValue)
        let startUs = try time(isWide ? .wideStart : .start)
        let endUs = try time(isWide ? .wideEnd : .end)
        if endUs < startUs {
            throw LineFault(
                "the line ends before it starts (\(isWide ? "emit < start" : "t1 < t0")): the clock was set back")
        }
        if endUs > TimeBounds.startUs.upperBound {
            throw LineFault("\(isWide ? "emit" : "t1"): is after the year 2199; log seconds with six decimals")
        }
        if endUs - startUs > TimeBounds.lengthUs.upperBound {
            throw LineFault("\(isWide ? "emit" : "t1"): is more than 30 days after the start")
        }
        let uid = isWide ? nil : try hash(.uid)
        let key = uid == nil ? try hash(.rid) : uid
        let flags = try fields.withText(Field.flags.rawValue) { EnvoyFlags($0) } ?? []
        let detail = try fields.withText(Field.detail.rawValue) { EnvoyDetail($0) } ?? .unknown
        guard let code = try number(.code, 0...999) else {
            throw fields.fault(Field.code.rawValue, "is missing; log \"%RESPONSE_CODE%\"")
        }
        return .line(
            EnvoyLine(
                kind: kind, key: key, isKeyUnique: uid != nil, lineHash: key == nil ? XXH64.hash(line) : 0,
                startUs: startUs, endUs: endUs, code: Int(code), grpc: try count(.grpc),
                flags: flags, detail: detail, route: try route(kind), host: try name(.host) ?? "",
                method: try name(.method) ?? "", ruleVersion: try ruleVersion(),
                count: try count(kind == .attempt ? .header : .count, to: TimeBounds.attempts.upperBound),
                limitUs: (try number(.limit, 0...TimeBounds.lengthUs.upperBound / 1000) ?? 0) * 1000,
                retryAfterUs: try retryAfterUs(),
                reason: kind == .request ? try reason() : ""))
    }

    private func kind() throws(LineFault) -> EnvoyLine.Kind? {
        let type = try name(.type)
        if let type, Self.otherTypes.contains(type) { return nil }
        switch try name(.version) {
        case "a1": return .attempt
        case "r1": return .request
        case nil: break
        case let other?: throw LineFault("v: is unknown: '\(other)'; a1 (an attempt) or r1 (a request)")
        }
        switch type {
        case "UpstreamEnd": return .attempt
        case "DownstreamEnd": return .request
        case nil:
            throw LineFault("neither v (a1 or r1) nor type (UpstreamEnd or DownstreamEnd) says what the line is")
        case let other?: throw LineFault("type: is unknown: '\(other)'; UpstreamEnd or DownstreamEnd")
        }
    }

    /// A text, `nil` when it is absent, null or Envoy's `-`.
    private func name(_ field: Field) throws(LineFault) -> String? {
        let found = try fields.name(field.rawValue, names)
        return found == "-" || found == "" ? nil : found
    }

    private func hash(_ field: Field) throws(LineFault) -> UInt64? {
        try fields.withText(field.rawValue) { $0.isEmpty || $0.elementsEqual("-".utf8) ? nil : XXH64.hash($0) }
            ?? nil
    }

    private func route(_ kind: EnvoyLine.Kind) throws(LineFault) -> String {
        if let route = try name(.route) { return route }
        if let cluster = try name(.cluster) { return cluster }
        if kind == .request { return "" }
        throw LineFault("neither route (\"%ROUTE_NAME%\") nor cl (\"%UPSTREAM_CLUSTER%\") names the attempt's route")
    }

    /// A whole number, also one in quotes, as header operators give it; `nil` when absent, null or `-`.
    private func number(_ field: Field, _ range: ClosedRange<Int64>) throws(LineFault) -> Int64? {
        guard fields[field.rawValue].kind == .string else { return try fields.integer(field.rawValue, range) }
        let bytes = fields.raw(field.rawValue)
        if bytes.isEmpty || bytes.elementsEqual("-".utf8) { return nil }
        guard let value = Self.digits(bytes), range.contains(value) else {
            let bounds = "\(range.lowerBound) to \(range.upperBound)"
            throw fields.fault(
                field.rawValue, "must be a whole number from \(bounds), found \(fields.describe(field.rawValue))")
        }
        return value
    }

    private func count(_ field: Field, to bound: Int64 = 1_000_000) throws(LineFault) -> Int? {
        guard let value = try number(field, 0...bound) else { return nil }
        return Int(value)
    }

    /// `2` of `v2` or `2`; any other name is no version of ours.
    private func ruleVersion() throws(LineFault) -> Int {
        guard fields[Field.rule.rawValue].kind != .integer else {
            return Int(try number(.rule, 0...Int64(Int32.max)) ?? 0)
        }
        let value = try fields.withText(Field.rule.rawValue) { bytes in
            Self.digits(
                UnsafeRawBufferPointer(rebasing: bytes.first == UInt8(ascii: "v") ? bytes.dropFirst() : bytes[...]))
        }
        guard let value = value ?? nil, value <= Int64(Int32.max) else { return 0 }
        return Int(value)
    }

    /// Whole seconds; the header's other form, a date, is not taken and gives 0.
    private func retryAfterUs() throws(LineFault) -> Int64 {
        let seconds: Int64?
        if fields[Field.retryAfter.rawValue].kind == .integer {
            seconds = try number(.retryAfter, 0...1_000_000_000)
        } else {
            seconds = try fields.withText(Field.retryAfter.rawValue) { Self.digits($0) } ?? nil
        }
        return min(seconds ?? 0, 1_000_000_000) * 1_000_000
    }

    private func reason() throws(LineFault) -> String {
        let flags = try name(.flags)
        if let first = flags?.split(separator: ",").first { return String(first.prefix(64)) }
        return String((try name(.detail) ?? "no host").prefix(64))
    }

    /// "1795376004.802539" to 1795376004802539, exactly: digits beyond the sixth decimal are cut off.
    private func time(_ field: Field) throws(LineFault) -> Int64 {
        let expectation = "a text of seconds like \"1795376004.802539\""
        let operators =
            field == .start || field == .wideStart ? "\"%START_TIME(%s.%6f)%\"" : "\"%EMIT_TIME(%s.%6f)%\""
        let found = try fields.withText(field.rawValue) { EnvoyTime.parse($0) }
        guard let found else {
            let short: Field = field == .wideStart ? .start : field == .wideEnd ? .end : field
            throw fields.fault(short.rawValue, "is missing; log \(operators), \(expectation)")
        }
        guard let us = found else {
            throw fields.fault(
                field.rawValue, "must be \(expectation) (\(operators)), found \(fields.describe(field.rawValue))")
        }
        return us
    }

    private static func digits(_ bytes: UnsafeRawBufferPointer) -> Int64? {
        guard (1...18).contains(bytes.count) else { return nil }
        var value: Int64 = 0
        for byte in bytes {
            guard byte &- 0x30 < 10 else { return nil }
            value = value * 10 + Int64(byte - 0x30)
        }
        return value
    }
}

/// Times as Envoy's `%START_TIME(%s.%6f)%` writes them.
enum EnvoyTime {
    /// Microseconds of "seconds" or "seconds.fraction", `nil` for anything else.
    static func parse(_ bytes: UnsafeRawBufferPointer) -> Int64? {
        var seconds: Int64 = 0
        var at = 0
        while at < bytes.count, bytes[at] &- 0x30 < 10 {
            seconds = seconds * 10 + Int64(bytes[at] - 0x30)
            at += 1
            if at > 11 { return nil }
        }
        if at == 0 { return nil }
        if at == bytes.count { return seconds * 1_000_000 }
        guard bytes[at] == UInt8(ascii: "."), at + 1 < bytes.count else { return nil }
        at += 1
        var fraction: Int64 = 0
        var scale: Int64 = 100_000
        while at < bytes.count {
            guard bytes[at] &- 0x30 < 10 else { return nil }
            fraction += Int64(bytes[at] - 0x30) * scale
            scale /= 10
            at += 1
        }
        return seconds * 1_000_000 + fraction
    }
}
