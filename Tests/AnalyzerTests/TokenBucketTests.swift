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
        let first = bucket.take(atUs: 0)
        #expect(first)
        for atUs in stride(from: Int64(100_000), to: 1_000_000, by: 100_000) {
            let isServed = bucket.take(atUs: atUs)
            #expect(!isServed)
        }
        let second = bucket.take(atUs: 1_000_000)
        #expect(second)
    }

    @Test func itNeverHoldsMoreThanItsBurst() {
        var bucket = TokenBucket(perSecond: 1000, burst: 2)
        let first = bucket.take(atUs: 0)
        #expect(first)
        bucket.advance(toUs: 60_000_000)
        #expect(bucket.tokens == 2)
    }

    @Test func whoDoesNotCountNeedsATokenAndLeavesIt() {
        var bucket = TokenBucket(perSecond: 1, burst: 1)
        let first = bucket.take(atUs: 0, counts: false)
        #expect(first && bucket.tokens == 1)
        let second = bucket.take(atUs: 0)
        #expect(second && bucket.tokens == 0)
        let third = bucket.take(atUs: 500_000, counts: false)
        #expect(!third)
    }

    @Test func timeThatRunsBackwardsBringsNoTokens() {
        var bucket = TokenBucket(perSecond: 1, burst: 1)
        let first = bucket.take(atUs: 5_000_000)
        #expect(first)
        let second = bucket.take(atUs: 1_000_000)
        #expect(!second)
        let third = bucket.take(atUs: 5_500_000)
        #expect(!third)
        let fourth = bucket.take(atUs: 6_000_000)
        #expect(fourth)
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
