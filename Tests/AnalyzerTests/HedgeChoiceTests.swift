import Retry
import TestSupport
import Testing

@testable import Analyzer

@Suite struct HedgeChoiceTests {
    private let objective = Objective(
        deadlineUs: 1_000_000, failureCostUs: 10_000_000, attemptCostUs: 5000, maxExtraAttempts: 1)

    /// Half of the answers at 1 ms, half at 100 ms.
    private let two = SurvivalLine(us: [999, 1000, 99_999, 100_000], survival: [1, 0.5, 0.5, 0])

    private func search(
        _ line: SurvivalLine, _ objective: Objective, mostExtra: Double = 1,
        isFastAgain: @escaping (Int64) -> Bool = { _ in true }
    ) -> HedgeSearch {
        HedgeSearch(
            price: HedgePrice(first: line, again: line, objective: objective), mostExtra: mostExtra,
            isFastAgain: isFastAgain)
    }

    /// Ten in a hundred take about ten times as long; a few never answer in time.
    private func body(_ generator: inout SeededGenerator, scale: Double = 1) -> SurvivalLine {
        let times = (0..<400).map { _ in
            scale * (generator.unit() < 0.1 ? 20_000 : 2000) * (1 + generator.unit() + 3 * generator.unit())
        }.sorted()
        let corners = [0] + times
        return SurvivalLine(us: corners, survival: corners.indices.map { 1 - 0.998 * Double($0) / 400 })
    }

    @Test func `one hedge as soon as the fast half has answered, two of them one after the other`() throws {
        let search = search(two, objective)
        #expect(abs(search.price.costUs([]) - 50_500) < 1)
        let single = try #require(search.bestSingle())
        // 1/2 at 1 ms, 1/4 at 1 ms after the hedge, 1/4 at 100 ms, half an attempt.
        #expect(single.delaysUs == [1000] && single.extraAttempts == 0.5)
        #expect(abs(single.costSeconds - (500 + 500 + 25_000 + 2500) / 1e6) < 2e-6)
        let double = try #require(search.bestDouble())
        // The first hedge has answered at 2 ms or takes as long as the first attempt.
        let delays = double.delaysUs
        #expect(delays[0] == 1000 && delays[1] >= 1990 && delays[1] <= 2010, "\(delays)")
        #expect(abs(double.costSeconds - (500 + 500 + 375 + 12_500 + 3750) / 1e6) < 1e-5)
        #expect(abs(double.extraAttempts - 0.75) < 0.01)
    }

    @Test func `the load limit is kept, and so is what was not seen to be fast again`() throws {
        // No delay below 100 ms makes less than half an attempt.
        let tight = try #require(search(two, objective, mostExtra: 0.4).bestSingle())
        #expect(tight.extraAttempts <= 0.4 && tight.delaysUs[0] > 99_999)
        var generator = SeededGenerator(seed: 5)
        let body = body(&generator)
        for most in [0.02, 0.05, 0.3] {
            let search = search(body, objective, mostExtra: most)
            #expect(try #require(search.bestSingle()).extraAttempts <= most)
            #expect(try #require(search.bestDouble()).extraAttempts <= most)
        }
        let late = try #require(search(body, objective) { $0 >= 30_000 }.bestSingle())
        let free = try #require(search(body, objective).bestSingle())
        #expect(late.delaysUs[0] >= 30_000 && free.delaysUs[0] < 30_000)
        #expect(search(body, objective) { _ in false }.bestDouble() == nil)
    }

