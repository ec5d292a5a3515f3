import Retry
import Testing

@Suite struct AttemptTests {
    @Test func `what a log does not say takes the value that says so`() {
        let attempt = Attempt(startUs: 10, durationUs: 5, route: "checkout", outcome: .success)
        #expect(attempt.endUs == 15)
        #expect(attempt.attempt == 1)
        #expect(attempt.host == "" && attempt.method == "")
        #expect([attempt.waitUs, attempt.timeoutUs, attempt.retryAfterUs] == [0, 0, 0])
        #expect(attempt.status == 0 && attempt.ruleVersion == 0 && attempt.request == 0)
        #expect(!attempt.hedge && !attempt.isGRPC)
    }
}
