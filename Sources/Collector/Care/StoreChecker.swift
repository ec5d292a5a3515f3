import Retry

/// The check of everything, part by part, over one state of a store.
struct StoreChecker {
    let reader: StoreReader
    private(set) var result = StoreCheck()
    /// The damage among the findings that other reads would meet.
    private(set) var segmentDamage: [SegmentDamage] = []

    private static let mostPageErrors = 100

    init(reader: StoreReader) { self.reader = reader }

    mutating func run(progress: (Int64, Int64) -> Void) throws(StoreError) {
        result.format = try reader.connection.integer("PRAGMA user_version")
        try part(.file) { (check) throws(StoreError) in try check.definitions() }
        try part(.file) { (check) throws(StoreError) in try check.pages() }
        var names = Names()
        try part(.names) { (check) throws(StoreError) in names = try check.names() }
        try part(.names) { (check) throws(StoreError) in try check.places() }
        try part(.segment) { (check) throws(StoreError) in try check.segments(names, progress) }
        try part(.tail) { (check) throws(StoreError) in try check.tail(names) }
        try part(.dropped) { (check) throws(StoreError) in try check.dropped() }
        try part(.history) { (check) throws(StoreError) in try check.history(names) }
        try part(.rules) { (check) throws(StoreError) in try check.rules() }
    }

    /// A part that SQLite itself cannot read is a finding; the other parts are looked at all the same.
    private mutating func part(
        _ part: StoreCheck.Part, _ body: (inout StoreChecker) throws(StoreError) -> Void
    ) throws(StoreError) {
        do throws(StoreError) {
            try body(&self)
        } catch  where error.code == .damaged || error.code == .sql {
            found(part, "cannot be read to its end: \(error.message)")
        }
    }

    private mutating func found(_ part: StoreCheck.Part, _ reason: String) {
        result.findings.append(StoreCheck.Finding(part: part, reason: reason))
    }

    private mutating func found(_ damage: SegmentDamage) {
        segmentDamage.append(damage)
        // Below 0 are those that the ledger knows of and that are not there: of what time is not known either.
        let isThere = damage.segment >= 0
        result.findings.append(
            StoreCheck.Finding(
                part: damage.segment == 0 ? .tail : .segment, segment: damage.segment > 0 ? damage.segment : nil,
                attempts: damage.rows, firstStartUs: isThere ? damage.firstStartUs : nil,
                lastStartUs: isThere ? damage.lastStartUs : nil, reason: damage.reason))
    }

    /// Whether a part has the rows that the ledger says it has.
    private mutating func compare(_ part: Ledger.Part, _ place: StoreCheck.Part) throws(StoreError) {
        guard let ledger = try reader.ledger() else { return }
        let account = try Ledger.account(of: part, on: reader.connection)
        if let objection = ledger.objection(to: account, part) { found(place, "\(part.name): \(objection)") }
    }

    // MARK: The parts

    private mutating func definitions() throws(StoreError) {
        // Those of the tables were checked when the store was opened.
        for fault in try StoreDefinitions.faults(on: reader.connection, views: true) { found(.file, fault) }
    }

    private mutating func pages() throws(StoreError) {
        let statement = try reader.connection.prepare("PRAGMA integrity_check(\(Self.mostPageErrors))")
        while try statement.step() {
            let line = statement.text(0)
            if line != "ok" { found(.file, line.split(whereSeparator: \.isNewline).joined(separator: "; ")) }
        }
    }

    /// Every name that can be told, also those whose digest does not fit: the rows are counted by them.
    private mutating func names() throws(StoreError) -> Names {
        var names = Names()
        try compare(.route, .names)
        try compare(.host, .names)
        try compare(.method, .names)
        for kind in NameKind.allCases {
            let statement = try reader.connection.prepare("SELECT code, name, digest FROM \(kind.table) ORDER BY code")
            while try statement.step() {
                let (code, name) = (statement.integer(0), statement.text(1))
                if statement.integer(2) != Names.digest(name, code: code) {
                    found(.names, "name \(code) of table \(kind.table)")
                }
                if code == Int64(names[kind].count) {
                    names[kind].add(name)
                } else {
                    found(.names, "table \(kind.table) has code \(code) where \(names[kind].count) should be")
                }
                result.names += 1
            }
        }
        return names
    }

