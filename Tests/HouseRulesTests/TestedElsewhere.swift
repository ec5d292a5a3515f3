/// Source files that have no test file of their own name and whose types no test names: the test file that runs them,
/// or why they need none. Kept from growing stale by a test: an entry that is not needed any more is an error.
enum TestedElsewhere {
    /// The files below `Sources` that each test file runs.
    static let through: [String: [String]] = [
        // Analyzer
        "OutagesTests.swift": [
            "Analyzer/Estimators/HostOutage.swift", "Analyzer/Estimators/OutageTimes.swift",
        ],
        "OutagesReportTests.swift": [
            "Analyzer/Estimators/HostSpells.swift", "Analyzer/Reports/OutageFigures.swift",
        ],
        "DialectFamilyTests.swift": ["Analyzer/RouteAlternatives.swift"],
        "FigureDrawingTests.swift": ["meantime/Page/LanePlot.swift"],
        "PlayEquivalenceTests.swift": [
            "Analyzer/Play/AskWatch.swift", "Analyzer/Play/BudgetPlay.swift", "Analyzer/Play/LatencyTables.swift",
            "Analyzer/Play/Sending.swift",
        ],
        "TimedPlayTests.swift": ["Analyzer/Play/HedgeRound.swift", "Analyzer/Play/RaceStart.swift"],
        "IntervalNPMLETests.swift": ["Analyzer/Estimators/NPMLESolver.swift"],
        "ReportTableTests.swift": [
            "Analyzer/Reports/RetryFigures.swift", "Analyzer/Reports/RetryTallies.swift",
            "Analyzer/Reports/SplitMix64+Columns.swift",
        ],
        // Collector
        "SegmentEncodingTests.swift": [
            "Collector/BlockWalk.swift"
        ],
        "SegmentFormatTests.swift": [
            "Collector/FormatOne.swift", "Collector/RequestSequence.swift",
            "Collector/SegmentHeader.swift",
        ],
        "AttemptStoreTests.swift": [
            "Collector/ChunkCursor.swift", "Collector/ColumnsBuilder.swift",
            "Collector/TailTable.swift",
        ],
        "SummaryScanTests.swift": [
            "Collector/Scan/ChunkDecoder.swift", "Collector/Scan/ChunkFeed.swift",
            "Collector/Scan/ChunkRows.swift", "Collector/Scan/HistogramScan.swift",
            "Collector/Scan/QuantileGather.swift",
            "Collector/Scan/OrderedShard.swift", "Collector/Scan/QuantilePart.swift",
            "Collector/Scan/RouteCount.swift", "Collector/Scan/StoredBlob.swift",
        ],
        "AttemptsTableTests.swift": [
            "Collector/SQL/AttemptsPlan.swift", "Collector/SQL/BlockTable.swift",
            "Collector/SQL/ColumnBlock.swift", "Collector/SQL/IndexRequest.swift", "Collector/SQL/NameTexts.swift",
            "Collector/SQL/OpenSegment.swift", "Collector/SQL/StartOrderWalk.swift",
            "Collector/SQL/StoredOrderWalk.swift",
        ],
        "QueryEquivalenceTests.swift": [
            "Collector/SQL/FailuresByRouteTable.swift", "Collector/SQL/OutagesTable.swift",
            "Collector/SQL/RequestsTable.swift",
        ],
        "QuantileTests.swift": ["Collector/SQL/SQLFunctions.swift"],
        "LoadableExtensionTests.swift": ["SQLiteExtension/SQLiteExtension.swift"],
        "CompactTests.swift": ["Collector/Care/SegmentRewrite.swift"],
        "PruneTests.swift": ["Collector/Care/HistoryTable.swift"],
        "StoreCheckTests.swift": ["Collector/Care/StoreChecker.swift"],
        "EnvoyCasesTests.swift": ["Collector/Import/EnvoyLine.swift", "Collector/Import/EnvoyRequest.swift"],
        "ImportAttemptsTests.swift": [
            "Collector/Fingerprint.swift", "Collector/Import/GzipInflater.swift", "Collector/Import/ImportLedger.swift",
            "Collector/Import/ImportRun.swift", "Collector/Import/NameCache.swift",
        ],
        "ImportJSONTests.swift": [
            "Collector/Import/JSONScanner.swift", "Collector/Import/JSONText.swift",
            "Collector/Import/JSONToken.swift",
        ],
        "ParallelImportTests.swift": [
            "Collector/Import/AttemptReader.swift", "Collector/Import/ImportRun+Attempts.swift",
            "Collector/Import/ImportWorkers.swift",
        ],
        "ImportLinesTests.swift": ["Collector/SystemError.swift"],
        "ColumnImportTests.swift": ["Collector/Import/ImportOutlet.swift"],
        // MeshDay
        "MeshDayTests.swift": ["MeshDay/OutagePlan.swift", "MeshDay/Popularity.swift", "MeshDay/RetryHeap.swift"],
        // Proxy
        "HTTPTests.swift": [
            "Proxy/LingerHandler.swift", "Proxy/ClientConnection.swift", "Proxy/FieldRules.swift",
            "Proxy/OwnAnswer.swift",
        ],
        "ExchangeInVirtualTimeTests.swift": [
            "Proxy/Exchange.swift", "Proxy/Exchange+Events.swift", "Proxy/UpstreamConnection.swift",
        ],
        "RetryOverLoopbackTests.swift": ["Proxy/KeptAnswer.swift"],
        "ServerLifeTests.swift": ["Proxy/ClientRegistry.swift"],
        // meantime
        "MeshDayCommandTests.swift": ["meantime/MeshDay/GenerateCommand.swift"],
        "ProxyCommandTests.swift": [
            "meantime/Commands/ListenCheck.swift", "meantime/Commands/RecorderService.swift",
            "meantime/Options/RecordOptions.swift",
        ],
        "StoreCommandTests.swift": [
            "meantime/Commands/StoreCheckCommand.swift", "meantime/Commands/StoreCompactCommand.swift",
            "meantime/Commands/StoreInfoCommand.swift", "meantime/Commands/StorePruneCommand.swift",
            "meantime/Options/KeepSpan.swift", "meantime/Output/StoreText.swift",
        ],
        "RulesCommandTests.swift": [
            "meantime/Commands/RulePublication.swift", "meantime/Commands/RulesApplyCommand.swift",
            "meantime/Commands/RulesDiffCommand.swift", "meantime/Commands/RulesHistoryCommand.swift",
            "meantime/Commands/RulesRollbackCommand.swift", "meantime/Commands/RulesShowCommand.swift",
            "meantime/Files/RuleVersions.swift",
        ],
        "DemoRehearsalTests.swift": [
            "meantime/Demo/ChildProcess.swift", "meantime/Demo/ClientConnection.swift",
            "meantime/Demo/DemoHosts.swift", "meantime/Demo/DemoJSON.swift", "meantime/Demo/DemoProgress.swift",
            "meantime/Demo/DemoProxyCommand.swift", "meantime/Demo/DemoRun.swift",
            "meantime/Demo/LocalHTTP.swift", "meantime/Demo/UpstreamCommand.swift",
        ],
        "DemoPageTests.swift": [
            "meantime/Demo/Page/Timeline.swift", "meantime/Page/PageKey.swift", "meantime/Page/PageStyle.swift",
            "meantime/Page/Plot.swift",
        ],
        "BadInputTests.swift": [
            "meantime/Exit.swift", "meantime/Files/StoreFile.swift", "meantime/Files/SystemError.swift",
            "meantime/Options/SourceOptions.swift",
        ],
        "ImportCommandTests.swift": ["meantime/Files/ImportStore.swift", "meantime/Output/ImportText.swift"],
        "ReportCommandTests.swift": [
            "meantime/Output/RulesReport.swift"
        ],
        "TuneCommandTests.swift": [
            "meantime/Output/TuneEnding.swift", "meantime/Output/TuneJSON.swift", "meantime/Output/TuneText.swift",
            "meantime/Output/TuneTimings.swift",
        ],
        "WhatIfCommandTests.swift": [
            "Analyzer/RuleComparison.swift", "meantime/Commands/ExplainCommand.swift",
            "meantime/Files/RouteLog.swift",
            "meantime/Output/DialectText.swift", "meantime/Output/EjectionText.swift",
            "meantime/Output/HedgeText.swift",
            "meantime/Output/RulePriceText.swift",
            "meantime/Output/WhatIfText.swift",
        ],
        "UsageTests.swift": [
            "meantime/Output/Output.swift", "meantime/Output/Style.swift", "meantime/Output/Terminal.swift",
            "meantime/Version.swift", "meantime/Meantime.swift",
        ],
    ]

    /// Files below `Sources` in which nothing can be wrong by itself, and why.
    static let needsNone: [String: String] = [:]
}
