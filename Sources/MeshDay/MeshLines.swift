import Retry

/// Rows as lines of the interchange format, every column in each: `{"request":1,"route":"service-9",...}`.
public struct MeshLines: Sendable {
    private let routes: [[UInt8]]
    private let hosts: [[UInt8]]
    private let methods: [[UInt8]]

    /// Lines of this day's rows.
    public init(of day: MeshDay) {
        routes = day.routeNames.map { Array(",\"route\":\"\($0)\"".utf8) }
        hosts = day.hostNames.map { Array(",\"host\":\"\($0)\"".utf8) }
        methods = MeshDay.methodNames.map { Array(",\"method\":\"\($0)\",\"hedge\":false".utf8) }
    }

    /// Puts a row's line at the end of the bytes.
    public func append(_ row: MeshRow, to bytes: inout [UInt8]) {
        Self.put("{\"request\":", Int64(bitPattern: row.request), &bytes)
        bytes.append(contentsOf: routes[Int(row.route)])
        bytes.append(contentsOf: hosts[Int(row.host)])
        Self.put(",\"attempt\":", Int64(row.attempt), &bytes)
        Self.put(",\"start_us\":", row.startUs, &bytes)
        Self.put(",\"duration_us\":", row.durationUs, &bytes)
        Self.put(",\"wait_us\":", row.waitUs, &bytes)
        Self.put(",\"outcome\":\"", row.outcome.name, &bytes)
        Self.put("\",\"status\":", Int64(row.status), &bytes)
        Self.put(",\"is_grpc\":", row.isGRPC ? "true" : "false", &bytes)
        Self.put(",\"timeout_us\":", MeshDay.perTryLimitUs, &bytes)
        Self.put(",\"retry_after_us\":", row.retryAfterUs, &bytes)
        bytes.append(contentsOf: methods[Int(row.method)])
        Self.put(",\"rule_version\":", Int64(row.ruleVersion), &bytes)
        bytes.append(UInt8(ascii: "}"))
        bytes.append(UInt8(ascii: "\n"))
    }

    private static func put(_ key: StaticString, _ text: String, _ bytes: inout [UInt8]) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount))
        bytes.append(contentsOf: text.utf8)
    }

    /// Digits without a text between: a day has some hundred million numbers, none negative.
    private static func put(_ key: StaticString, _ number: Int64, _ bytes: inout [UInt8]) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount))
        let first = bytes.count
        var rest = number.magnitude
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        bytes[first...].reverse()
    }
}
