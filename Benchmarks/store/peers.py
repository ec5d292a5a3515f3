"""DuckDB and pyarrow at the demands of the store, each in a process of its own: one JSON object on stdout.

Run by bench_store.py, with the Python of its virtual environment. Times are seconds; modules are loaded before
the clock starts, and digests of answers are made while it stands.

    peers.py versions
    peers.py load LINES FILE THREADS                read_json into a table of a new file
    peers.py digest FILE                            a checksum of every value of every row
    peers.py coded FILE                             a second table whose names are ENUMs
    peers.py parquet FILE TARGET default|best       the rows in start order as Parquet
    peers.py encodings FILE                         bytes of every Parquet encoding of every column
    peers.py zstd STORE                             what zstd would still save of a store's columns
    peers.py histogram|asof-all|asof-route|window-route FILE TABLE THREADS TIMES
    peers.py quantiles FILE TABLE THREADS TIMES FROM TO
"""

import json
import os
import resource
import sqlite3
import struct
import sys
import time

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

OUTCOMES = "ENUM('success', 'error_status', 'rate_limited', 'timeout', 'connect_failure', 'reset', 'cancelled')"

# What a good user would declare; names whose values are known beforehand are ENUMs.
COLUMNS = {
    "request": "UBIGINT",
    "route": "VARCHAR",
    "host": "VARCHAR",
    "attempt": "UTINYINT",
    "start_us": "BIGINT",
    "duration_us": "INTEGER",
    "wait_us": "INTEGER",
    "outcome": OUTCOMES,
    "status": "USMALLINT",
    "is_grpc": "BOOLEAN",
    "timeout_us": "INTEGER",
    "retry_after_us": "BIGINT",
    "method": "VARCHAR",
    "hedge": "BOOLEAN",
    "rule_version": "INTEGER",
}

# Bins of 8 an octave, as Meantime's: position of the top bit x 8 + the next three bits.
HISTOGRAM = """
SELECT route, outcome, bin, count(*) AS attempts
FROM (SELECT route, outcome, 8 * top + ((duration_us << 3) >> top) - 8 AS bin
      FROM (SELECT route, outcome, duration_us, CAST(floor(log2(duration_us)) AS INTEGER) AS top FROM {table}))
GROUP BY route, outcome, bin
"""

QUANTILES = """
SELECT route, quantile_disc(duration_us, 0.99) AS p99, count(*) AS attempts
FROM {table} WHERE start_us >= {begin} AND start_us < {end} GROUP BY route
"""

# Every probe with its place in the log: rows lie in order of start, then attempt number.
PROBES = """
probe AS MATERIALIZED (
  SELECT route, host, start_us, start_us + duration_us AS end_us, outcome = 'success' AS good, rowid AS id
  FROM {table} WHERE outcome <> 'cancelled'),
good AS MATERIALIZED (SELECT route, host, start_us, id FROM probe WHERE good),
bad AS MATERIALIZED (SELECT route, host, start_us, end_us, id FROM probe WHERE NOT good)
"""


def interval(name):
    """The interval's ends from `end_us` on, given the success after it and the last failure before that."""
    right = f"greatest(1, {name}_r - end_us)"
    return f"""
    CASE WHEN {name}_r IS NOT NULL THEN {right} END AS {name}_right,
    CASE WHEN {name}_l IS NULL OR {name}_l < end_us THEN 0 WHEN {name}_r IS NULL THEN {name}_l - end_us
         ELSE least({name}_l - end_us, {right} - 1) END AS {name}_left"""


def sums(*names):
    return "count(*), " + ", ".join(
        f"count({name}_right), sum({name}_right), sum({name}_left)" for name in names)


# Recovery of the route alone, by window functions: ends of failures and starts of probes on one line of time; at a tie
# the end comes first, for a probe at that very instant counts.
WINDOW_ROUTE = "WITH" + PROBES + """,
line AS (
  SELECT route, start_us AS moment, 1 AS kind, good, id FROM probe
  UNION ALL SELECT route, end_us, 0, NULL, id FROM bad),
failed AS (
  SELECT *, last_value(CASE WHEN kind = 1 AND NOT good THEN moment END IGNORE NULLS)
    OVER (PARTITION BY route ORDER BY moment, kind, id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS failure,
    max(CASE WHEN kind = 1 AND NOT good THEN moment END) OVER (PARTITION BY route) AS last_failure
  FROM line),
seen AS (
  SELECT kind, moment AS end_us, last_failure,
    first_value(CASE WHEN kind = 1 AND good THEN moment END IGNORE NULLS) OVER rest AS any_r,
    first_value(CASE WHEN kind = 1 AND good THEN coalesce(failure, 0) END IGNORE NULLS) OVER rest AS before
  FROM failed
  WINDOW rest AS (PARTITION BY route ORDER BY moment, kind, id ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)),
ends AS (SELECT end_us, any_r, coalesce(before, last_failure) AS any_l FROM seen WHERE kind = 0),
intervals AS (SELECT """ + interval("any") + """ FROM ends)
SELECT """ + sums("any") + " FROM intervals"

