import Retry
import Testing

@Suite struct OutcomeTests {
    @Test func `what the store writes never changes meaning`() {
        let written: [(UInt8, Outcome, String)] = [
            (0, .success, "success"), (1, .errorStatus, "error_status"), (2, .rateLimited, "rate_limited"),
            (3, .timeout, "timeout"), (4, .connectFailure, "connect_failure"), (5, .reset, "reset"),
            (6, .cancelled, "cancelled"),
        ]
        #expect(written.map(\.1) == Outcome.allCases)
        for (raw, outcome, name) in written {
            #expect(outcome.rawValue == raw)
            #expect(Outcome(rawValue: raw) == outcome)
            #expect(outcome.name == name)
            #expect(Outcome(name: name) == outcome)
        }
        #expect(Outcome(rawValue: 7) == nil)
        for name in ["", "Success", "errorStatus", "error", "timeout "] { #expect(Outcome(name: name) == nil) }
    }

    @Test func `a cancelled attempt is neither success nor failure, and censored like a timeout`() {
        #expect(Outcome.allCases.filter { !$0.isFailure } == [.success, .cancelled])
        #expect(Outcome.allCases.filter(\.isCensored) == [.timeout, .cancelled])
    }

    @Test(arguments: [
        (200, Outcome.success), (204, .success), (301, .success), (404, .success), (428, .success), (429, .rateLimited),
        (430, .success), (499, .success), (500, .errorStatus), (503, .errorStatus), (599, .errorStatus),
    ])
    func `an HTTP status says whose failure it is`(status: Int, outcome: Outcome) {
        #expect(Outcome(httpStatus: status) == outcome)
    }

    @Test func `every gRPC status has its place`() {
        let failures: Set = [1, 2, 4, 13, 14, 15]
        for status in 0...16 {
            let wanted: Outcome = status == 8 ? .rateLimited : failures.contains(status) ? .errorStatus : .success
            #expect(Outcome(grpcStatus: status) == wanted)
        }
    }
}
