import Retry

@testable import Collector

/// A segment of 400 attempts with odd names and extreme numbers, as the first format wrote it; all five of its
/// encodings are among the columns.
enum FormatOneSegment {
    static let zone = ZoneMap(
        rows: 400, firstStartUs: 1_790_000_000_001_716, lastStartUs: 1_790_000_000_394_744, minRoute: 0, maxRoute: 4,
        outcomes: [66, 58, 59, 40, 49, 57, 71])

    /// xxHash64 of each column's values, taken from the rows before they were written.
    static let digests: [Column: UInt64] = [
        .startUs: 10_705_003_237_649_067_741,
        .durationUs: 2_231_378_759_023_171_518,
        .route: 3_829_744_320_894_090_028,
        .host: 2_409_571_280_634_290_012,
        .request: 1_727_304_915_056_827_561,
        .attempt: 11_273_799_954_066_624_308,
        .waitUs: 234_280_889_052_583_289,
        .outcome: 12_017_394_036_170_009_921,
        .status: 9_567_889_609_497_412_415,
        .isGRPC: 4_174_402_215_438_374_050,
        .timeoutUs: 7_934_188_308_524_207_769,
        .retryAfterUs: 16_664_430_563_491_678_251,
        .method: 3_001_846_093_476_683_855,
        .hedge: 3_863_037_167_387_270_218,
        .ruleVersion: 8_611_857_801_436_358_332,
    ]

