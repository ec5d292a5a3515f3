import Retry
import Testing

@testable import Analyzer

@Suite struct AvailabilityTests {
    @Test func hostsThatFailTogetherAreReadAsOne() {
        let availability = Availability(SampleLog.columns(isDown: SampleLog.routeOutages))
        #expect(availability.isShared)
        // 50 ms into an outage both hosts are surely down; a second later both are surely up.
        for host in 0...1 {
            #expect(availability.answerProbability(host: host, atUs: SampleLog.epochUs + 2_550_000) < 0.1)
            #expect(availability.answerProbability(host: host, atUs: SampleLog.epochUs + 3_550_000) > 0.95)
        }
    }

    @Test func hostsThatFailAloneAreReadApart() {
        let availability = Availability(SampleLog.columns(isDown: SampleLog.hostOutages))
        #expect(!availability.isShared)
        #expect(availability.answerProbability(host: 0, atUs: SampleLog.epochUs + 2_650_000) < 0.1)
        #expect(availability.answerProbability(host: 1, atUs: SampleLog.epochUs + 2_650_000) > 0.95)
    }

    @Test func aSingleHostHasNothingToShare() {
        #expect(!Availability(SampleLog.columns(hosts: 1, isDown: SampleLog.routeOutages)).isShared)
    }
}
