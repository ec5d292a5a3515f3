import Retry
import Testing

@Suite struct SplitMix64Tests {
    @Test func `the generator yields the published numbers`() {
        // The first outputs for seed 1234567 (Rosetta Code, "Pseudo-random numbers/Splitmix64").
        var generator = SplitMix64(seed: 1_234_567)
        let expected: [UInt64] = [
            6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423, 4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ]
        #expect((0..<5).map { _ in generator.next() } == expected)
    }

    @Test func `each name and each list of numbers has a stream of its own`() {
        func first(_ name: String, _ number: UInt64...) -> UInt64 {
            var generator = number.isEmpty ? SplitMix64(seed: 1, name) : SplitMix64(seed: 1, name, number[0])
            return generator.next()
        }
        #expect(first("a") == first("a"))
        #expect(Set([first("a"), first("b"), first("a", 0), first("a", 1), first("b", 1)]).count == 5)
    }
}