    /// In which order the hosts of a route are counted.
    private mutating func places() throws(StoreError) {
        guard let ledger = try reader.ledger() else { return }
        try compare(.routeHost, .names)
        var places = RouteHosts()
        do throws(StoreError) {
            try places.refresh(from: reader.connection, ledger: ledger)
        } catch  where error.code == .damaged {
            found(.names, error.message)
        }
    }

    private mutating func segments(_ names: Names, _ progress: (Int64, Int64) -> Void) throws(StoreError) {
        let entries = try reader.segments(RowFilter())
        let total = try reader.connection.integer("SELECT coalesce(sum(length(data)), 0) FROM segment")
        var done: Int64 = 0
        let length = try reader.connection.prepare("SELECT length(data) FROM segment WHERE id = ?")
        for entry in entries {
            do throws(StoreError) {
                switch try reader.everyRow(of: entry, names: names) {
                case .success(let rows): result.segmentAttempts += rows.count
                case .failure(let error): found(entry.damage(error.reason))
                }
            } catch  where error.code == .damaged {
                found(entry.damage(error.message))
            }
            result.segments += 1
            length.bind(entry.id, at: 1)
            done += try length.step() ? length.integer(0) : 0
            length.reset()
            progress(done, total)
        }
    }

    private mutating func tail(_ names: Names) throws(StoreError) {
        let (rows, _, damage) = try reader.tail(names: names)
        for one in damage { found(one) }
        result.tailAttempts = rows.count
    }

    private mutating func dropped() throws(StoreError) {
        try compare(.dropped, .dropped)
        let statement = try reader.connection.prepare(
            "SELECT id, attempts, first_start_us, last_start_us FROM dropped ORDER BY id")
        while try statement.step() {
            let isInteger = (1...3).allSatisfy { statement.isInteger($0) }
            guard isInteger, statement.integer(1) > 0, statement.integer(2) <= statement.integer(3) else {
                found(.dropped, "note \(statement.integer(0)) cannot be right")
                continue
            }
            result.dropped += Int(statement.integer(1))
        }
    }

    private mutating func history(_ names: Names) throws(StoreError) {
        guard try HistoryTable.exists(on: reader.connection) else { return }
        try compare(.history, .history)
        try compare(.historyDropped, .history)
        let statement = try reader.connection.prepare(HistoryTable.everySummary)
        while try statement.step() {
            let (key, summary) = HistoryTable.read(statement)
            let isKnown = key.route >= 0 && key.route < Int64(names[.route].count)
            if summary == nil || !isKnown {
                let hour = Timestamp.format(key.hourUs)
                found(.history, "the summary of hour \(hour), route \(key.route), outcome \(key.outcome)")
            }
            result.summaries += 1
        }
        let drops = try reader.connection.prepare(HistoryTable.everyDrop)
        while try drops.step() {
            if HistoryTable.isSound(drop: drops) { continue }
            found(.history, "missing attempts of hour \(Timestamp.format(drops.integer(0)))")
        }
    }

    private mutating func rules() throws(StoreError) {
        try compare(.ruleSet, .rules)
        let statement = try reader.connection.prepare("SELECT version, yaml FROM rule_set ORDER BY version")
        while try statement.step() {
            let version = statement.integer(0)
            do throws(FileError) {
                let rules = try RuleSet(yaml: statement.text(1), file: "rule set \(version)")
                if Int64(rules.version) != version {
                    found(.rules, "version \(version) says that it is \(rules.version)")
                }
            } catch {
                found(.rules, "version \(version): \(error)")
            }
            result.ruleSets += 1
        }
    }
}
