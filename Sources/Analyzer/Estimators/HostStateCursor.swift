/// Walks along one host's probes: within a gap no step is made, and a few steps cost little.
public struct HostStateCursor: Sendable {
    private let gaps: HostStateGaps
    /// Where the gap stands that it is in.
    private var place = 0
    /// The last four instants asked for, and what was found.
    private var lastUs = SIMD4<Double>(repeating: .nan)
    private var last = SIMD4<Double>.zero

    private typealias Room = UnsafeBufferPointer<HostStateGaps.Gap>

    init(_ gaps: HostStateGaps) { self.gaps = gaps }

    /// P(up) at `atUs`.
    public mutating func upProbability(atUs: Int64) -> Double {
        let at = Double(atUs)
        return gaps.all.withUnsafeBufferPointer { room in
            if at >= room[place &+ 1].beginUs || at < room[place].beginUs { move(to: at, room) }
            return gaps.upProbability(in: place, of: room, atUs: at)
        }
    }

    /// P(up) at four instants near each other; in any order, and often the same four again.
    mutating func upProbabilities(atUs: SIMD4<Int64>) -> SIMD4<Double> {
        let at = SIMD4(Double(atUs[0]), Double(atUs[1]), Double(atUs[2]), Double(atUs[3]))
        if all(at .== lastUs) { return last }
        lastUs = at
        last = gaps.all.withUnsafeBufferPointer { room in
            let earliest = min(min(at[0], at[1]), min(at[2], at[3]))
            let latest = max(max(at[0], at[1]), max(at[2], at[3]))
            let isFar = earliest >= room[place &+ HostStateGaps.near].beginUs
            if isFar || earliest < room[place].beginUs { move(to: earliest, room) }
            if latest < room[place &+ 1].beginUs { return found(SIMD4(repeating: place), room, at) }
            var places = SIMD4(repeating: place)
            for step in 1...HostStateGaps.near {
                let isPassed = SIMD4(repeating: room[place &+ step].beginUs) .<= at
                places &-= unsafeBitCast(isPassed, to: SIMD4<Int>.self)
            }
            let far = place &+ HostStateGaps.near
            if latest >= room[far].beginUs {
                for lane in 0..<4 where places[lane] == far { places[lane] = gaps.place(atUs: at[lane], in: room) }
            }
            place = min(min(places[0], places[1]), min(places[2], places[3]))
            return found(places, room, at)
        }
        return last
    }

    @inline(__always)
    private func found(_ places: SIMD4<Int>, _ room: Room, _ at: SIMD4<Double>) -> SIMD4<Double> {
        let t0 = gaps.times(in: places[0], of: room, atUs: at[0])
        let t1 = gaps.times(in: places[1], of: room, atUs: at[1])
        let t2 = gaps.times(in: places[2], of: room, atUs: at[2])
        let t3 = gaps.times(in: places[3], of: room, atUs: at[3])
        let short = HostStateLaw.short
        if all((t0 .< short) .& (t1 .< short) .& (t2 .< short) .& (t3 .< short)) {
            return SIMD4(
                up(places[0], room, HostStateLaw.risenShort(t0)), up(places[1], room, HostStateLaw.risenShort(t1)),
                up(places[2], room, HostStateLaw.risenShort(t2)), up(places[3], room, HostStateLaw.risenShort(t3)))
        }
        return SIMD4(
            up(places[0], room, HostStateLaw.risen(t0)), up(places[1], room, HostStateLaw.risen(t1)),
            up(places[2], room, HostStateLaw.risen(t2)), up(places[3], room, HostStateLaw.risen(t3)))
    }

    @inline(__always)
    private func up(_ place: Int, _ room: Room, _ risen: SIMD2<Double>) -> Double {
        room[place].upProbability(risen, upShare: gaps.upShare)
    }

    /// Stands in the gap of an instant that lies in another. Mostly it is a few gaps off.
    @inline(never)
    private mutating func move(to at: Double, _ room: Room) {
        let low = at >= room[place].beginUs ? place : max(0, place &- HostStateGaps.near)
        let isNear = at >= room[low].beginUs && at < room[low &+ HostStateGaps.near].beginUs
        place = isNear ? HostStateGaps.place(atUs: at, in: room, near: low) : gaps.place(atUs: at, in: room)
    }
}
