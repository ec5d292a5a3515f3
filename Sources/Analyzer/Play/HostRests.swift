import Retry

/// An attempt on a host ended in a failure while no answer had ended its request.
struct HostFailure {
    let host: Int
    /// When the attempt was sent: only while the host did not rest, unless all did.
    let sentUs: Int64
    let atUs: Int64
    /// P(it was sent and failed | it could be sent).
    let share: Double
    /// P(it could be sent), as `HostRests` had it then.
    let open: Double
    /// Whether it was sent whether its host rested or not, as all others did.
    let isForced: Bool
}

/// Which hosts rest because an attempt on them failed a short while ago, each with its probability.
///
/// What a host has been through is kept as shares of all that may have happened: in so much of it the host's last
/// failure ended then. Hosts are taken as independent of each other. Where it is certain what failed, all shares are 0
/// or 1, and what is said is exact. methods: ejection
struct HostRests {
    /// In so much of all that may have happened, the host has rested since `fromUs`, its last failure ended at `atUs`.
    private struct LastFailure {
        var fromUs: Int64
        var atUs: Int64
        var share: Double
    }

    /// How long a host rests after a failure.
    private let restUs: Int64
    /// By host, in order of time; what is missing to 1 never failed, or so long ago that it does not matter.
    private var failures: [[LastFailure]]
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

    private func isResting(_ failure: LastFailure, _ us: Int64) -> Bool {
        failure.fromUs <= us && (us < failure.atUs || us - failure.atUs < restUs)
    }

    /// Events are told in order of time.
    mutating func fail(_ event: HostFailure) {
        if event.share < Self.leastShare { return }
        let (sentUs, atUs) = (event.sentUs, event.atUs)
        // Taken out, so that it is changed where it stands.
        var list = failures[event.host]
        failures[event.host] = []
        let isForced = event.isForced
        var (known, possible) = (0.0, 0.0)
        for failure in list {
            known += failure.share
            if isForced || !isResting(failure, sentUs) { possible += failure.share }
        }
        let never = max(0, 1 - known)
        possible += never
        // Of rests that are over nothing is remembered, so that more may seem to have been possible than was.
        let part = event.share * min(1, possible > 0 ? event.open / possible : 0)
        var begun = LastFailure(fromUs: atUs, atUs: atUs, share: never * part)
        var prolonged: [LastFailure] = []
        var kept = 0
        for place in list.indices {
            var failure = list[place]
            if isForced || !isResting(failure, sentUs) {
                let gone = failure.share * part
                failure.share -= gone
                if gone > 1e-4, isResting(failure, atUs) {
                    prolonged.append(LastFailure(fromUs: failure.fromUs, atUs: atUs, share: gone))
                } else {
                    begun.share += gone
                }
            }
            if isOver(failure, atUs) { continue }
            list[kept] = failure
            kept += 1
        }
        list.removeLast(list.count - kept)
        add(begun, to: &list)
        for failure in prolonged { add(failure, to: &list) }
        failures[event.host] = list
        let (untilUs, overflow) = atUs.addingReportingOverflow(restUs)
        restsUntilUs = max(restsUntilUs, overflow ? .max : untilUs)
    }

    /// Whether a failure need not be remembered: no attempt is under way that began before the end of the rest, or so
    /// little is left of it that it does not matter, and nothing will be added.
    private func isOver(_ failure: LastFailure, _ us: Int64) -> Bool {
        let ageUs = us - failure.atUs
        return ageUs > memoryUs && ageUs - memoryUs > restUs || failure.share < Self.leastShare && ageUs >= nearUs
    }

    /// Rare failures soon after each other are as one: there would be one for each request.
    private func add(_ failure: LastFailure, to list: inout [LastFailure]) {
        if let last = list.last, failure.atUs - last.atUs < nearUs, last.share < 0.05, failure.share < 0.05 {
            list[list.count - 1].share += failure.share
        } else if failure.share > 1e-12 {
            list.append(failure)
        }
    }

    private var nearUs: Int64 { restUs / 64 }
}
