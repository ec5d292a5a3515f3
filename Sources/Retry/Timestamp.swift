/// UNIX microseconds to RFC 3339 in UTC and back, with integers only (civil-from-days after H. Hinnant,
/// "chrono-Compatible Low-Level Date Algorithms").
public enum Timestamp {
    /// `2026-11-22T02:00:00Z`; a fraction is written only when there is one.
    public static func format(_ us: Int64) -> String {
        let second = us.floorDiv(1_000_000)
        let fraction = us.floorMod(1_000_000)
        let day = second.floorDiv(86_400)
        let ofDay = second - day * 86_400
        let (year, month, dayOfMonth) = civil(fromDays: day)
        let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(dayOfMonth, 2))"
        let time = "\(padded(ofDay / 3600, 2)):\(padded(ofDay / 60 % 60, 2)):\(padded(ofDay % 60, 2))"
        if fraction == 0 { return date + "T" + time + "Z" }
        var digits = padded(fraction, 6)
        while digits.hasSuffix("0") { digits.removeLast() }
        return date + "T" + time + "." + digits + "Z"
    }

    /// The UNIX microseconds of an RFC 3339 time (`Z` or a numeric offset), or `nil`.
    public static func parse(_ text: some StringProtocol) -> Int64? {
        let bytes = Array(text.utf8)
        func number(_ range: Range<Int>) -> Int64? {
            guard range.upperBound <= bytes.count else { return nil }
            var value: Int64 = 0
            for byte in bytes[range] {
                guard byte >= 48, byte <= 57 else { return nil }
                value = value * 10 + Int64(byte - 48)
            }
            return value
        }
        guard bytes.count >= 20, bytes[4] == 45, bytes[7] == 45, [84, 116, 32].contains(bytes[10]), bytes[13] == 58,
            bytes[16] == 58, let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
            let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 61
        else { return nil }
        let days = days(year: year, month: month, day: day)
        guard civil(fromDays: days) == (year, month, day) else { return nil }
        var us = ((days * 24 + hour) * 60 + minute) * 60 * 1_000_000 + second * 1_000_000
        var at = 19
        if bytes[at] == 46 {
            at += 1
            var scale: Int64 = 100_000
            let first = at
            while at < bytes.count, bytes[at] >= 48, bytes[at] <= 57 {
                us += Int64(bytes[at] - 48) * scale
                scale /= 10
                at += 1
            }
            if at == first { return nil }
        }
        guard at < bytes.count else { return nil }
        if bytes[at] == 90 || bytes[at] == 122 { return at + 1 == bytes.count ? us : nil }
        guard bytes[at] == 43 || bytes[at] == 45, at + 6 == bytes.count, bytes[at + 3] == 58,
            let offsetHour = number(at + 1..<at + 3), let offsetMinute = number(at + 4..<at + 6), offsetHour < 24,
            offsetMinute < 60
        else { return nil }
        let offset = (offsetHour * 60 + offsetMinute) * 60_000_000
        return bytes[at] == 43 ? us - offset : us + offset
    }

    private static func civil(fromDays days: Int64) -> (Int64, Int64, Int64) {
        let shifted = days + 719_468
        let era = shifted.floorDiv(146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let march = (5 * dayOfYear + 2) / 153
        let month = march < 10 ? march + 3 : march - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * march + 2) / 5 + 1)
    }

    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = shiftedYear.floorDiv(400)
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func padded(_ value: Int64, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

extension Int64 {
    fileprivate func floorMod(_ divisor: Int64) -> Int64 {
        let rest = self % divisor
        return rest < 0 ? rest + divisor : rest
    }

    fileprivate func floorDiv(_ divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
