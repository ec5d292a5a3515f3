/// Queries that must answer alike on the virtual table and on a plain one. Where the last word is an order, it decides
/// between all rows that can be told apart.
enum QueryList {
    private static let all = "start_us, request, attempt, duration_us, host, route, outcome, status"
    private static let middle: Int64 = 1_790_000_000_300_000

    static let attempts: [String] =
        times + names + numbers + boolean + grouped + ordered + joined + windows + texts

    private static let times = [
        "SELECT * FROM attempts",
        "SELECT \(all) FROM attempts WHERE start_us >= \(middle)",
        "SELECT \(all) FROM attempts WHERE start_us > \(middle)",
        "SELECT \(all) FROM attempts WHERE start_us < \(middle)",
        "SELECT \(all) FROM attempts WHERE start_us <= \(middle)",
        "SELECT \(all) FROM attempts WHERE start_us BETWEEN \(middle - 50_000) AND \(middle + 50_000)",
        "SELECT \(all) FROM attempts WHERE start_us NOT BETWEEN \(middle - 50_000) AND \(middle + 50_000)",
        "SELECT count(*) FROM attempts WHERE start_us > \(middle) AND start_us < \(middle)",
        "SELECT count(*) FROM attempts WHERE start_us >= -9223372036854775808",
        "SELECT count(*) FROM attempts WHERE start_us > 9223372036854775807",
        "SELECT count(*) FROM attempts WHERE start_us <= 9223372036854775807",
        "SELECT count(*) FROM attempts WHERE start_us < -9223372036854775808",
        "SELECT count(*) FROM attempts WHERE start_us > 1e300", "SELECT count(*) FROM attempts WHERE start_us < 1e300",
        "SELECT count(*) FROM attempts WHERE start_us >= \(middle).5",
        "SELECT count(*) FROM attempts WHERE start_us > NULL",
        "SELECT count(*) FROM attempts WHERE start_us IS NULL",
        "SELECT count(*) FROM attempts WHERE start_us IS NOT NULL",
        "SELECT count(*) FROM attempts WHERE start_us > 'a'",
        "SELECT count(*) FROM attempts WHERE start_us < '\(middle)'",
        "SELECT \(all) FROM attempts WHERE start_us IN (SELECT start_us FROM attempts WHERE start_us % 7 = 0)",
        "SELECT count(*) FROM attempts WHERE start_us IN (1, NULL, 3)",
    ]

    private static let names = [
        "SELECT \(all) FROM attempts WHERE route = 'route-1'", "SELECT \(all) FROM attempts WHERE route <> 'route-1'",
        "SELECT \(all) FROM attempts WHERE route IN ('route-1', 'route-3', 'nowhere')",
        "SELECT count(*) FROM attempts WHERE route NOT IN ('route-1', 'route-3')",
        "SELECT count(*) FROM attempts WHERE route IN ()",
        "SELECT count(*) FROM attempts WHERE route IN (NULL, 'route-0')",
        "SELECT count(*) FROM attempts WHERE route = NULL", "SELECT count(*) FROM attempts WHERE route IS 'route-2'",
        "SELECT count(*) FROM attempts WHERE route = 7",
        "SELECT count(*) FROM attempts WHERE route = x'726F7574652D31'",
        "SELECT count(*) FROM attempts WHERE route = 'ROUTE-1'",
        "SELECT count(*) FROM attempts WHERE route = 'ROUTE-1' COLLATE NOCASE",
        "SELECT count(*) FROM attempts WHERE route = 'route-1 ' COLLATE RTRIM",
        "SELECT count(*) FROM attempts WHERE route > 'route-2'", "SELECT count(*) FROM attempts WHERE route LIKE '%-3'",
        "SELECT count(*) FROM attempts WHERE route GLOB 'route-[12]'",
        "SELECT count(*) FROM attempts WHERE host = ''",
        "SELECT count(*) FROM attempts WHERE host IN ('', 'hôte ✓', 5)",
        "SELECT count(*) FROM attempts WHERE host = '10.0.1.1:80' OR host = '10.0.2.2:80'",
        "SELECT method, count(*) FROM attempts WHERE method = '' GROUP BY method",
    ]

