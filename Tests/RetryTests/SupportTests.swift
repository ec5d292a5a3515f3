import FoundationEssentials
import Testing
import TestSupport

@Suite struct SupportTests {
    @Test func `a seeded generator yields the published numbers of SplitMix64`() {
        // The first outputs for seed 1234567 (Rosetta Code, "Pseudo-random numbers/Splitmix64").
        var generator = SeededGenerator(seed: 1_234_567)
        let expected: [UInt64] = [
            6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423, 4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ]
        #expect((0..<5).map { _ in generator.next() } == expected)
        #expect("\(generator)" == "seed 1234567")
    }

    @Test func `units lie in the half-open interval and fill it evenly`() {
        var generator = SeededGenerator(seed: 7)
        var tenths = Array(repeating: 0, count: 10)
        for _ in 0..<10_000 {
            let unit = generator.unit()
            #expect(unit >= 0 && unit < 1)
            tenths[Int(unit * 10)] += 1
        }
        // Five standard deviations of a binomial count, sqrt(10,000 × 0.1 × 0.9) = 30.
        #expect(tenths.allSatisfy { abs($0 - 1000) < 150 }, "\(tenths) \(generator)")
    }

    @Test func `the given seeds are used`() {
        #expect(SeededGenerator.seeds([3, 4]).prefix(2) == [3, 4])
    }

    @Test func `a manual clock stands, moves on and never goes back`() {
        let clock = ManualClock(nowUs: 5)
        #expect(clock.nowUs == 5)
        #expect(clock.nowUs == 5)
        #expect(clock.advance(byUs: 10) == 15)
        #expect(clock.advance(toUs: 12) == 15)
        #expect(clock.advance(toUs: 20) == 20)
        #expect(clock.nowUs == 20)
    }

    @Test func `every combination is visited once, also where options depend on earlier choices`() throws {
        var seen: [[Int]] = []
        let runs = try withEvery { choice in
            let length = choice.of(0...2, "length")
            seen.append((0..<length).map { _ in choice.of([7, 8], "digit") })
        }
        #expect(runs == 1 + 2 + 4)
        #expect(seen == [[], [7], [8], [7, 7], [7, 8], [8, 7], [8, 8]])
    }

    @Test func `a failing combination names its choices`() {
        let failure = #expect(throws: ExhaustiveFailure.self) {
            try withEvery { choice in
                let a = choice.of(1...3, "a")
                let isOdd = choice.flag("odd")
                try choice.require(!(a == 2 && isOdd), "the two do not go together")
            }
        }
        #expect(failure.map { "\($0)" } == "the two do not go together [a: 2, odd: true]")
    }

    @Test func `an error thrown by the body is reported with the choices`() {
        struct Broken: Error {}
        let failure = #expect(throws: ExhaustiveFailure.self) {
            try withEvery { choice in
                if choice.of([1, 2], "n") == 2 { throw Broken() }
            }
        }
        #expect(failure.map { "\($0)" } == "Broken() [n: 2]")
    }

    @Test func `a temporary directory is new, usable and gone afterwards`() async throws {
        let first = try withTemporaryDirectory { (path: String) throws -> String in
            let content = try FileManager.default.contentsOfDirectory(atPath: path)
            #expect(content.isEmpty)
            #expect(FileManager.default.createFile(atPath: path + "/file", contents: Data([1])))
            return path
        }
        #expect(!FileManager.default.fileExists(atPath: first))
        let second = try await withTemporaryDirectory { path async in
            #expect(FileManager.default.fileExists(atPath: path))
            return path
        }
        #expect(second != first)
        #expect(!FileManager.default.fileExists(atPath: second))
    }

    @Test func `a temporary directory is gone also when the body throws`() {
        struct Broken: Error { let path: String }
        let broken = #expect(throws: Broken.self) { try withTemporaryDirectory { throw Broken(path: $0) } }
        #expect(broken.map { FileManager.default.fileExists(atPath: $0.path) } == false)
    }
}
