import Testing

@testable import Analyzer

@Suite struct HostRestsTests {
    private func rests() -> HostRests { HostRests(restUs: 1000, hosts: 2, longestAttemptUs: 500) }

    private func failure(
        of host: Int, sentUs: Int64, atUs: Int64, share: Double = 1, open: Double = 1, isForced: Bool = false
    ) -> HostFailure {
        HostFailure(host: host, sentUs: sentUs, atUs: atUs, share: share, open: open, isForced: isForced)
    }

    @Test func aHostRestsFromItsFailureOn() {
        var rests = rests()
        #expect(!rests.isAnyResting(atUs: 0) && rests.share(0, atUs: 0) == 0)
        rests.fail(failure(of: 0, sentUs: 90, atUs: 100))
        #expect([99, 100, 1099, 1100].map { rests.share(0, atUs: $0) } == [0, 1, 1, 0])
        #expect(rests.share(1, atUs: 500) == 0)
        #expect(rests.isAnyResting(atUs: 1099) && !rests.isAnyResting(atUs: 1100))
    }

    @Test func aFailureUnderWayProlongsTheRestAndOneThatCannotHaveBeenDoesNot() {
        var rests = rests()
        rests.fail(failure(of: 0, sentUs: 90, atUs: 100))
        rests.fail(failure(of: 0, sentUs: 95, atUs: 300))
        #expect(rests.share(0, atUs: 1200) == 1 && rests.share(0, atUs: 1300) == 0)
        // Sent while it rested: nobody did.
        rests.fail(failure(of: 0, sentUs: 400, atUs: 500, open: 0))
        #expect(rests.share(0, atUs: 1300) == 0)
        // Unless all hosts rested.
        rests.fail(failure(of: 0, sentUs: 400, atUs: 500, isForced: true))
        #expect(rests.share(0, atUs: 1300) == 1)
    }

    @Test func chancesMultiply() {
        var rests = rests()
        rests.fail(failure(of: 0, sentUs: 0, atUs: 100, share: 0.5))
        #expect(rests.share(0, atUs: 200) == 0.5)
        // Sent only in the half in which it does not rest.
        rests.fail(failure(of: 0, sentUs: 200, atUs: 400, share: 0.5, open: 0.5))
        #expect(rests.share(0, atUs: 500) == 0.75)
        #expect(rests.share(0, atUs: 1100) == 0.25)
        #expect(rests.openHosts(atUs: 500) { _ in 0.74 } == [1] && rests.openHosts(atUs: 500) { _ in 0.75 } == [0, 1])
    }

    @Test func rareFailuresAreKeptByTheHundredAndAddUp() {
        var rests = HostRests(restUs: 1_000_000, hosts: 1, longestAttemptUs: 500)
        var none = 1.0
        for number in 0..<2000 {
            let us = Int64(number) * 100
            rests.fail(failure(of: 0, sentUs: us, atUs: us + 10, share: 0.0001))
            none *= 1 - 0.0001
        }
        #expect(abs(rests.share(0, atUs: 200_000) - (1 - none)) < 0.002)
        // A tenth of a rest later half of them are over, to the 64th of a rest by which they are kept.
        #expect(abs(rests.share(0, atUs: 1_100_000) - (1 - none) / 2) < 0.02)
    }

    @Test func aForcedFailureCountsWhetherItsHostRestsOrNot() {
        var rests = rests()
        rests.fail(failure(of: 0, sentUs: 0, atUs: 100, share: 0.5))
        rests.fail(failure(of: 0, sentUs: 200, atUs: 300, share: 0.5, isForced: true))
        #expect(rests.share(0, atUs: 1050) == 0.75 && rests.share(0, atUs: 1100) == 0.5)
        #expect(rests.share(0, atUs: 1300) == 0)
    }
}
