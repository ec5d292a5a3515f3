import Retry

/// Logs whose every fact is known, for the tests of tuning.
enum SampleLog {
    static let epochUs: Int64 = 1_700_000_000_000_000

    /// One request every 10 ms for `seconds`, in turn on `hosts` hosts; answered in 4 ms unless its host is down
    /// (fails in 1 ms with 503, and asks to come back after `retryAfterUs`); one attempt each.
    static func columns(
        seconds: Int = 60, hosts: Int = 2, method: String = "GET", retryAfterUs: Int64 = 0,
        isDown: (_ host: Int, _ offsetUs: Int64) -> Bool
    ) -> AttemptColumns {
        let attempts = (0..<seconds * 100).map { index in
            let offsetUs = Int64(index) * 10_000
            let host = index % hosts
            let fails = isDown(host, offsetUs)
            return Attempt(
                startUs: epochUs + offsetUs, durationUs: fails ? 1000 : 4000 + Int64(index % 7) * 100, route: "r",
                host: "h\(host)", request: UInt64(index) + 1, outcome: fails ? .errorStatus : .success,
                status: fails ? 503 : 200, timeoutUs: 2_000_000, retryAfterUs: fails ? retryAfterUs : 0, method: method)
        }
        return AttemptColumns(route: "r", attempts: attempts)
    }

    /// Every two seconds all hosts are down for 100, 200 or 300 ms.
    static func routeOutages(_: Int, offsetUs: Int64) -> Bool {
        let second = offsetUs / 2_000_000
        return offsetUs % 2_000_000 - 500_000 < (second % 3 + 1) * 100_000 && offsetUs % 2_000_000 >= 500_000
    }

    /// Every two seconds host 0 alone is down for 300 ms.
    static func hostOutages(host: Int, offsetUs: Int64) -> Bool {
        host == 0 && (500_000..<800_000).contains(offsetUs % 2_000_000)
    }

    static func configuration(_ objective: Objective = Objective(), bounds: Bounds = Bounds()) -> Configuration {
        Configuration(
            objective: objective, routes: [RouteConfiguration(name: "r", objective: objective, bounds: bounds)])
    }
}