    /// The bytes as they stood in the store.
    static var bytes: [UInt8] {
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var filled: UInt32 = 0
        for character in base64.utf8 {
            guard let value = value(of: character) else { continue }
            bits = bits << 6 | value
            filled += 6
            if filled >= 8 {
                filled -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> filled))
            }
        }
        return bytes
    }

    private static func value(of character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }

    private static let base64 = """
        TVRTRwEADwCQAQAAmAEAALTmJdr+WwYA+OUr2v5bBgAAAAAABAAAAAEDAACYAQAAxQMAAAAAAAC9oQRsz2IJ2gIDAABdBQAAjAwAAAAAAADE
        n9AQxRi7XgMCAADpEQAADAAAAAAAAABvyqr2crroAQQCAAD1EQAAFQAAAAAAAACrGhPOyRYPsQUDAAAKEgAAiAwAAAAAAAA17rlsfOu1dwYE
        AACSHgAANgAAAAAAAAAZ2mlMltmwswcEAADIHgAA8gIAAAAAAACTzzy8P7V75wgEAAC6IQAAmgAAAAAAAACZmplYyKVHxAkBAABUIgAAcAAA
        AAAAAACeSpkWp83/pAoCAADEIgAACgAAAAAAAAA2Hiq5e/vnmgsAAADOIgAAAwAAAAAAAACC/FZzVPbKGQwBAADRIgAAQwAAAAAAAADXr2pq
        hjz9iQ0EAAAUIwAANgAAAAAAAABmtXodCwWTpQ4CAABKIwAAJQAAAAAAAAAMvRs7vQFzYw8AAABvIwAAAQAAAAAAAACle6snmruWWMg5/wIi
        3yHAE+bRsKLb/60G59YvXv21xa+1iDskzCbgXvyu2Td+wZ8ANiAw+X4tHlxg388O30X4Hr+N963n7+9/gQqcgmAmAmvDGLLB9gRmwm8vhBcH
        TGhgAgBz+bcOx133fTMw55bZ9ZsPYr0KdxJY+75EE4a+8OB/HfkLxWJiAvNkGAS/Sfa9bvA0iEU8zCVhDgN/5pfZv8QF7j6wEX+D8csa4OMK
        IwtYTL+hD9ZpMBWER0U81GP8DkP4FwAALROmdHBBgCMX7F3gkv6u47fWwHVG1siv1Yq5Oywe4GMT03T4hMSw+A1ncC2XnQgcll9c+ybnV9bC
        9UfO9q8YgTkKfMJg9/9u/de4wOYETnWwMoVlF9zm4FIHi0r4hcGjBfYh8D1/Eft7IWA3Dfcr+EzB+Qvmt+/JjiX1G5vgC/8K8ZcIwEomDmjw
        dn/H+hv2X+b8Tts3gsA7+W28ryyBdw/chISwE4s+uPe/Nf89TvCZf6sabJpfvgBPM9jTwk/+/QBw+X6vSKyK3wMNS+/3rL+ABU4F8KKBN/07
        oV/YBg/n1zfBsAy+2G+Lh8f8q4jfRwuzEliCxc0HdvZvXH5//gv3Xzf8yuRXWMHxFqY9MH5+0zl8wF8D/AplmMrAygRm1S8lgTMFLOnfP/3u
        Lzhew3QE5kjyLYjjE+wl4GIA8wx4NL9ZBUbZL3yFvSDcF+CZ/YoPWHe/r/5txa86iMP/269hig1faRhxv6X9NQTwPQaC+Uvu4A3+uhMYW8CT
        +X3P73+D2/Nr899YBJ8leK3AoRJu6u+Bg/MiHBJgahTX8xcswZ4F7gIwXn7p/Sv84Uz9SgoYE9yZDbfYLkrm/VYviIOFs6uwXa3ylnW3Wrsr
        5m1U72d2N80rzt/17jqYt/S+svbd9q4/gKfBS0FeOvLuTPhHvj/i7UzvMHinsOvWX8Dxboj3w7pV6p3Ibo53T9tbON4E7YpcF8i8d+ANfzDg
        eQHEW3ddkey6lhenvNXXhS4wbX7P1CuaXa/3anD31LtA6R3YLkl3m83bK15V8QIAwGe7iOgF9q6qfJ8FfEJhKfwCv5e0u8rp/ePuN3YLvbuE
        XSPuLnf3Yr6k6PXpLu57c9LL+t0l9rrAt+a9V9vt2C6TeB3WK/xdee7+bxe4vU3+Tc2uinwr0AvpXaD4Fo53Zr+Y5fWuL+N3r7q7Id5F/MZ6
        lzS9CO4FsS61flXjm8ndLOx+xHepu3TZjUDwOHrXvNv/3YDsaim4Rb0f8MXXbvh7i+E7iOCo7s6i1yu7Cte1uq9Sd1fhS6Pi5vHClhdAmtMI
        8+z7////////AW+t//////9/Har+/////3+jCwAAAAAAgLCQ/v////9/tQYAAAAAAIDTp///////f6mt/v////9/sgIAAAAAAIB67f7/////
        f7O8//////9/x3IAAAAAAID5vP7/////f478//////9/bGP//////3/bX///////f0j5//////9/fkz+/////3/8Yv//////f1BRAAAAAACA
        mhf//////3+SBQAAAAAAgL0W//////9/qr3//////39fVP//////f+Gh//////9/WLn//////3+fgv7/////f7X2//////9/pEP//////3/+
        cv//////f7EZAAAAAACAO/X+/////38LZv//////fy0w//////9/BXAAAAAAAIC0nv7/////f2BjAAAAAACAoqj//////3/R7f7/////f1T9
        //////9/vPb+/////3/z8/7/////f8B4AAAAAACAXjT//////39D2P//////f4lr/v////9/xbX//////3+6MAAAAAAAgDjR/v////9/K1cA
        AAAAAIC1d/7/////f5BH//////9/3MT//////3/Rev//////f7mT//////9/223//////3+b4f//////fwLd//////9/UDv//////3+g4P//
        ////f0BV/v////9/PPL//////3946f//////f6cv//////9/Vkv//////389Hf//////f0PV//////9/jz7//////3/JzP//////fzKJ////
        //9/p9j//////3+ynP//////fySX//////9/vDb+/////39p3P//////f4QF//////9/otoAAAAAAIBJff7/////f1NP//////9/MnYAAAAA
        AIA/TP7/////f6vIAAAAAACABHT//////38zUP7/////f/I0AAAAAACAIp3//////3/0Bv//////f1XQ//////9/ja/+/////3+14f//////
        f2VM//////9/wjgAAAAAAICu/f7/////f7/q//////9//7b//////3+wnv//////f1we//////9/ynv//////3/mMP//////f4ArAAAAAACA
        QKr+/////3+5aP//////fy4CAAAAAACAmMv//////3/e5P7/////f98M//////9/w/3//////38oDP//////f4hn//////9/r8X//////39D
        uf//////f+zc/v////9/VYwAAAAAAICjKv//////f4Wi//////9/d/r+/////3/y+P7/////fyQhAAAAAACAe0z//////38rD///////f3db
        AAAAAACAgKf//////38YNP//////f0lF//////9/eUX//////38djP//////fxkW//////9/PjkAAAAAAIBF3P7/////f/c///////9/Lo4A
        AAAAAIAQov7/////f2dQ//////9/PooAAAAAAIAhmv7/////f6r7//////9/1UX//////3+ONwAAAAAAgDxc//////9/ykH//////39lav//
        ////f1s2//////9/XMT//////39VYf//////f1m2/v////9/GCYAAAAAAIC8p///////fy1p//////9/64P//////38pvv7/////fz9yAAAA
        AACAfWP+/////3/A5f//////f+xk//////9/A4H//////39LfwAAAAAAgFav/v////9/1LT//////39iRf//////f4oQ//////9/Urr/////
        /39kIQAAAAAAgC/5/v////9/5fb//////3+wK///////fze+//////9/buL+/////38isf//////f/1p//////9//rT//////39yh///////
        f8BC//////9/lkAAAAAAAIBrXP//////f6aV//////9/JzT+/////38ObQAAAAAAgNIz//////9//rL//////380s/7/////fxpw//////9/
        NEkAAAAAAIB7xP//////f+TW/v////9/dxj//////3/zdgAAAAAAgAJP/v//////rVAAAAAAAAAOeP//////f508//////9/HwwAAAAAAIC2
        f/7/////fwTk//////9/vRP//////3+6LQAAAAAAgA6E//////9/LVz//////3/zpv//////fyhL//////9/mfz//////38gPP//////f2bS
        /v////9/wS8AAAAAAIDArP7/////f6L4//////9/2+f//////399R///////fxVh//////9/T53+/////3+1MgAAAAAAgL/D/v//////AAAA
        AAAAAAAOc///////f2pCAAAAAACAlVr+/////3/ySQAAAAAAgG74/v////9/+l4AAAAAAIBKL/7/////f5Dt//////9/o1cAAAAAAIBuCP//
        ////f2I3//////9/dLP//////3+KfP//////f1wf//////9/3OP//////3/uQ///////f3/u/v////9/Pcz//////3+tU///////f5XW////
        //9/OyIAAAAAAIBDG///////f7QX//////9/TiwAAAAAAIBruP7/////fzDg//////9/Y1H//////3+21v//////f5vd/v////9/olIAAAAA
        AIDTO/7/////f12nAAAAAACAr4X+/////3/7dgAAAAAAgGQX//////9/IyX//////3+Ajv//////f0w8AAAAAACAxn///////3+lW/7/////
        f8GF//////9/RmMAAAAAAIBFLP//////f0DdowLhsfv///////8B953//////38rR///////f8zr/v////9/Mp///////3/C9P7/////f90l
        AAAAAACAKev//////3/Oxf7/////fyFr//////9/ls7//////3/vzP7/////fwo4//////9//mYAAAAAAICG9f7/////f9sM//////9/IxgA
        AAAAAIAmtv7/////f/lTAAAAAACAtKj+/////38zSgAAAAAAgNtG//////9/AVn//////39vWv//////f4OR//////9/Ltb+/////3+Fs///
        ////fx3Q/v////9/cRwAAAAAAIAKM///////f4TY//////9/Y2b+/////3/hWgAAAAAAgOoj//////9/heL//////3/6a///////f0xu////
        //9/0mz//////396DP//////f1m7/v////9/yXkAAAAAAIAIc/7/////f8R0AAAAAACA1UP+/////38hlgAAAAAAgH55/v////9/ror/////
        /3+/uP//////f2LW/v////9/Q27//////3/TgP//////fx0GAAAAAACALhT//////38n8v//////f1mO//////9/xGf//////38rcf7/////
        fyhr//////9//5cAAAAAAIBttv7/////f3kK//////9/ZgQAAAAAAIC4kv//////f0wQ//////9/+W3//////396fv//////f7J1//////9/
        Bur//////3/+4P7/////f3Gb//////9/r1X//////3/PZ///////f/di//////9/BL3+///////vRgAAAAAAADbp//////9/bzH+/////3+w
        mgAAAAAAgAaW/v////9/4AMAAAAAAIDOaP7/////f82t//////9/MyP//////39KEwAAAAAAgKzU//////9/UJ///////39Xrv7/////f/nQ
        //////9/pcH+/////3+6Zf//////f0lH//////9/UIP//////3/1SP//////fxFnAAAAAACAXTv//////3//o/7/////f661AAAAAACA8rP+
        /////3+ZKQAAAAAAgITH/v////9/s8z//////3+AQv//////fxpB//////9/NdP//////394h/7/////f4Aw////////kTEAAAAAAAC32f7/
        ////f+BC//////9/cnD//////39mb///////f0tr//////9/l9L//////3/JK///////f8Js//////9/ZRgAAAAAAIAtjf//////fw+D/v//
        //9/cvv//////390fv//////f3aJ//////9/J8P//////3+k2P7/////f2j3/v////9/Wr7//////3++B///////f/vk//////9/TwYAAAAA
        AIDypv//////f4nf/v////9/X9P+/////39kKAAAAAAAgFEz//////9/M/X//////38Jj/7/////f0BFAAAAAACAQyn//////3+CYf//////
        f+WP/v////9/8GcAAAAAAIDyc/7/////f09V////////AAAAAAAAAADy8///////fwUDAIhGBYoBA8TLAA0CAEzMTAAHAghAENAGUAB2gBAQ
        AEAK76qO9ePkv4m1AbnKUR+Tf4laucpRH5N/iVq+ylEfk3+JWr3KUR+Tf4laucpRH5N/iVq5ylEfk3+JWrjKUR+Tf4lau8pRH5N/iVoAAAAA
        AAAAAHKVoz4m/xK1ucpRH5N/iVq7ylEfk3+JWrnKUR+Tf4lavMpRH5N/iVq8ylEfk3+JWrnKUR+Tf4laucpRH5N/iVreP9jS/4W6JJRVy2sm
        eViQuspRH5N/iVq7ylEfk3+JWrrKUR+Tf4lav8pRH5N/iVq7ylEfk3+JWrvKUR+Tf4lauMpRH5N/iVq8ylEfk3+JWrrKUR+Tf4lauspRH5N/
        iVq5ylEfk3+JWrnKUR+Tf4lawcpRH5N/iVq4ylEfk3+JWrvKUR+Tf4law8pRH5N/iVq5ylEfk3+JWr3KUR+Tf4lavMpRH5N/iVq7ylEfk3+J
        WrjKUR+Tf4lau8pRH5N/iVq9ylEfk3+JWrrKUR+Tf4lauMpRH5N/iVq+ylEfk3+JWrrKUR+Tf4lavcpRH5N/iVq4ylEfk3+JWrnKUR+Tf4la
        u8pRH5N/iVq9ylEfk3+JWr3KUR+Tf4lavMpRH5N/iVq6ylEfk3+JWrrKUR+Tf4laucpRH5N/iVq6ylEfk3+JWrrKUR+Tf4laucpRH5N/iVq5
        ylEfk3+JWrnKUR+Tf4lavcpRH5N/iVq7ylEfk3+JWrnKUR+Tf4lau8pRH5N/iVq7ylEfk3+JWrvKUR+Tf4lav8pRH5N/iVq/ylEfk3+JWr3K
        UR+Tf4laucpRH5N/iVrxyVEfk3+JWrvKUR+Tf4lavMpRH5N/iVq5ylEfk3+JWv+YmKASicwOdvwKnhN2Rqa6ylEfk3+JWrnKUR+Tf4lauspR
        H5N/iVrBylEfk3+JWrnKUR+Tf4lavspRH5N/iVrAylEfk3+JWrnKUR+Tf4lawMpRH5N/iVq8ylEfk3+JWr7KUR+Tf4lauMpRH5N/iVq8ylEf
        k3+JWsXKUR+Tf4laucpRH5N/iVq5ylEfk3+JWrjKUR+Tf4lauspRH5N/iVq8ylEfk3+JWsHKUR+Tf4laucpRH5N/iVq6ylEfk3+JWrrKUR+T
        f4lauspRH5N/iVq5ylEfk3+JWrnKUR+Tf4lau8pRH5N/iVq7ylEfk3+JWrrKUR+Tf4lavcpRH5N/iVq6ylEfk3+JWrvKUR+Tf4lau8pRH5N/
        iVq8ylEfk3+JWrvKUR+Tf4lauspRH5N/iVq6ylEfk3+JWrjKUR+Tf4laucpRH5N/iVq6ylEfk3+JWrzKUR+Tf4lau8pRH5N/iVq7ylEfk3+J
        WrzKUR+Tf4laucpRH5N/iVrAylEfk3+JWrnKUR+Tf4lau8pRH5N/iVq6ylEfk3+JWrrKUR+Tf4lauspRH5N/iVq9ylEfk3+JWrvKUR+Tf4la
        ucpRH5N/iVq5ylEfk3+JWrnKUR+Tf4laucpRH5N/iVq5ylEfk3+JWrrKUR+Tf4lauMpRH5N/iVq5ylEfk3+JWrrKUR+Tf4laucpRH5N/iVr5
        yVEfk3+JWr3KUR+Tf4lavMpRH5N/iVq6ylEfk3+JWrnKUR+Tf4lau8pRH5N/iVq6ylEfk3+JWrzKUR+Tf4lauMpRH5N/iVq5ylEfk3+JWrrK
        UR+Tf4lavMpRH5N/iVq6ylEfk3+JWrnKUR+Tf4laucpRH5N/iVq9ylEfk3+JWrnKUR+Tf4lavspRH5N/iVq5ylEfk3+JWrnKUR+Tf4lauspR
        H5N/iVq6ylEfk3+JWrrKUR+Tf4lauspRH5N/iVq4ylEfk3+JWrvKUR+Tf4lauMpRH5N/iVq7ylEfk3+JWrzKUR+Tf4lauMpRH5N/iVq9ylEf
        k3+JWrnKUR+Tf4laucpRH5N/iVq8ylEfk3+JWrnKUR+Tf4lawMpRH5N/iVq6ylEfk3+JWrrKUR+Tf4lauMpRH5N/iVq5ylEfk3+JWrnKUR+T
        f4laucpRH5N/iVq4ylEfk3+JWrrKUR+Tf4lavMpRH5N/iVq6ylEfk3+JWuq8m1G0fS9+i9gH7XGB4za5ylEfk3+JWrnKUR+Tf4lavcpRH5N/
        iVq6ylEfk3+JWrrKUR+Tf4lauMpRH5N/iVq6ylEfk3+JWrrKUR+Tf4lauspRH5N/iVq4ylEfk3+JWrrKUR+Tf4lavMpRH5N/iVq6ylEfk3+J
        WsPKUR+Tf4lavspRH5N/iVq6ylEfk3+JWrrKUR+Tf4laucpRH5N/iVq8ylEfk3+JWrjKUR+Tf4laa9xvPaNF54YHuTMBg7krLmiPbvOYb4oA
        EAY1S42PiLS7ylEfk3+JWrnKUR+Tf4lau8pRH5N/iVq5ylEfk3+JWrnKUR+Tf4lauMpRH5N/iVq9ylEfk3+JWrnKUR+Tf4lavspRH5N/iVq9
        ylEfk3+JWrvKUR+Tf4lauMpRH5N/iVq5ylEfk3+JWrrKUR+Tf4la9MlRH5N/iVq4ylEfk3+JWrrKUR+Tf4laucpRH5N/iVq8ylEfk3+JWrnK
        UR+Tf4laucpRH5N/iVq5ylEfk3+JWrvKUR+Tf4lauMpRH5N/iVq6ylEfk3+JWrvKUR+Tf4lau8pRH5N/iVq5ylEfk3+JWrvKUR+Tf4laucpR
        H5N/iVq8ylEfk3+JWrrKUR+Tf4lauspRH5N/iVrAylEfk3+JWrrKUR+Tf4lauspRH5N/iVq7ylEfk3+JWrnKUR+Tf4laucpRH5N/iVq5ylEf
        k3+JWr3KUR+Tf4lauMpRH5N/iVq6ylEfk3+JWkB0heyvqs7KoPvtAQX7pXIqQft2BvulcipB+3YJ+6VyKkH7dgT7pXIqQft2BPulcipB+3YE
        +6VyKkH7dgT7pXIqQft2BPulcipB+3YG+6VyKkH7dgb7pXIqQft2A/ulcipB+3YF+6VyKkH7dgj7pXIqQft2A/ulcipB+3YF+6VyKkH7dgb7
        pXIqQft2B/ulcipB+3YE+6VyKkH7dgr7pXIqQft2BPulcipB+3YF+6VyKkH7dgX7pXIqQft2C/ulcipB+3YF+6VyKkH7dgT7pXIqQft2Bvul
        cipB+3YF+6VyKkH7dgP7pXIqQft2CPulcipB+3YF+6VyKkH7dgT7pXIqQft2A/ulcipB+3YG+6VyKkH7dgP7pXIqQft2BPulcipB+3YG+6Vy
        KkH7dgX7pXIqQft2A/ulcipB+3YE+6VyKkH7dgX7pXIqQft2BfulcipB+3YL+6VyKkH7dgX7pXIqQft2BfulcipB+3YD+6VyKkH7dgT7pXIq
        Qft2BfulcipB+3YH+6VyKkH7dgP7pXIqQft2CPulcipB+3YI+6VyKkH7dgb7pXIqQft2BPulcipB+3YH+6VyKkH7dgP7pXIqQft2BPulcipB
        +3YF+6VyKkH7dgP7pXIqQft2BPulcipB+3YF+6VyKkH7dgT7pXIqQft2BPulcipB+3ZA+qVyKkH7dgP7pXIqQft2BfulcipB+3YF+6VyKkH7
        dgf7pXIqQft2CvulcipB+3YL+6VyKkH7dgf7pXIqQft2BvulcipB+3YE+6VyKkH7drHwfO5fC7TnWAXP9vR2QgYD+6VyKkH7dgT7pXIqQft2
        BfulcipB+3YE+6VyKkH7dgT7pXIqQft2CPulcipB+3YF+6VyKkH7dg9X2swuaiER/J5xGCYY1dwF+6VyKkH7dgT7pXIqQft2BvulcipB+3YH
        +6VyKkH7dgb7pXIqQft2BPulcipB+3YD+6VyKkH7dgX7pXIqQft2BvulcipB+3YE+6VyKkH7dgP7pXIqQft2BPulcipB+3YG+6VyKkH7dgn7
        pXIqQft2A/ulcipB+3YH+6VyKkH7dgX7pXIqQft2BPulcipB+3YG+6VyKkH7dgT7pXIqQft2B/ulcipB+3Yhoj+BqgIxdupTDGSqf8V3Bvul
        cipB+3YE+6VyKkH7dgX7pXIqQft2B/ulcipB+3YE+6VyKkH7dgX7pXIqQft2B/ulcipB+3YD+6VyKkH7dgb7pXIqQft2BvulcipB+3YE+6Vy
        KkH7dgT7pXIqQft2CPulcipB+3YD+6VyKkH7dgT7pXIqQft2CPulcipB+3YG+6VyKkH7dgT7pXIqQft2BPulcipB+3YD+6VyKkH7dgv7pXIq
        Qft2B/ulcipB+3YF+6VyKkH7dgT7pXIqQft2B/ulcipB+3YH+6VyKkH7dgv7pXIqQft2A/ulcipB+3YF+6VyKkH7dgT7pXIqQft2A/ulcipB
        +3YH+6VyKkH7dgT7pXIqQft2CPulcipB+3YAAAAAAAAAABD2S+VUgvbtBPulcipB+3YBAqYU2d0KEwEDKimLVoQ12/tg0uenr5y7KUxW3TRz
        MFPVAQLZWh83XaWuRZnaAESEzz3FxvYPAACAsWy9FgAAAOjBAgC8mQAAAIBGBgBAZQIAAAAAAKYhAAAAIEaxHAUAuDMuqbIyAMC0LPzLNQUA
        jFyAdgCA2CIAYIQGAAAAAAAAAIqsiR4AAAAgQgAAAAAAAIJQAAAAAAAAAAAAAAAAABawFSEAAAAAAAAAAAAAAAAATzAAIMICACDrAQAAAFkW
        AAAAYNcFAFA7AAAAALkTci0AAGsEAAAAAAD4WgCAOy/3EgAQXAQAEHYAAAAAAICtCwAAAAAAAADYpoUIAEC3CQBAY1pVAQAAACslVy4AQE36
        UAQABCoBjRfKRxQAQN+LxYKGtfEcMAAAAAAAAAAAADgEQQ8AAACAywQAAABgAgAAIBECs75HTG9pBQAAAFhVrA3Zk3dKltePAwAAAOgSAAAO
        YtMq76uxb0sBABjDAgBwnwAAAEDzJPtLLgMAAAAorzQdogcAICOSVADzAgBusGwGAAAAwBYLABAjAAAAAAAAAMCDw3cEAAAAkAIAAAAApJE7
        EQCQYgQALLQAAGkPAACnUniZMwUAfPdcigAAAADqEwAgbF3dAgAAAGjYbwkAAAAAxGgNep0AAAAAAAAAAABwxoJFAQAAAL020gIAAAAwIAQA
        aF4AAHtJAMA9GACwfAAALNUuOw8AsjsAAABgzlBEBABkB/FgAACnFQBgZJH/BADQMQAAtw7dx3bPY6p4BAAAAAAAvr/XltMXADAPGmYAAAAA
        ZGAAAAEotqPzAQCEBwEAskUAwKYPAAAAoKwAACI3AIDgb4hnVgkAOFUCAFo+kSUAwK8KAAAAAAAMKwAA/jEAAADAMelJAgAAADxTAIB2CACA
        ORmTAQDAjDSoAAAAAAAAAAAAAAAAAAAAAAAAAMQOAAAAAAAUXAAAAAAAQMEJAAAAAAAAAAJU2Q64Rd0QNQQAAABQN22WHkIAAP5rI1BLsb8B
        AAAAmy0AwLAWAAAAAADIT61rAICTFCwBAAAAAADADbZgAAACk5wEAJAs+49sNktnAwC2GDkkkoA0KMCuts42QEgrRtTpRATVJEgA6qWZGNZL
        ZduBlIKNOAQEKdVVa8zDLNWRWqeGszq13bSz0oBlZLqqSiusik1YSxpcANeq4NKqURiAFGQQorAlKycZZ1kjZkMDAARjVDRkGrUBbuVUWYnj
        JKAZeHYBRTUtMpFHN+kmLnKgAmENBANMJlHhehO0AFAcBYO92uTSsAMHkAPGAWkAAgACkAqIJRKAQEUKAERWEIAmIiARQQFUqIFoUYAECQRU
        RJVEEgZKBWQEpiRERimAESRAkIQRGAhSUiiBBAAikCQJAgAVUSiYIIQAVUSJEAgQhiAAaQiCJEIAZIRACVggqAAEkmFRAAQDAQACCIoBAwC+
        gIl6AgAA/v//////////AQEAAAIEAAAAAAAAEAAAAAAAAAAAAAAAAAAIAAAKAAAAAAABAAAAAAAAAAAAAAIEAAACAAAAIAEAIKACCMehgHEQ
        RIEKgKqOsEJSjEmFrAMQY0BCgwi1GIgBAHLOQYAOAL8iMAwVAKJpwFPBNR8BAKqqqioHAqFAFRAADAAXwAEQAAQAAQALQALIACVABDAAaAAG
        """
}