# The same by two ASOF joins: the next success, then the last failure before it.
ASOF_ROUTE = "WITH" + PROBES + """,
r AS (
  SELECT b.*, g.start_us AS any_r, coalesce(g.id, 9000000000000000000) AS any_id
  FROM bad b ASOF LEFT JOIN good g ON b.route = g.route AND b.end_us <= g.start_us),
l AS (SELECT r.*, f.start_us AS any_l FROM r ASOF LEFT JOIN bad f ON r.route = f.route AND r.any_id > f.id),
intervals AS (SELECT """ + interval("any") + """ FROM l)
SELECT """ + sums("any") + " FROM intervals"

# The whole answer, as Meantime gives it: recovery of the route, of the host that failed and of any other host. Of the
# other hosts each is asked by itself and the first success and the last failure taken.
ASOF_ALL = "WITH" + PROBES + """,
hosts AS MATERIALIZED (SELECT DISTINCT route, host FROM probe),
touched AS MATERIALIZED (SELECT DISTINCT route, host FROM bad),
pairs AS MATERIALIZED (
  SELECT t.route, t.host, h.host AS elsewhere FROM touched t JOIN hosts h ON t.route = h.route AND t.host <> h.host),
r1 AS MATERIALIZED (
  SELECT b.*, g.start_us AS any_r, coalesce(g.id, 9000000000000000000) AS any_id
  FROM bad b ASOF LEFT JOIN good g ON b.route = g.route AND b.end_us <= g.start_us),
r2 AS MATERIALIZED (
  SELECT b.*, g.start_us AS same_r, coalesce(g.id, 9000000000000000000) AS same_id
  FROM r1 b ASOF LEFT JOIN good g ON b.route = g.route AND b.host = g.host AND b.end_us <= g.start_us),
r3 AS MATERIALIZED (
  SELECT b.id, min(g.start_us) AS other_r, min(g.id) AS other_id
  FROM bad b JOIN pairs p ON b.route = p.route AND b.host = p.host
  ASOF JOIN good g ON p.route = g.route AND p.elsewhere = g.host AND b.end_us <= g.start_us GROUP BY b.id),
r AS MATERIALIZED (
  SELECT r2.*, other_r, coalesce(other_id, 9000000000000000000) AS other_id FROM r2 LEFT JOIN r3 USING (id)),
l1 AS MATERIALIZED (
  SELECT r.*, f.start_us AS any_l FROM r ASOF LEFT JOIN bad f ON r.route = f.route AND r.any_id > f.id),
l2 AS MATERIALIZED (
  SELECT l1.*, f.start_us AS same_l FROM l1
  ASOF LEFT JOIN bad f ON l1.route = f.route AND l1.host = f.host AND l1.same_id > f.id),
l3 AS MATERIALIZED (
  SELECT r.id, max(f.start_us) AS other_l FROM r JOIN pairs p ON r.route = p.route AND r.host = p.host
  ASOF JOIN bad f ON p.route = f.route AND p.elsewhere = f.host AND r.other_id > f.id GROUP BY r.id),
l AS (SELECT l2.*, other_l FROM l2 LEFT JOIN l3 USING (id)),
intervals AS (SELECT """ + ",".join(interval(name) for name in ("any", "same", "other")) + """ FROM l)
SELECT """ + sums("any", "same", "other") + " FROM intervals"


def connect(path, threads, read_only=True):
    connection = duckdb.connect(path, read_only=read_only)
    if threads:
        connection.execute(f"PRAGMA threads={threads}")
    return connection


def clock():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), usage.ru_utime + usage.ru_stime


def measure(times, work, digest=lambda answer: answer):
    """Runs the work so often and tells what each run took and answered; digests are made outside of the clock."""
    runs, answers = [], []
    for _ in range(times):
        wall, cpu = clock()
        answer = work()
        after_wall, after_cpu = clock()
        runs.append({"wall": after_wall - wall, "cpu": after_cpu - cpu})
        answers.append(digest(answer))
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"runs": runs, "rss": rss, "answers": answers}


