import Synchronization
import Testing

@testable import Collector

@Suite struct CrewTests {
    @Test(arguments: [0, 1, 2, 5, 1_000], [0, 1, 2, 7])
    func `every task is done once`(tasks: Int, threads: Int) {
        let done = Mutex<[Int]>([])
        Crew.run(tasks, threads: threads) { task in done.withLock { $0.append(task) } }
        #expect(done.withLock { $0.sorted() } == Array(0..<tasks))
        if threads < 2 { #expect(done.withLock { $0 } == Array(0..<tasks)) }
        #expect(Crew.cores >= 1)
    }
}
