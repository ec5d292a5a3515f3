@testable import Collector

/// What `requests`, `outages` and `failures_by_route` would be as views over a plain table, in SQL alone.
enum PlainViews {
    static func add(to plain: Connection) throws {
        try plain.execute(
            """
            CREATE INDEX by_request ON attempts (route, request);
            CREATE VIEW requests AS
              SELECT route, request, min(start_us) AS start_us, max(start_us + duration_us) AS end_us,
                max(start_us + duration_us) - min(start_us) AS duration_us, count(*) AS attempts,
                sum(outcome NOT IN ('success', 'cancelled')) AS failures, sum(hedge) AS hedges,
                CASE WHEN max(outcome = 'success') THEN 'success' ELSE (
                  SELECT outcome FROM attempts b WHERE b.route = a.route AND b.request = a.request
                  ORDER BY attempt DESC, start_us DESC LIMIT 1) END AS outcome,
                (SELECT outcome FROM attempts b
                  WHERE b.route = a.route AND b.request = a.request AND outcome NOT IN ('success', 'cancelled')
                  ORDER BY attempt, start_us LIMIT 1) AS first_failure,
                sum(wait_us) AS waited_us, sum(iif(outcome = 'success', 0, duration_us)) AS wasted_us
              FROM attempts a GROUP BY route, request;
            CREATE VIEW outages AS
              WITH failure AS (
                SELECT route, start_us, start_us + duration_us AS end_us, host,
                  (SELECT count(*) FROM attempts s WHERE s.route = f.route AND s.outcome = 'success'
                     AND s.start_us < f.start_us) AS successes_before
                FROM attempts f WHERE outcome NOT IN ('success', 'cancelled')),
              run AS (
                SELECT route, min(start_us) AS start_us, max(end_us) AS end_us,
                  max(end_us) - min(start_us) AS duration_us, count(*) AS failures, count(DISTINCT host) AS hosts,
                  max(start_us) AS last_us
                FROM failure GROUP BY route, successes_before)
              SELECT route, start_us, end_us, duration_us, failures, hosts,
                (SELECT min(start_us) FROM attempts s WHERE s.route = run.route AND s.outcome = 'success'
                   AND s.start_us >= run.last_us) AS recovered_us
              FROM run;
            CREATE VIEW failures_by_route AS
              WITH place AS (
                SELECT route, duration_us, row_number() OVER (PARTITION BY route ORDER BY duration_us) AS number,
                  count(*) OVER (PARTITION BY route) AS of_all
                FROM attempts WHERE outcome = 'success')
              SELECT route, count(*) AS attempts, sum(outcome NOT IN ('success', 'cancelled')) AS failures,
                sum(outcome NOT IN ('success', 'cancelled')) * 1.0 / count(*) AS failure_share,
                sum(outcome = 'success') AS success, sum(outcome = 'error_status') AS error_status,
                sum(outcome = 'rate_limited') AS rate_limited, sum(outcome = 'timeout') AS timeout,
                sum(outcome = 'connect_failure') AS connect_failure, sum(outcome = 'reset') AS reset,
                sum(outcome = 'cancelled') AS cancelled,
                (SELECT duration_us FROM place WHERE place.route = a.route AND number = (50 * of_all + 99) / 100) AS p50_us,
                (SELECT duration_us FROM place WHERE place.route = a.route AND number = (99 * of_all + 99) / 100) AS p99_us
              FROM attempts a GROUP BY route;
            """)
    }

    /// Asked of both; an order is total where it is given.
    static let queries = [
        "SELECT * FROM requests", "SELECT * FROM outages", "SELECT * FROM failures_by_route",
        "SELECT * FROM requests WHERE route = 'route-1' OR route = 'route-2'",
        "SELECT * FROM outages WHERE route = 'route-0' OR failures > 2",
        "SELECT route, failures FROM failures_by_route WHERE route = 'route-3' OR route = 'route-1' OR attempts > 70",
        "SELECT * FROM requests WHERE route = 'route-1'", "SELECT * FROM requests WHERE route IN ('route-1', 'no')",
        "SELECT * FROM requests WHERE attempts > 1 AND outcome <> 'success'",
        "SELECT first_failure, count(*), sum(wasted_us) FROM requests GROUP BY 1",
        "SELECT route, count(*) FROM requests WHERE first_failure IS NULL GROUP BY route ORDER BY route",
        "SELECT route, avg(attempts) FROM requests GROUP BY route ORDER BY route DESC",
        "SELECT max(waited_us), min(hedges) FROM requests WHERE route = 7",
        "SELECT count(*) FROM requests r JOIN attempts a ON a.route = r.route AND a.request = r.request",
        "SELECT r.route, r.request, o.failures FROM requests r JOIN outages o ON o.route = r.route "
            + "AND r.start_us BETWEEN o.start_us AND o.end_us WHERE o.failures > 1",
        "SELECT * FROM outages WHERE failures >= 3 ORDER BY route, start_us",
        "SELECT route, sum(duration_us), max(hosts) FROM outages GROUP BY route ORDER BY route",
        "SELECT count(*) FROM outages WHERE recovered_us IS NULL",
        "SELECT * FROM outages WHERE route = 'route-2' AND start_us > 1790000000100000",
        "SELECT route, attempts FROM failures_by_route ORDER BY route LIMIT 2",
        "SELECT route FROM failures_by_route WHERE route = 'route-3'",
        "SELECT sum(attempts), sum(failures), sum(timeout) FROM failures_by_route",
        "SELECT route, p99_us FROM failures_by_route WHERE failure_share > 0.5",
    ]
}
