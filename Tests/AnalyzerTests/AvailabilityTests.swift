import Retry
import Testing

@testable import Analyzer

@Suite struct AvailabilityTests {
    @Test func hostsThatFailTogetherAreReadAsOne() {
        let availability = Availability(SampleLog.columns(isDown: SampleLog.routeOutages))
        #expect(availability.isShared)
        let answers = availability.answerProbabilities().probability
        // 50 ms into an outage both hosts are surely down; a second later both are surely up.
        for host in 0...1 {
            #expect(answers(host, SampleLog.epochUs + 2_550_000) < 0.1)
            #expect(answers(host, SampleLog.epochUs + 3_550_000) > 0.95)
        }
    }

    @Test func hostsThatFailAloneAreReadApart() {
        let availability = Availability(SampleLog.columns(isDown: SampleLog.hostOutages))
        #expect(!availability.isShared)
        let answers = availability.answerProbabilities().probability
        #expect(answers(0, SampleLog.epochUs + 2_650_000) < 0.1)
        #expect(answers(1, SampleLog.epochUs + 2_650_000) > 0.95)
    }

    @Test func aSingleHostHasNothingToShare() {
        #expect(!Availability(SampleLog.columns(hosts: 1, isDown: SampleLog.routeOutages)).isShared)
    }

    @Test func fourInstantsAreAnsweredLikeOneByOne() {
        for outages in [SampleLog.routeOutages, SampleLog.hostOutages] {
            let reader = Availability(SampleLog.columns(isDown: outages)).answerProbabilities()
            for host in 0...1 {
                let atUs = SampleLog.epochUs &+ SIMD4<Int64>(3_550_000, 2_650_000, 2_550_000, 2_500_000)
                let found = reader.probabilities(host, atUs)
                for lane in 0..<4 { #expect(abs(found[lane] - reader.probability(host, atUs[lane])) < 1e-14) }
            }
        }
    }
}
