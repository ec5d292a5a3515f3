/// Reads attempt lines on several threads; the chunks come out in the order of the inputs.
///
/// The calling thread reads the bytes (and unpacks them), the workers parse. At most `chunksPerThread` chunks a thread
/// are under way, which bounds the memory.
final class AttemptReader {
    enum Step {
        case lines(LineChunk)
        /// The input of that number broke off after its last lines.
        case broken(input: Int, InputFault)
    }

    private enum Waiting {
        case lines(Handover<LineChunk>)
        case broken(input: Int, InputFault)
    }

    private static let chunksPerThread = 3

    private let workers: ImportWorkers
    private let cutters: [LineCutter]
    private let underWayMax: Int
    private var input = 0
    private var underWay: [Waiting] = []
    private var spare: [LineChunk] = []

    init(_ sources: [ByteSource], workers: ImportWorkers, threads: Int, chunkBytes: Int) {
        self.workers = workers
        cutters = sources.map { LineCutter($0, chunkBytes: chunkBytes) }
        underWayMax = threads * Self.chunksPerThread
    }

    /// The next lines, `nil` at the end of the last input.
    func next() -> Step? {
        while underWay.count < underWayMax, input < cutters.count { readOn() }
        if underWay.isEmpty { return nil }
        switch underWay.removeFirst() {
        case .broken(let input, let fault): return .broken(input: input, fault)
        case .lines(let handover):
            guard let chunk = handover.wait() else { preconditionFailure("a chunk came back empty") }
            return .lines(chunk)
        }
    }

    /// Takes a chunk back whose lines are done with.
    func recycle(_ chunk: consuming LineChunk) { spare.append(chunk) }

    private func readOn() {
        var chunk = spare.popLast() ?? LineChunk()
        chunk.clear()
        chunk.input = input
        do throws(InputFault) {
            guard try cutters[input].cut(into: &chunk) else {
                input += 1
                spare.append(chunk)
                return
            }
        } catch {
            underWay.append(.broken(input: input, error))
            input += 1
            return
        }
        let asked = Handover(chunk)
        let answered = Handover<LineChunk>()
        workers.run { scanner in
            guard var chunk = asked.take() else { return }
            scanner.read(&chunk)
            answered.give(chunk)
        }
        underWay.append(.lines(answered))
    }
}
