import Retry
import Synchronization
import Testing

@testable import Analyzer

/// Routes in memory.
private struct Routes: AttemptSource {
    struct Broken: Error {}

    var columns: [AttemptColumns]
    /// Reading breaks off before this one.
    var breaksAt: String?

    func routes(fromUs: Int64?, toUs: Int64?) -> [RouteSummary] {
        columns.map {
            RouteSummary(
                route: $0.route, attempts: $0.count, firstStartUs: $0.startUs.first ?? 0,
                lastStartUs: $0.startUs.last ?? 0)
        }.sorted { $0.route < $1.route }
    }

    func attempts(route: String, fromUs: Int64?, toUs: Int64?) throws -> AttemptColumns {
        if route == breaksAt { throw Broken() }
        return columns.first { $0.route == route } ?? AttemptColumns(route: route)
    }

    func missingAttempts(fromUs: Int64?, toUs: Int64?) -> Int { 0 }
}

@Suite struct RouteCrewTests {
    /// Seven routes of different size and fate.
    private var routes: Routes {
        Routes(
            columns: (0..<7).map { number in
                var columns = SampleLog.columns(
                    seconds: 20 + 6 * ((number * 3) % 7), hosts: 1 + number % 3,
                    isDown: number % 2 == 0 ? SampleLog.routeOutages : SampleLog.hostOutages)
                columns.route = "r\(number)"
                return columns
            })
    }

    private func tuned(threads: Int, clock: (@Sendable () -> Int64)? = nil) throws -> TuneResult {
        var tuner = Tuner(replicates: 50)
        tuner.threads = threads
        tuner.clock = clock
        tuner.listsCandidates = true
        return try tuner.run(routes, nowUs: 5)
    }

    @Test(arguments: [2, 3, 16]) func theResultDoesNotDependOnTheNumberOfThreads(threads: Int) throws {
        let (one, many) = (try tuned(threads: 1), try tuned(threads: threads))
        #expect(many.routes.map(\.route) == (0..<7).map { "r\($0)" })
        #expect(many.ruleSet == one.ruleSet)
        for (a, b) in zip(one.routes, many.routes) {
            #expect(a.candidates == b.candidates)
            #expect(a.present == b.present && a.chosen == b.chosen && a.change == b.change)
            #expect(a.reason == b.reason && a.assumptions == b.assumptions)
        }
    }

    @Test func whatBreaksReadingEndsTheRun() {
        var broken = routes
        broken.breaksAt = "r3"
        for threads in [1, 3] {
            var tuner = Tuner(replicates: 20)
            tuner.threads = threads
            #expect(throws: Routes.Broken.self) { try tuner.run(broken, nowUs: 0) }
        }
    }

    @Test(arguments: [1, 3]) func everyTickOfTheClockBelongsToOneStage(threads: Int) throws {
        // A clock that ticks when it is looked at: the stages of all threads together have all ticks but the first look
        // of each meter.
        let ticks = Mutex<Int64>(0)
        let result = try tuned(threads: threads) {
            ticks.withLock { ticks in
                ticks += 1
                return ticks
            }
        }
        let times = try #require(result.times)
        for stage in [TuneStage.reading, .states, .latency, .evidence, .playing, .multiplying, .drawing] {
            #expect(times.nanoseconds[stage] ?? 0 > 0, "\(stage)")
        }
        if threads == 1 { #expect(times.total == ticks.withLock { $0 } - 1) }
        #expect(times.operations > 0 && !times.products.isEmpty)
        #expect(times.products.allSatisfy { $0.rows == 50 })
    }
}