    private static let numbers = [
        "SELECT \(all) FROM attempts WHERE outcome = 'timeout'",
        "SELECT \(all) FROM attempts WHERE outcome <> 'success'",
        "SELECT count(*) FROM attempts WHERE outcome <> 'success' AND outcome <> 'cancelled' AND outcome != 'nothing'",
        "SELECT count(*) FROM attempts WHERE outcome IN ('reset', 'timeout')",
        "SELECT count(*) FROM attempts WHERE outcome NOT IN ('reset', 'timeout', 'success')",
        "SELECT count(*) FROM attempts WHERE outcome = 'Timeout'", "SELECT count(*) FROM attempts WHERE outcome = 3",
        "SELECT count(*) FROM attempts WHERE outcome <> NULL", "SELECT count(*) FROM attempts WHERE outcome = outcome",
        "SELECT count(*) FROM attempts WHERE outcome <> 3",
        "SELECT \(all) FROM attempts WHERE request = 17", "SELECT count(*) FROM attempts WHERE request = '17'",
        "SELECT count(*) FROM attempts WHERE request = 17.0",
        "SELECT count(*) FROM attempts WHERE request IN (1, 2, '3', 4.0)",
        "SELECT count(*) FROM attempts WHERE request < 0", "SELECT count(*) FROM attempts WHERE attempt = 2",
        "SELECT count(*) FROM attempts WHERE attempt = 1 AND status = 503",
        "SELECT count(*) FROM attempts WHERE status IN (404, 503) AND hedge = 1",
        "SELECT max(duration_us), min(duration_us), total(wait_us) FROM attempts WHERE status = 200",
        "SELECT count(*) FROM attempts WHERE wait_us > duration_us",
    ]

    private static let boolean = [
        "SELECT \(all) FROM attempts WHERE route = 'route-1' OR outcome = 'reset'",
        "SELECT \(all) FROM attempts WHERE route = 'route-1' AND (outcome = 'reset' OR start_us < \(middle))",
        "SELECT count(*) FROM attempts WHERE NOT (route = 'route-1' AND outcome = 'reset')",
        "SELECT count(*) FROM attempts WHERE outcome = 'reset' AND outcome = 'timeout'",
        "SELECT count(*) FROM attempts WHERE route = 'route-1' AND route = 'route-2'",
        "SELECT count(*) FROM attempts WHERE route = 'route-1' AND route IN ('route-1', 'route-2')",
        "SELECT count(*) FROM attempts WHERE (route, outcome) = ('route-1', 'reset')",
        "SELECT count(*) FROM attempts WHERE (route, outcome) IN (VALUES ('route-1', 'reset'), ('route-2', 'timeout'))",
        "SELECT count(*) FILTER (WHERE outcome = 'success'), count(*) FROM attempts WHERE hedge = 0",
        "SELECT CASE WHEN hedge THEN 'h' ELSE route END, count(*) FROM attempts GROUP BY 1",
    ]

    private static let grouped = [
        "SELECT route, count(*) FROM attempts GROUP BY route",
        "SELECT route, count(*) FROM attempts GROUP BY route ORDER BY route",
        "SELECT route, count(*) FROM attempts GROUP BY route ORDER BY route DESC",
        "SELECT route, count(*) AS n FROM attempts GROUP BY route ORDER BY n, route",
        "SELECT route, outcome, count(*) FROM attempts GROUP BY 1, 2",
        "SELECT route, outcome, count(*) FROM attempts GROUP BY 1, 2 ORDER BY 1, 2",
        "SELECT route, outcome, count(*) FROM attempts GROUP BY 1, 2 ORDER BY 1 DESC, 2 DESC",
        "SELECT route, outcome, count(*) FROM attempts GROUP BY 1, 2 ORDER BY 1, 2 DESC",
        "SELECT outcome, route, count(*) FROM attempts GROUP BY 1, 2 ORDER BY 1, 2",
        "SELECT route, outcome, max(start_us) FROM attempts WHERE start_us > \(middle) GROUP BY route, outcome",
        "SELECT route, count(*) FROM attempts WHERE outcome <> 'success' GROUP BY route HAVING count(*) > 20",
        "SELECT DISTINCT route FROM attempts", "SELECT DISTINCT route FROM attempts ORDER BY route DESC",
        "SELECT DISTINCT route, outcome FROM attempts WHERE hedge = 1", "SELECT count(DISTINCT route) FROM attempts",
        "SELECT start_us / 100000, count(*) FROM attempts GROUP BY 1 ORDER BY 1",
        "SELECT route, group_concat(DISTINCT method) FROM attempts WHERE method = 'GET' GROUP BY route",
    ]

