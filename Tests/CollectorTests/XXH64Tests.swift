import Testing

@testable import Collector

@Suite struct XXH64Tests {
    @Test(
        arguments: [
            (0, 0xef46_db37_51d8_e999), (1, 0x610f_93f8_c898_89fe), (3, 0xc87a_3f76_53b2_39c3),
            (4, 0x7ebe_7bc2_86e4_3a52),
            (7, 0x7119_2540_8299_6767), (8, 0x3495_4f3b_184b_0688), (31, 0x9710_4f71_5b0f_483f),
            (32, 0x9662_63b8_89d6_adef), (33, 0xa869_37a1_9a09_ae48), (63, 0x5a2e_92d3_974a_7c84),
            (64, 0xf773_50d9_a4b9_b849), (100, 0xbb93_12f0_63c2_8cfb),
        ] as [(Int, UInt64)])
    func `digests are those of python-xxhash 3`(length: Int, digest: UInt64) {
        let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 * 7 + 3) }
        #expect(bytes.withUnsafeBytes { XXH64.hash($0, seed: UInt64(length)) } == digest)
    }

    @Test func `a digest does not depend on where the bytes lie`() {
        let bytes = (0..<80).map { UInt8($0) }
        for offset in 0..<8 {
            let moved = Array(repeating: UInt8(9), count: offset) + bytes
            moved.withUnsafeBytes { buffer in
                #expect(
                    XXH64.hash(UnsafeRawBufferPointer(rebasing: buffer[offset...]))
                        == bytes.withUnsafeBytes { XXH64.hash($0) })
            }
        }
    }
}