    @Test(arguments: SeededGenerator.seeds([1, 2, 3]))
    func `prices are what playing the attempts gives`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let (first, again) = (body(&generator), body(&generator, scale: 1.3))
        let price = HedgePrice(first: first, again: again, objective: objective)
        func draw(_ line: SurvivalLine) -> Double { line.time(ofShare: generator.unit()) ?? .infinity }
        for delays in [[], [6000], [4000, 12_000]] as [[Double]] {
            let requests = 60_000
            var (costs, squares, sent) = (0.0, 0.0, 0)
            for _ in 0..<requests {
                var answerUs = draw(first)
                var extra = 0
                for delay in delays where answerUs > delay {
                    extra += 1
                    answerUs = min(answerUs, delay + draw(again))
                }
                sent += extra
                let late = answerUs > 1_000_000
                let costUs = min(answerUs, 1_000_000) + (late ? 10_000_000 : 0) + 5000 * Double(extra)
                costs += costUs
                squares += costUs * costUs
            }
            let mean = costs / Double(requests)
            let error = ((squares / Double(requests) - mean * mean) / Double(requests)).squareRoot()
            #expect(abs(mean - price.costUs(delays)) < 5 * error, "\(generator) \(delays)")
            #expect(abs(Double(sent) / Double(requests) - price.extra(delays)) < 0.012, "\(generator) \(delays)")
        }
    }

    @Test(arguments: SeededGenerator.seeds([11, 12]))
    func `no delays of a dense grid are cheaper, summed up in small steps of time`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let line = body(&generator)
        func slowly(_ delays: [Double]) -> (costUs: Double, extra: Double) {
            func left(_ us: Double, _ some: ArraySlice<Double>) -> Double {
                some.reduce(line.value(us)) { us > $1 ? $0 * line.value(us - $1) : $0 }
            }
            let step = 200.0
            var area = stride(from: step / 2, to: 200_000, by: step).reduce(0) { $0 + step * left($1, delays[...]) }
            area += 800_000 * left(500_000, delays[...])
            let extra = delays.indices.reduce(0) { $0 + left(delays[$1], delays[..<$1]) }
            return (area + 10_000_000 * left(1_000_000, delays[...]) + 5000 * extra, extra)
        }
        let search = search(line, objective, mostExtra: 0.15)
        let single = try #require(search.bestSingle())
        let double = try #require(search.bestDouble())
        #expect(abs(slowly(single.delaysUs.map(Double.init)).costUs / 1e6 / single.costSeconds - 1) < 0.002)
        let places = stride(from: 2000, through: 120_000, by: 2000).map { Double($0) }
        let ones = places.map { slowly([$0]) }.filter { $0.extra <= 0.15 }.map(\.costUs).min() ?? .infinity
        let pairs = places.flatMap { one in places.filter { $0 >= one }.map { slowly([one, $0]) } }
        let twos = pairs.filter { $0.extra <= 0.15 }.map(\.costUs).min() ?? .infinity
        #expect(single.costSeconds * 1e6 < ones * 1.003, "\(generator)")
        #expect(double.costSeconds * 1e6 < twos * 1.003, "\(generator)")
        #expect(double.costSeconds < single.costSeconds)
    }

    @Test func `in another unit of time the delays scale and the load stays`() throws {
        var (one, other) = (SeededGenerator(seed: 3), SeededGenerator(seed: 3))
        let small = try #require(search(body(&one), objective, mostExtra: 0.1).bestSingle())
        let thousand = Objective(
            deadlineUs: 1_000_000_000, failureCostUs: 10_000_000_000, attemptCostUs: 5_000_000, maxExtraAttempts: 1)
        let large = try #require(search(body(&other, scale: 1000), thousand, mostExtra: 0.1).bestSingle())
        #expect(abs(large.costSeconds / small.costSeconds / 1000 - 1) < 1e-3)
        #expect(abs(Double(large.delaysUs[0]) / Double(small.delaysUs[0]) / 1000 - 1) < 0.02)
        #expect(abs(large.extraAttempts - small.extraAttempts) < 0.005)
    }

    /// One request a millisecond on two hosts; a limit of 50 ms is retried; stragglers or big requests are cut off.
    private func evidence(method: String = "GET", isOwn: Bool) throws -> RouteEvidence {
        var attempts: [Attempt] = []
        for index in 0..<6000 {
            let isSlow = index % 20 == 7
            let startUs = SampleLog.epochUs + Int64(index) * 20_000
            func attempt(_ number: Int, _ atUs: Int64, isCut: Bool) -> Attempt {
                Attempt(
                    startUs: atUs, durationUs: isCut ? 50_000 : 4000 + Int64(index % 7) * 300, route: "r",
                    host: "h\((index + number) % 2)", request: UInt64(index) + 1, attempt: number,
                    outcome: isCut ? .timeout : .success, status: isCut ? 0 : 200, timeoutUs: 50_000, method: method)
            }
            attempts.append(attempt(1, startUs, isCut: isSlow))
            if isSlow { attempts.append(attempt(2, startUs + 50_000, isCut: isOwn)) }
        }
        let columns = AttemptColumns(route: "r", attempts: attempts.sorted { $0.startUs < $1.startUs })
        let setting = RouteSetting(
            route: "r", configuration: SampleLog.configuration(), present: nil, columns: columns)
        return try #require(RouteEvidence(columns, setting: setting))
    }

    @Test func `hedges are priced where second attempts were fast, and elsewhere it is said why not`() throws {
        let stragglers = try evidence(isOwn: false)
        let choice = HedgeChoice(stragglers, objective: objective, isRepeatable: true, retriesExtra: 0.05)
        #expect(choice.options.map(\.delaysUs.count) == [0, 1, 2] && choice.secondAttempts == 300)
        #expect(abs(choice.mostExtra - 0.95) < 1e-12)
        let best = try #require(choice.best)
        #expect(best.delaysUs.count > 0 && best.costSeconds < 0.9 * choice.options[0].costSeconds)
        #expect(choice.reason.hasPrefix("one hedge is enough"))
        // An attempt that costs more than any slow answer.
        var dear = objective
        dear.attemptCostUs = 1_000_000_000
        let kept = HedgeChoice(stragglers, objective: dear, isRepeatable: true, retriesExtra: 0)
        #expect(kept.best?.delaysUs == [] && kept.reason.hasPrefix("no hedge saves 1 %"), "\(kept)")
        let own = HedgeChoice(try evidence(isOwn: true), objective: objective, isRepeatable: true, retriesExtra: 0)
        #expect(own.options.isEmpty && own.reason.hasPrefix("dependent"))
        let post = HedgeChoice(stragglers, objective: objective, isRepeatable: false, retriesExtra: 0)
        #expect(post.options.isEmpty && post.reason == "requests may not be repeated")
        let never = try #require(
            RouteEvidence(
                SampleLog.columns(isDown: { _, _ in false }),
                setting: RouteSetting(
                    route: "r", configuration: nil, present: nil, columns: SampleLog.columns(isDown: { _, _ in false }))
            )
        )
        let unknown = HedgeChoice(never, objective: objective, isRepeatable: true, retriesExtra: 0)
        #expect(unknown.reason == "not identified: no slow request was sent again")
    }
}
