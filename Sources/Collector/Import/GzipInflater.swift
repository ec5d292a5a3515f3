import CZlib

/// Unpacks gzip (RFC 1952), also several members one after the other, as `cat a.gz b.gz` makes them.
///
/// Memory is bounded by zlib's window; what was unpacked before damage is handed out before the damage is reported.
final class GzipInflater {
    private enum State {
        /// Inside a member. Exits: `between` at its end.
        case inside
        /// After a member. Exits: `inside` when another begins, `done` at the end of the input.
        case between
        /// Everything is unpacked.
        case done
    }

    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    private var state = State.inside

    init?() {
        stream.initialize(to: z_stream())
        // 16 + 15: gzip framing with its checksum, the largest window.
        let size = Int32(MemoryLayout<z_stream>.size)
        guard inflateInit2_(stream, 16 + 15, ZLIB_VERSION, size) == Z_OK else { return nil }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
        input.deallocate()
    }

    /// Unpacks into `output` and returns how many bytes, 0 at the end. `refill` gives packed bytes, 0 at their end.
    func read(
        into output: UnsafeMutableRawBufferPointer,
        refill: (UnsafeMutableRawBufferPointer) throws(InputFault) -> Int
    ) throws(InputFault) -> Int {
        stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(output.count)
        while true {
            var isEnded = false
            if stream.pointee.avail_in == 0 {
                let count = try refill(input)
                feed(count)
                isEnded = count == 0
            }
            switch state {
            case .done: return 0
            case .between: try enterNextMember(isEnded: isEnded)
            case .inside:
                try step(isEnded: isEnded)
                let produced = output.count - Int(stream.pointee.avail_out)
                if produced > 0 { return produced }
            }
        }
    }

    private func step(isEnded: Bool) throws(InputFault) {
        switch inflate(stream, Z_NO_FLUSH) {
        case Z_STREAM_END: state = .between
        case Z_OK: break
        case Z_BUF_ERROR:
            if isEnded { throw InputFault(reason: "the gzip data end in the middle; the file is cut off") }
        case Z_MEM_ERROR: throw InputFault(reason: "no memory to unpack gzip")
        default:
            let detail = stream.pointee.msg.map { String(cString: $0) } ?? "unknown damage"
            throw InputFault(reason: "the gzip data are damaged (\(detail))")
        }
    }

    private func enterNextMember(isEnded: Bool) throws(InputFault) {
        if isEnded {
            state = .done
            return
        }
        // Tapes and some tools pad with zero bytes; RFC 1952 leaves that to the reader.
        while stream.pointee.avail_in > 0, stream.pointee.next_in.pointee == 0 {
            stream.pointee.next_in += 1
            stream.pointee.avail_in -= 1
        }
        guard stream.pointee.avail_in > 0 else { return }
        guard stream.pointee.next_in.pointee == 0x1F else {
            throw InputFault(reason: "bytes that are not gzip follow the gzip data")
        }
        guard inflateReset(stream) == Z_OK else { throw InputFault(reason: "zlib cannot start the next gzip member") }
        state = .inside
    }

    private func feed(_ count: Int) {
        stream.pointee.next_in = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_in = UInt32(count)
    }
}