def query(path, sql, threads, times, digest):
    connection = None

    def work():
        nonlocal connection
        # The first run opens the file too, as ours does.
        connection = connection or connect(path, threads)
        # Arrow is the cheapest way to take a result.
        return connection.sql(sql).to_arrow_table()

    return measure(times, work, lambda table: digest(list(zip(*(column.to_pylist() for column in table.columns)))))


def histogram_digest(rows):
    cells = {(route, str(outcome), int(bin)): count for route, outcome, bin, count in rows}
    return checksum(f"{r} {o} {b} {n}" for (r, o, b), n in cells.items()) | {"attempts": sum(cells.values())}


def quantile_digest(rows):
    return checksum(f"{route} {p99} {count}" for route, p99, count in rows)


def checksum(lines):
    """How many lines, and the sum of their FNV-1a hashes: the order does not matter."""
    count = total = 0
    for line in lines:
        value = 0xCBF29CE484222325
        for byte in line.encode():
            value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
        total = (total + value) & 0xFFFFFFFFFFFFFFFF
        count += 1
    return {"lines": count, "sum": f"{total:016x}"}


def numbers(rows):
    return {"numbers": [int(value or 0) for value in rows[0]]}


def load(jsonl, path, threads):
    columns = ", ".join("{}: '{}'".format(name, kind.replace("'", "''")) for name, kind in COLUMNS.items())

    def work():
        connection = connect(path, threads, read_only=False)
        # Names as ENUMs would need a pass over the file beforehand; the outcome's values are known.
        connection.execute(
            f"CREATE TABLE attempts AS SELECT * FROM read_json('{jsonl}', format='newline_delimited',"
            f" columns={{{columns}}})"
        )
        rows = connection.execute("SELECT count(*) FROM attempts").fetchone()[0]
        connection.close()
        return {"rows": rows}

    result = measure(1, work)
    result["bytes"] = os.path.getsize(path)
    return result


# What StoreBenchmarks' ContentDigest does.
PRIME = 2147483647
DIGEST = f"""
WITH one AS (
  SELECT route, host, method,
    (start_us % {PRIME} * 3 + start_us // {PRIME} * 5 + duration_us::BIGINT % {PRIME} * 7
      + (request % {PRIME})::BIGINT * 11 + attempt::BIGINT * 13 + wait_us::BIGINT % {PRIME} * 17
      + enum_code(outcome)::BIGINT * 19 + status::BIGINT * 23 + is_grpc::BIGINT * 29
      + timeout_us::BIGINT % {PRIME} * 31 + retry_after_us % {PRIME} * 37 + hedge::BIGINT * 41
      + rule_version::BIGINT * 43) % {PRIME} AS rest
  FROM attempts)
SELECT route, host, method, count(*), sum(rest * rest % {PRIME}) FROM one GROUP BY ALL
"""


def digest(path):
    rows = connect(path, 0).execute(DIGEST).fetchall()
    found = checksum(" ".join(map(str, row)) for row in rows) | {"attempts": sum(row[3] for row in rows)}
    return {"runs": [], "rss": 0, "answers": [found]}


def coded(path):
    """A second table whose names are ENUMs: what a user would make who asks by route all day."""
    connection = connect(path, 0, read_only=False)
    for name in ("route", "host", "method"):
        connection.execute(f"CREATE TYPE {name}_name AS ENUM (SELECT DISTINCT {name} FROM attempts ORDER BY 1)")
    connection.execute(
        "CREATE TABLE coded AS SELECT * REPLACE (route::route_name AS route, host::host_name AS host,"
        " method::method_name AS method) FROM attempts"
    )
    connection.close()
    return {"bytes": os.path.getsize(path)}


# The default of pyarrow: rows to a row group.
ROW_GROUP = 1 << 20

# Found by trying every encoding of every column at 2 million attempts.
BEST = {
    "request": "DELTA_BINARY_PACKED",
    "start_us": "DELTA_BINARY_PACKED",
    "duration_us": "BYTE_STREAM_SPLIT",
    "wait_us": "PLAIN",
}


