import Retry

/// Which hosts rest because an attempt on them failed a short while ago, each with its probability.
///
/// What a host has been through is kept as shares of all that may have happened: in so much of it the host's last
/// failure ended then. Hosts are taken as independent of each other. Where it is certain what failed, all shares are 0
/// or 1, and what is said is exact. methods: ejection
struct HostRests {
    /// In so much of all that may have happened, the host has rested since `fromUs`, its last failure ended at `atUs`.
    private struct Failure {
        var fromUs: Int64
        var atUs: Int64
        var share: Double
    }

    /// How long a host rests after a failure.
    let restUs: Int64
    /// By host, in order of time; what is missing to 1 never failed, or so long ago that it does not matter.
    private var failures: [[Failure]]
    /// Before this instant something may rest.
    private var restsUntilUs = Int64.min
    /// How long failures are remembered after the rest is over: attempts that began before may still be under way.
    private let memoryUs: Int64

    /// Rests of less than this share are passed over.
    static let leastShare = 1e-6

    init(restUs: Int64, hosts: Int, longestAttemptUs: Int64) {
        self.restUs = restUs
        failures = Array(repeating: [], count: hosts)
        memoryUs = longestAttemptUs
    }

    /// Whether any host may be resting.
    func isAnyResting(atUs us: Int64) -> Bool { us < restsUntilUs }

    /// P(a host rests). A rest ends at an instant, and the host may be tried at it.
    func share(_ host: Int, atUs us: Int64) -> Double {
        if !isAnyResting(atUs: us) { return 0 }
        var share = 0.0
        for failure in failures[host].reversed() {
            if us - failure.atUs >= restUs { break }
            if isResting(failure, us) { share += failure.share }
        }
        return share < Self.leastShare ? 0 : share > 1 - Self.leastShare ? 1 : share
    }

    /// The hosts that do not rest; of those that may, the ones whose draw, uniform in [0, 1), says so.
    func openHosts(atUs us: Int64, draw: (_ host: Int) -> Double) -> [Int] {
        let hosts = failures.indices
        if !isAnyResting(atUs: us) { return Array(hosts) }
        return hosts.filter { host in
            let share = share(host, atUs: us)
            return share <= 0 || share < 1 && draw(host) >= share
        }
    }

    private func isResting(_ failure: Failure, _ us: Int64) -> Bool {
        failure.fromUs <= us && (us < failure.atUs || us - failure.atUs < restUs)
    }

    /// An attempt on a host ended in a failure.
    ///
    /// - Parameters:
    ///   - sentUs: when it was sent: only while the host did not rest, unless all did.
    ///   - share: P(it was sent and failed | it could be sent).
    ///   - open: P(it could be sent), as `share(_:atUs:)` had it then.
    mutating func fail(_ host: Int, sentUs: Int64, atUs: Int64, share: Double, open: Double, isForced: Bool) {
        if share < Self.leastShare { return }
        let known = failures[host]
        let never = max(0, 1 - known.reduce(0) { $0 + $1.share })
        // Of rests that are over nothing is remembered, so that more may seem to have been possible than was.
        let possible = known.reduce(never) { isForced || !isResting($1, sentUs) ? $0 + $1.share : $0 }
        let part = share * min(1, possible > 0 ? open / possible : 0)
        var kept: [Failure] = []
        var moved = [Failure(fromUs: atUs, atUs: atUs, share: never * part)]
        for var failure in known {
            if isForced || !isResting(failure, sentUs) {
                let gone = failure.share * part
                failure.share -= gone
                if isResting(failure, atUs), gone > 1e-4 {
                    moved.append(Failure(fromUs: failure.fromUs, atUs: atUs, share: gone))
                } else {
                    moved[0].share += gone
                }
            }
            let isOver = atUs - failure.atUs > memoryUs && atUs - failure.atUs - memoryUs > restUs
            if failure.share > 1e-12 && !isOver { kept.append(failure) }
        }
        for failure in moved where failure.share > 1e-12 {
            // Rare failures soon after each other are as one: there would be one for each request.
            if let last = kept.last, atUs - last.atUs < restUs / 64, last.share < 0.05, failure.share < 0.05 {
                kept[kept.count - 1].share += failure.share
            } else {
                kept.append(failure)
            }
        }
        failures[host] = kept
        let (untilUs, overflow) = atUs.addingReportingOverflow(restUs)
        restsUntilUs = max(restsUntilUs, overflow ? .max : untilUs)
    }
}