    private static let ordered = [
        "SELECT start_us FROM attempts ORDER BY start_us",
        "SELECT start_us FROM attempts ORDER BY start_us DESC LIMIT 10",
        "SELECT start_us FROM attempts WHERE outcome = 'reset' ORDER BY start_us LIMIT 5 OFFSET 3",
        "SELECT route, start_us FROM attempts WHERE route = 'route-2' ORDER BY route, start_us",
        "SELECT route, start_us FROM attempts WHERE route IN ('route-2', 'route-1') ORDER BY route, start_us DESC",
        "SELECT \(all) FROM attempts ORDER BY \(all) LIMIT 50 OFFSET 100", "SELECT route FROM attempts ORDER BY route",
        "SELECT route FROM attempts ORDER BY route DESC", "SELECT min(start_us) FROM attempts",
        "SELECT max(start_us) FROM attempts WHERE route = 'route-4'", "SELECT max(route), min(outcome) FROM attempts",
        "SELECT count(*) FROM (SELECT * FROM attempts ORDER BY start_us LIMIT 7)",
        "SELECT start_us FROM attempts UNION SELECT start_us + 1 FROM attempts ORDER BY 1",
        "SELECT route FROM attempts WHERE hedge = 1 EXCEPT SELECT route FROM attempts WHERE hedge = 0",
    ]

    private static let joined = [
        "SELECT count(*) FROM attempts a JOIN attempts b ON a.rowid = b.rowid",
        "SELECT count(DISTINCT rowid) FROM attempts",
        "SELECT count(*) FROM attempts WHERE rowid IN (SELECT rowid FROM attempts)",
        "SELECT count(*) FROM attempts WHERE rowid = (SELECT rowid FROM attempts LIMIT 1)",
        "SELECT a.request, b.start_us - a.start_us FROM attempts a JOIN attempts b USING (request) "
            + "WHERE a.attempt = 1 AND b.attempt = 2",
        "SELECT count(*) FROM attempts a LEFT JOIN attempts b ON b.request = a.request AND b.attempt = a.attempt + 1 "
            + "WHERE b.request IS NULL",
        "SELECT r.name, count(*) FROM (VALUES ('route-1'), ('route-9')) AS v "
            + "JOIN (SELECT 'route-1' AS name) r ON r.name = v.column1 JOIN attempts a ON a.route = v.column1 GROUP BY 1",
        "SELECT count(*) FROM attempts a WHERE EXISTS "
            + "(SELECT 1 FROM attempts b WHERE b.route = a.route AND b.start_us = a.start_us AND b.request <> a.request)",
        "SELECT count(*) FROM attempts a WHERE start_us = (SELECT max(start_us) FROM attempts b WHERE b.outcome = a.outcome)",
        "WITH slow AS (SELECT * FROM attempts WHERE duration_us > 80000) SELECT route, count(*) FROM slow GROUP BY route",
    ]

    private static let windows = [
        "SELECT route, start_us, row_number() OVER (PARTITION BY route ORDER BY \(all)) FROM attempts",
        "SELECT \(all), lag(outcome) OVER (PARTITION BY route ORDER BY \(all)) FROM attempts WHERE route <> 'route-0'",
        "SELECT start_us, count(*) OVER (ORDER BY start_us RANGE BETWEEN 10000 PRECEDING AND CURRENT ROW) FROM attempts",
        "SELECT outcome, rank() OVER (ORDER BY count(*)) FROM attempts GROUP BY outcome",
    ]

    private static let texts = [
        "SELECT route || ':' || host || ':' || status FROM attempts",
        "SELECT typeof(start_us), typeof(route), typeof(hedge) FROM attempts",
        "SELECT upper(route), length(host), substr(outcome, 1, 3) FROM attempts",
        "SELECT hex(host) FROM attempts WHERE hedge = 1",
        "SELECT start_us + 0.5, request * 1.0, -attempt FROM attempts",
        "SELECT json_group_array(outcome) FROM attempts WHERE request = 4 AND attempt = 1",
    ]
}