def parquet(path, target, kind):
    """The rows in start order as Parquet with zstd: pyarrow's defaults, or the best encodings known."""
    connection = connect(path, 0)
    reader = connection.sql("SELECT * REPLACE (outcome::VARCHAR AS outcome) FROM attempts").to_arrow_reader(1 << 17)
    options = {"compression": "zstd"}
    if kind == "best":
        options |= {
            "use_dictionary": [name for name in COLUMNS if name not in BEST],
            "column_encoding": BEST,
            "compression_level": 19,
        }
    start = time.perf_counter()
    with pq.ParquetWriter(target, reader.schema, **options) as writer:
        waiting = []
        for batch in reader:
            waiting.append(batch)
            if sum(each.num_rows for each in waiting) >= ROW_GROUP:
                writer.write_table(pa.Table.from_batches(waiting), row_group_size=ROW_GROUP)
                waiting = []
        writer.write_table(pa.Table.from_batches(waiting, reader.schema), row_group_size=ROW_GROUP)
    took = time.perf_counter() - start
    return {"bytes": os.path.getsize(target), "wall": took, "columns": parquet_columns(target)}


def parquet_columns(target):
    metadata = pq.ParquetFile(target).metadata
    sizes = {}
    for group in range(metadata.num_row_groups):
        for index in range(metadata.num_columns):
            column = metadata.row_group(group).column(index)
            sizes[column.path_in_schema] = sizes.get(column.path_in_schema, 0) + column.total_compressed_size
    return sizes


def encodings(path):
    """Every encoding of every column: bytes. For finding BEST."""
    table = connect(path, 0).sql("SELECT * REPLACE (outcome::VARCHAR AS outcome) FROM attempts").to_arrow_table()
    found = {}
    for name in table.column_names:
        one = table.select([name])
        for encoding in ("dictionary", "PLAIN", "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT", "RLE"):
            for level in (1, 9):
                options = {"use_dictionary": True} if encoding == "dictionary" else {
                    "use_dictionary": False, "column_encoding": {name: encoding}}
                sink = pa.BufferOutputStream()
                try:
                    pq.write_table(one, sink, compression="zstd", compression_level=level, **options)
                except Exception:
                    continue
                found.setdefault(name, {})[f"{encoding} {level}"] = sink.getvalue().size
    return found


def zstd(path):
    """Every column of every tenth segment (docs/segment.md), packed again by zstd; a column that grows is left."""
    columns = (
        "start_us duration_us route host request attempt wait_us outcome status is_grpc timeout_us retry_after_us method "
        "hedge rule_version"
    ).split()
    bytes_of = {"as it is": [0] * len(columns)}
    codecs = {f"level {level}": pa.Codec("zstd", compression_level=level) for level in (3, 19)}
    bytes_of |= {name: [0] * len(columns) for name in codecs}
    store = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    for (segment,) in store.execute("SELECT data FROM segment WHERE id % 10 = 0"):
        for column in range(len(columns)):
            offset, length = struct.unpack_from("<II", segment, 40 + 24 * column + 4)
            plain = segment[offset : offset + length]
            bytes_of["as it is"][column] += length
            for name, codec in codecs.items():
                bytes_of[name][column] += min(length, len(codec.compress(plain, asbytes=True)))
    if not sum(bytes_of["as it is"]):
        sys.exit(f"{path}: fewer than ten segments")
    shares = {name: sum(sizes) / sum(bytes_of["as it is"]) for name, sizes in bytes_of.items()}
    return {"share": shares, "bytes": {name: dict(zip(columns, sizes)) for name, sizes in bytes_of.items()}}


def main(arguments):
    if not arguments:
        sys.exit(__doc__)
    what, rest = arguments[0], arguments[1:]
    if what == "versions":
        return {"duckdb": duckdb.__version__, "pyarrow": pa.__version__}
    if what == "load":
        return load(rest[0], rest[1], int(rest[2]))
    if what == "digest":
        return digest(rest[0])
    if what == "coded":
        return coded(rest[0])
    if what == "zstd":
        return zstd(rest[0])
    if what == "parquet":
        return parquet(rest[0], rest[1], rest[2])
    if what == "encodings":
        return encodings(rest[0])
    path, table, threads, times = rest[0], rest[1], int(rest[2]), int(rest[3])
    if what == "histogram":
        return query(path, HISTOGRAM.format(table=table), threads, times, histogram_digest)
    if what == "quantiles":
        sql = QUANTILES.format(table=table, begin=rest[4], end=rest[5])
        return query(path, sql, threads, times, quantile_digest)
    if what not in ("window-route", "asof-route", "asof-all"):
        sys.exit(__doc__)
    sql = {"window-route": WINDOW_ROUTE, "asof-route": ASOF_ROUTE, "asof-all": ASOF_ALL}[what]
    return query(path, sql.format(table=table), threads, times, numbers)


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))
