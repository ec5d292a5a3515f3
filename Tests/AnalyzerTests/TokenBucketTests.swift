import Testing

@testable import Analyzer

@Suite struct TokenBucketTests {
    @Test func aFullBucketServesItsBurstAndThenAsTokensFlowIn() {
        var bucket = TokenBucket(perSecond: 10, burst: 3)
        let served = [0, 0, 0, 0, 99_999, 100_000, 199_999, 200_000].map { bucket.take(atUs: $0) }
        #expect(served == [true, true, true, false, false, true, false, true])
    }

    @Test func whoIsRefusedTakesNothing() {
        var bucket = TokenBucket(perSecond: 1, burst: 1)
        let served1 = bucket.take(atUs: 0)
        #expect(served1)
        for atUs in stride(from: Int64(100_000), to: 1_000_000, by: 100_000) {
            let isServed = bucket.take(atUs: atUs)
            #expect(!isServed)
        }
        let served3 = bucket.take(atUs: 1_000_000)
        #expect(served3)
    }

    @Test func itNeverHoldsMoreThanItsBurst() {
        var bucket = TokenBucket(perSecond: 1000, burst: 2)
        let served4 = bucket.take(atUs: 0)
        #expect(served4)
        bucket.advance(toUs: 60_000_000)
        #expect(bucket.tokens == 2)
    }

    @Test func aShareOfAnAttemptNeedsAWholeTokenAndTakesItsShare() {
        var bucket = TokenBucket(perSecond: 1, burst: 1)
        let served5 = bucket.take(atUs: 0, share: 0.25)
        #expect(served5)
        #expect(bucket.tokens == 0.75)
        let served6 = bucket.take(atUs: 0, share: 0.25)
        #expect(!served6)
        let served7 = bucket.take(atUs: 250_000, share: 1)
        #expect(served7)
    }

    @Test func timeThatRunsBackwardsBringsNoTokens() {
        var bucket = TokenBucket(perSecond: 1, burst: 1)
        let served8 = bucket.take(atUs: 5_000_000)
        #expect(served8)
        let served9 = bucket.take(atUs: 1_000_000)
        #expect(!served9)
        let served10 = bucket.take(atUs: 5_500_000)
        #expect(!served10)
        let served11 = bucket.take(atUs: 6_000_000)
        #expect(served11)
    }

    @Test func followingWhatItWouldHaveDoneItIsNeverOff() {
        var (bucket, other) = (TokenBucket(perSecond: 7, burst: 4), TokenBucket(perSecond: 7, burst: 4))
        var atUs: Int64 = 0
        for step in 0..<2000 {
            atUs += Int64(step * 7919 % 280_001)
            let isServed = bucket.take(atUs: atUs)
            let missed = other.follow(atUs: atUs, wasRefused: !isServed)
            #expect(missed == 0)
            #expect(abs(bucket.tokens - other.tokens) < 1e-12)
        }
    }

    @Test func followingAnotherItGoesOnFromTheNearestState() {
        var bucket = TokenBucket(perSecond: 1, burst: 5)
        // It holds five tokens and is told that it refused: less than one is left.
        let held = bucket.follow(atUs: 0, wasRefused: true)
        #expect(abs(held - 4) < 1e-6)
        #expect(bucket.tokens < 1)
        // Half a second later it holds one and a half and serves, as told.
        let none = bucket.follow(atUs: 500_000, wasRefused: false)
        #expect(none == 0)
        // It holds one half and is told that it served: half a token is missing.
        let half = bucket.follow(atUs: 500_000, wasRefused: false)
        #expect(abs(half - 0.5) < 1e-5)
        #expect(bucket.tokens == 0)
    }
}
