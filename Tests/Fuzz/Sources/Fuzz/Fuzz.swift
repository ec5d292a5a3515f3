import Glibc

/// libFuzzer's entry (https://llvm.org/docs/LibFuzzer.html): one input for the target that the environment variable
/// `FUZZ_TARGET` names. Whatever it is, nothing may trap, and what a target promises must hold.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    chosen.run(UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count))
    return 0
}

private let chosen: FuzzTarget = {
    let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let target = FuzzTarget.all[name] else {
        preconditionFailure("FUZZ_TARGET must be one of \(FuzzTarget.all.keys.sorted()) (is '\(name)')")
    }
    return target
}()

/// What is fuzzed.
struct FuzzTarget: Sendable {
    let run: @Sendable (UnsafeRawBufferPointer) -> Void

    static let all: [String: FuzzTarget] = [
        "segment": FuzzTarget { SegmentTarget.decode($0) },
        "columns": FuzzTarget { SegmentTarget.roundTrip($0) },
        "attempts": FuzzTarget { LineTarget.attempts($0) },
        "envoy": FuzzTarget { LineTarget.envoy($0) },
        "rules": FuzzTarget { TextTarget.rules($0) },
        "config": FuzzTarget { TextTarget.configuration($0) },
        "duration": FuzzTarget { TextTarget.duration($0) },
        "wal": FuzzTarget { TextTarget.log($0) },
    ]
}
