import Glibc
import TestSupport

@testable import Collector

/// Which questions read which bytes of a file.
///
/// An answer is made of the bytes that were read for it. A byte that SQLite did not ask the disk for while it answered
/// cannot change the answer: with that byte changed, the same bytes would be read again. So nobody need ask.
struct QuestionsByByte {
    /// Of every eight bytes the questions, a bit each.
    private var readers: [UInt64]

    /// Asks each question of a store of its own, with a witness behind SQLite.
    ///
    /// - Parameters:
    ///   - name: the file; it is read by way of SQLite alone, but for its first bytes.
    ///   - size: its length in bytes.
    ///   - directory: where it is.
    ///   - store: the store that is asked.
    init(of name: String, size: Int, in directory: TemporaryDirectory, store: String) {
        precondition(StoreQuestion.all.count <= 64, "a bit for each question (are \(StoreQuestion.all.count))")
        readers = Array(repeating: 0, count: (size + 7) / 8)
        for number in StoreQuestion.all.indices {
            let recording = RecordingVFS.watch(directory.path)
            defer { RecordingVFS.unwatch(directory.path) }
            _ = StoreAnswers(path: store, questions: [number])
            for range in recording.reads(of: name) {
                for eight in range.lowerBound / 8..<min((range.upperBound + 7) / 8, readers.count) {
                    readers[eight] |= 1 << UInt64(number)
                }
            }
        }
    }

    /// The questions whose answers the byte can change.
    func questions(at position: Int) -> [Int] {
        StoreQuestion.all.indices.filter { readers[position / 8] >> UInt64($0) & 1 == 1 }
    }
}

/// Changes bytes of a file one at a time and asks the store.
struct FlippedBytes {
    /// The store that is asked, and its file whose bytes are changed.
    let store: String
    let file: String
    let bytes: [UInt8]
    /// Which questions a byte can touch; `nil`: all.
    var readers: QuestionsByByte?
    let seed: UInt64

    /// What was found wrong, and at how many bytes the store complained.
    private(set) var wrong: [String] = []
    private(set) var noticed = 0

    init(_ file: String, of store: String, readers: QuestionsByByte? = nil, seed: UInt64) {
        (self.file, self.store, self.readers, self.seed) = (file, store, readers, seed)
        bytes = fileBytes(file)
    }

    /// Changes each of the bytes and tells where the answers were neither of `truth` nor complained about.
    mutating func walk(_ positions: [Int], truth: [StoreAnswers]) {
        let descriptor = open(file, O_WRONLY | O_CLOEXEC)
        defer { close(descriptor) }
        var progress = Progress(of: positions.count, what: String(file.split(separator: "/").last ?? ""))
        for (index, at) in positions.enumerated() {
            var changed = bytes[at] ^ mask(at)
            pwrite(descriptor, &changed, 1, off_t(at))
            // At one byte in 251 all are asked, whatever was read, and each on a connection of its own.
            let isControl = at % 251 == 0
            let questions = questions(at, isControl)
            if !questions.isEmpty {
                let answers = StoreAnswers(path: store, questions: questions, isOneByOne: isControl)
                var wrong = answers.difference(from: truth)
                if !answers.complaints.isEmpty {
                    noticed += 1
                    wrong = wrong ?? afterRefusal(answers, questions, isControl, truth) ?? contradiction(to: answers)
                }
                if let wrong {
                    let place = "byte \(at) (page or frame \(at / 8_192), seed \(seed)) ^ \(mask(at)): \(wrong)"
                    self.wrong.append(place)
                    Progress.say("WRONG \(file): \(place)")
                }
            }
            changed = bytes[at]
            pwrite(descriptor, &changed, 1, off_t(at))
            progress.passed(index + 1, "byte \(at) of \(bytes.count), \(noticed) noticed, \(wrong.count) wrong")
        }
    }

    /// How the same store answers on once it has refused a question: a connection keeps names, ledger and transaction.
    private func afterRefusal(
        _ answers: StoreAnswers, _ questions: [Int], _ isControl: Bool, _ truth: [StoreAnswers]
    ) -> String? {
        guard answers.isOpened else { return nil }
        return StoreAnswers(path: store, questions: questions, isOneByOne: isControl, goesOn: true)
            .difference(from: truth)
    }

    /// What reading has complained about, the check of everything must find.
    private func contradiction(to answers: StoreAnswers) -> String? {
        guard answers.isOpened, let complaint = answers.complaints.first,
            let check = try? AttemptStore.open(path: store, mode: .readOnly).checkEverything(), check.isSound
        else { return nil }
        return "the check calls the store sound, reading says: \(complaint)"
    }

    /// One bit at two of three bytes, for a number or a flag that is off by one bit looks most like a sound one; any
    /// number of bits at the others.
    private func mask(_ at: Int) -> UInt8 {
        var random = SeededGenerator(seed: seed &* 1_000_003 &+ UInt64(at))
        if at % 3 != 0 { return 1 << UInt8.random(in: 0..<8, using: &random) }
        return UInt8.random(in: 1...255, using: &random)
    }

    /// What is asked, beginning with another question at each byte: what one has found and kept, later ones do not
    /// read again.
    private func questions(_ at: Int, _ isControl: Bool) -> [Int] {
        let all = Array(StoreQuestion.all.indices)
        let questions = isControl ? all : readers?.questions(at: at) ?? all
        let first = questions.isEmpty ? 0 : at % questions.count
        return Array(questions[first...] + questions[..<first])
    }
}

/// A line every ten seconds where all is walked, so that a run that was cut off still tells how far it came.
private struct Progress {
    private let count: Int
    private let what: String
    private let begun = ContinuousClock.now
    private var said = ContinuousClock.now

    init(of count: Int, what: String) { (self.count, self.what) = (count, what) }

    mutating func passed(_ done: Int, _ state: @autoclosure () -> String) {
        let now = ContinuousClock.now
        guard Thoroughness.isFull, now - said >= .seconds(10) || done == count else { return }
        said = now
        let left = (now - begun) * (Double(count - done) / Double(done))
        Self.say(
            "\(what): \(done) of \(count) bytes changed (\(state())) in \((now - begun).components.seconds) s, "
                + "about \(left.components.seconds) s left")
    }

    static func say(_ line: String) {
        let bytes = Array("\(line)\n".utf8)
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }
}
