"""`make bench-store`: the store at a mesh-day beside DuckDB and Parquet, every demand in one run.

Ends with 1 when an answer is wrong or something cannot be run; a demand that is missed is printed and counted, and ends
with 0. Rounds are whole, so both sides always have the same number of runs.
"""

import argparse
import glob
import hashlib
import json
import os
import shutil
import sys
import time

from harness import (
    BEGIN_US, HERE, HOUR_US, MIB, ROOT, Child, Rounds, Times, environment, fail, least, load, middle, one_core, pair,
    processor, quoted, say, table, write_block,
)

COLUMNS = [
    "start_us", "duration_us", "route", "host", "request", "attempt", "wait_us", "outcome", "status", "is_grpc",
    "timeout_us", "retry_after_us", "method", "hedge", "rule_version",
]
# What a run needs at most on the disk, bytes an attempt: the lines, and the files made of them.
DISK = 330
# Runs of a scan in each process: one fresh, the rest again in it.
TIMES = 3

# Statements whose memory is measured: each reads the whole store.
STATEMENTS = {
    "requests": "SELECT count(*), sum(attempts), sum(wasted_us) FROM requests",
    "outages": "SELECT count(*), sum(failures) FROM outages",
    "failures_by_route": "SELECT count(*), sum(attempts), max(p99_us) FROM failures_by_route",
    "attempts by route and outcome": "SELECT route, outcome, count(*) FROM attempts GROUP BY 1, 2",
    "attempts by route, every column": "SELECT route, sum(start_us % 7), sum(duration_us), max(host), sum(request % 5), "
    "max(attempt), sum(wait_us), max(outcome), max(status), sum(is_grpc), max(timeout_us), max(retry_after_us), max(method), "
    "sum(hedge), max(rule_version) FROM attempts GROUP BY route",
    "attempts in start order": "SELECT count(*) FROM (SELECT start_us FROM attempts ORDER BY start_us LIMIT -1)",
}
REPORTS = ("recovery", "failure-times", "latency", "retries")
# The most popular of the routes.
BIGGEST = "service-1"


class Bench:
    def __init__(self, options):
        self.options = options
        self.directory = options.directory
        os.makedirs(self.directory, exist_ok=True)
        self.python = environment(os.path.join(self.directory, "venv"))
        self.cores = one_core()
        self.rounds = Rounds(options.rounds, options.minutes)
        self.wrong, self.commands, self.results = [], [], {}
        self.time_rows, self.core_rows, self.byte_rows, self.memory_rows = [], [], [], []
        self.versions = self.peer("versions").result
        self.lines = self.path(f"day-{options.attempts}-{options.seed}.jsonl")

    def path(self, name):
        return os.path.join(self.directory, name)

    def fresh(self, name):
        for end in ("", "-wal", "-shm", ".wal", ".rejects"):
            if os.path.exists(self.path(name) + end):
                os.remove(self.path(name) + end)
        return self.path(name)

    def ours(self, *arguments, cores=None):
        return Child([self.options.bench, *map(str, arguments)], cores)

    def peer(self, *arguments, cores=None):
        return Child([self.python, os.path.join(HERE, "peers.py"), *map(str, arguments)], cores)

    def meantime(self, *arguments, cores=None, seconds=None):
        return Child([self.options.meantime, *map(str, arguments)], cores, seconds)

    def check(self, what, ours, theirs):
        """Both must be there, and equal."""
        empty = not ours or ours.get("lines") == 0 or ours.get("attempts") == 0 or not any(ours.get("numbers", [1]))
        if empty or ours != theirs:
            self.wrong.append(f"{what}: {'nothing' if empty else ours} is not {theirs}")
            say(f"WRONG: {self.wrong[-1]}")

    def command(self, what, child_or_text):
        text = getattr(child_or_text, "command", child_or_text)
        if (what, text) not in self.commands:
            self.commands.append((what, text))

    # Rows

    def times_row(self, demand, ours, peers, must):
        """Ours and each way of the peer as runs; the peer is its best way, for the wall and for the CPU each."""
        ratios, cells, names = {}, {}, []
        for what in ("wall", "cpu"):
            name = min(peers, key=lambda name: least(peers[name], what))
            theirs = peers[name]
            names += [name] if name not in names else []
            ratios[what] = (least(ours, what) / least(theirs, what), middle(ours, what) / middle(theirs, what))
            cells[what] = (pair(ours, what), pair(theirs, what))
        counts = sorted({len(runs) for runs in [ours, *peers.values()]})
        if len(counts) > 1:
            fail(f"{demand}: not the same number of runs on both sides: {counts}")
        named = f", {' and '.join(names)}" if names != [""] else ""
        self.time_rows.append((
            f"{demand} ({counts[0]} each{named})", cells["wall"][0], cells["wall"][1], cells["cpu"][0], cells["cpu"][1],
            *(f"{ratios[what][0]:.3f} / {ratios[what][1]:.3f}" for what in ("wall", "cpu")),
            f"<= {must}" if must else "-",
            self.verdict(ratios["wall"][0] <= must, ratios["cpu"][0] <= must) if must else "-",
        ))

    @staticmethod
    def verdict(wall, cpu):
        return {(True, True): "holds", (False, False): "MISSES", (True, False): "MISSES by CPU",
                (False, True): "MISSES on the wall"}[wall, cpu]

    # The day

    def generator(self):
        """A digest of what makes the day: lines that another generator left are not taken."""
        sources = sorted(glob.glob(os.path.join(ROOT, "Sources", "MeshDay", "*.swift")))
        sources.append(os.path.join(ROOT, "Sources", "Retry", "SplitMix64.swift"))
        digest = hashlib.sha256()
        for source in sources:
            with open(source, "rb") as file:
                digest.update(file.read())
        return digest.hexdigest()

    def make(self):
        n, seed = self.options.attempts, self.options.seed
        note, key = self.lines + ".json", {"attempts": n, "seed": seed, "generator": self.generator()}
        self.command("entropy", quoted([self.options.bench, "entropy", n, seed]))
        self.command("lines", quoted(
            [self.options.meantime, "generate", "mesh-day", "--attempts", n, "--seed", seed, "--output", self.lines]))
        if os.path.exists(note) and os.path.exists(self.lines):
            with open(note) as file:
                made = json.load(file)
            if made.get("key") == key and made["bytes"] == os.path.getsize(self.lines):
                say(f"mesh-day, {n:,} attempts, seed {seed}: the lines of an earlier run")
                self.day = made
                return
        for old in glob.glob(self.path("day-*.jsonl*")):
            os.remove(old)
        need, free = DISK * n, shutil.disk_usage(self.directory).free
        if free < need:
            fail(f"{self.directory}: {need / 1e9:.1f} GB wanted, {free / 1e9:.1f} GB free; ATTEMPTS=2000000 is a tenth")
        say(f"mesh-day, {n:,} attempts, seed {seed}: lines ...")
        made = self.meantime("generate", "mesh-day", "--attempts", n, "--seed", seed, "--output", self.lines)
        say(f"{os.path.getsize(self.lines) / 1e9:.2f} GB of lines in {made.wall:.0f} s")
        say("the entropy of the generator ...")
        self.day = {"key": key, "bytes": os.path.getsize(self.lines), "parquet": {},
                    "entropy": self.ours("entropy", n, seed).result["answers"][0]}
        self.keep_day()

    def keep_day(self):
        with open(self.lines + ".json", "w") as file:
            json.dump(self.day, file)

    def append(self):
        n, seed = self.options.attempts, self.options.seed
        runs = []
        for _ in self.rounds.of("append and seal", 0.1):
            child = self.ours("append", n, seed, self.fresh("day.db"), cores=self.cores)
            runs.append(child.result["runs"][0])
        self.command("append + seal", child)
        self.digest = self.ours("digest", self.path("day.db")).result["answers"][0]
        if self.digest["attempts"] != n:
            self.wrong.append(f"append: {self.digest['attempts']} attempts, not {n}")
        self.results["append"] = runs
        rates = {what: [n / value(runs, what) / 1e6 for value in (least, middle)] for what in ("wall", "cpu")}
        self.time_rows.append((
            f"append + seal from memory, one core ({len(runs)})", pair(runs, "wall"), "-", pair(runs, "cpu"), "-",
            *("{:.2f} / {:.2f} M/s".format(*rates[what]) for what in ("wall", "cpu")), ">= 1 M/s",
            self.verdict(rates["wall"][0] >= 1, rates["cpu"][0] >= 1)))

    def load(self):
        """The lines into both, in turn; every import is compared with what was appended from memory."""
        for threads, cores, words, share in ((0, None, "all cores", 0.2), (1, self.cores, "one core", 0.15)):
            runs = {"ours": [], "theirs": []}
            demand = f"import of JSON Lines, {words}"
            for index in self.rounds.of(demand, share):
                for side in ("ours", "theirs") if index % 2 == 0 else ("theirs", "ours"):
                    if side == "ours":
                        child = self.meantime("import", "--format", "attempts", "--summary", "json", "--store",
                                              self.fresh("import.db"), self.lines, cores=cores)
                        runs[side].append(child.took)
                        found = self.ours("digest", self.path("import.db")).result["answers"][0]
                    else:
                        child = self.peer("load", self.lines, self.fresh("day.duck"), threads, cores=cores)
                        runs[side].append(child.result["runs"][0])
                        found = self.peer("digest", self.path("day.duck")).result["answers"][0]
                    self.check(f"{demand}, {side}, content", found, self.digest)
                    self.command(f"{demand}, {'ours' if side == 'ours' else 'DuckDB'}", child)
            self.results[demand] = runs
            self.times_row(demand, runs["ours"], {"": runs["theirs"]}, 1.5)
        self.fresh("import.db")
        self.duck_bytes = os.path.getsize(self.path("day.duck"))

    def sizes(self):
        n, parquet = self.options.attempts, self.day["parquet"]
        key = f"{self.versions['duckdb']} {self.versions['pyarrow']}"
        for kind in ("default", "best"):
            say(f"Parquet, {kind} encodings ...")
            target = self.fresh(f"{kind}.parquet")
            self.command(f"Parquet, {kind}", quoted(
                [self.python, os.path.join(HERE, "peers.py"), "parquet", self.path("day.duck"), target, kind]))
            if parquet.get(kind, {}).get("versions") != key:
                parquet[kind] = {"versions": key} | self.peer("parquet", self.path("day.duck"), target, kind).result
                os.remove(target)
                self.keep_day()
        child = self.meantime("store", "info", "--format", "json", "--store", self.path("day.db"))
        self.command("bytes", child)
        info = child.result
        file, free, bits = info["file_bytes"], info["free_bytes"], self.day["entropy"]["bits"]
        for words, ours in (("whole file", file), ("without its free pages", file - free)):
            for kind in ("best", "default"):
                theirs = parquet[kind]["bytes"]
                judged = words == "whole file"
                self.byte_rows.append((
                    f"{words}, beside Parquet zstd, {kind} encodings", f"{ours / n:.3f}", f"{theirs / n:.3f}",
                    f"{ours / theirs:.3f}", "<= 0.75" if judged else "-",
                    ("holds" if ours / theirs <= 0.75 else "MISSES") if judged else "-"))
        self.byte_rows.append(("whole file, beside the entropy of the generator", f"{file / n:.3f}", f"{bits / 8:.3f}",
                               f"{file * 8 / n / bits:.3f}", "-", "-"))
        self.byte_rows.append(("whole file, beside DuckDB's (names as text)", f"{file / n:.3f}",
                               f"{self.duck_bytes / n:.3f}", f"{file / self.duck_bytes:.3f}", "-", "-"))
        self.results["bytes"] = {"ours": file, "free": free, "duckdb": self.duck_bytes,
                                 **{f"parquet {kind}": parquet[kind]["bytes"] for kind in parquet}}
        self.columns = {one["name"]: one["bytes"] for one in info["columns"]}
        say("a second table in DuckDB, names as ENUMs ...")
        self.command("DuckDB's second table", self.peer("coded", self.path("day.duck")))

    # Scans

    def scan(self, demand, ours, ways, share, part=None):
        """Ours and every way of the peer in turn, fresh processes on one core; all answers of all runs are compared.

        `part` gives what a way's answer must be, from ours.
        """
        mine, peers = Times(), {name: Times() for name in ways}
        for index in self.rounds.of(demand, share):
            turns = [(mine, self.ours, ours), *((peers[name], self.peer, words) for name, words in ways.items())]
            for times, run, words in turns if index % 2 == 0 else reversed(turns):
                times.add(run(*words, cores=self.cores))
        self.command(f"{demand}, ours", mine.command)
        for place, answer in enumerate(mine.answers):
            self.check(f"{demand}, run {place + 1}", answer, mine.answers[0])
        for name, times in peers.items():
            self.command(f"{demand}, {name}", times.command)
            for answer in times.answers:
                self.check(f"{demand}, {name}", part(name, mine.answers[0]) if part else mine.answers[0], answer)
        self.results[demand] = {
            "ours": {"fresh": mine.fresh, "again": mine.again, "rss": mine.rss, "answer": mine.answers[0]},
            "peers": {name: {"fresh": each.fresh, "again": each.again, "rss": each.rss}
                      for name, each in peers.items()},
        }
        self.peak(f"scan: {demand}, one core", mine.rss, 300)
        return mine, peers

    def scan_rows(self, demand, mine, peers, must):
        for kind in ("fresh", "again"):
            when = "fresh process" if kind == "fresh" else "again in it"
            self.times_row(f"{demand}, {when}", getattr(mine, kind),
                           {name: getattr(each, kind) for name, each in peers.items()}, must)

    def scans(self):
        duck, store = self.path("day.duck"), self.path("day.db")
        tables = {"names as text": "attempts", "names as ENUM": "coded"}
        demand = "latency histogram by route and outcome"
        mine, peers = self.scan(
            demand, ["histogram", store, TIMES],
            {name: ["histogram", duck, table, 1, TIMES] for name, table in tables.items()}, 0.25)
        self.scan_rows(demand, mine, peers, 0.2)
        found = {demand: mine}
        self.check("attempts in the histogram", {"attempts": mine.answers[0]["attempts"]},
                   {"attempts": self.options.attempts})
        demand = "p99 by route in one hour"
        hour = [BEGIN_US, BEGIN_US + HOUR_US]
        mine, peers = self.scan(
            demand, ["quantiles", store, TIMES, *hour],
            {name: ["quantiles", duck, table, 1, TIMES, *hour] for name, table in tables.items()}, 0.15)
        self.scan_rows(demand, mine, peers, 1)
        found[demand] = mine
        found["recovery intervals of every failure"] = self.recovery(duck, store, tables)
        self.all_cores(found)

    def recovery(self, duck, store, tables):
        """Three ways in SQL. A trial, which counts for nobody, tells which of the two tables is the faster for each."""
        demand, chosen = "recovery intervals of every failure", {}
        words = {"window-route": "DuckDB's window functions, route only",
                 "asof-route": "DuckDB's ASOF joins, route only", "asof-all": "DuckDB's ASOF joins, the whole answer"}
        for way, name in words.items():
            trials = {}
            for kind, table in tables.items():
                say(f"{demand}: trial of {way}, {kind} ...")
                trials[kind] = self.peer(way, duck, table, 1, 1, cores=self.cores).result["runs"][0]["cpu"]
            kind = min(trials, key=trials.get)
            chosen[f"{name}, {kind}"] = [way, duck, tables[kind], 1, TIMES]
        mine, peers = self.scan(
            demand, ["recovery", store, TIMES], chosen, 0.6,
            part=lambda name, answer: {"numbers": answer["numbers"][: None if "whole" in name else 4]})
        for name, times in peers.items():
            # The demand names window functions; the others are told.
            self.scan_rows(demand, mine, {name: times}, 0.05 if "window" in name else None)
        return mine

    def all_cores(self, found):
        """The same scans on all cores, as the reports run them: what that gains, and what memory it takes."""
        threads = len(os.sched_getaffinity(0))
        store, hour = self.path("day.db"), (BEGIN_US, BEGIN_US + HOUR_US)
        for demand, words in (("latency histogram by route and outcome", ("histogram", store, TIMES)),
                              ("recovery intervals of every failure", ("recovery", store, TIMES)),
                              ("p99 by route in one hour", ("quantiles", store, TIMES, *hour)),
                              ("probes of every host", ("probes", store, TIMES))):
            one, all_of_them = Times(), Times()
            for index in self.rounds.of(f"{demand}, one core and {threads}", 0.15):
                turns = [(one, self.cores, 1), (all_of_them, None, threads)]
                for times, cores, count in turns if index % 2 == 0 else reversed(turns):
                    times.add(self.ours(*words, count, cores=cores))
            expected = found.get(demand, one).answers[0]
            for answer in one.answers + all_of_them.answers:
                self.check(f"{demand}, on one core and on {threads}", answer, expected)
            self.command(f"{demand}, {threads} cores", all_of_them.command)
            self.peak(f"scan: {demand}, {threads} cores", all_of_them.rss, 300)
            self.core_rows.append((
                f"{demand} ({len(one.again)} each)", pair(one.again, "wall"), pair(all_of_them.again, "wall"),
                pair(one.again, "cpu"), pair(all_of_them.again, "cpu"),
                f"{least(one.again, 'wall') / least(all_of_them.again, 'wall'):.2f}"))
            if demand not in found:
                self.peak(f"scan: {demand}, one core", one.rss, 300)

    # Memory

    def peak(self, what, rss, must=None, note=""):
        verdict = ("holds" if rss <= must * MIB else "MISSES") if must else "-"
        self.memory_rows.append((what, f"{note}{rss / MIB:.0f} MiB", f"<= {must} MiB" if must else "-", verdict))
        self.results.setdefault("peak", {})[what] = rss

    def memory(self):
        """Processes at all cores, as people run them; each has so long and no longer."""
        store = ("--store", self.path("day.db"))
        jobs = [(f"SQL: {name}", 300, ("query", *store, "--format", "csv", sql)) for name, sql in STATEMENTS.items()]
        jobs += [(f"report {name}, the biggest route", None,
                  ("report", name, *store, "--route", BIGGEST, "--format", "json")) for name in REPORTS]
        rules = ("--rules", self.path("no-rules.yaml"))
        jobs += [("tune, the biggest route", None, ("tune", "--dry-run", *store, *rules, "--route", BIGGEST)),
                 ("report recovery, all routes", None, ("report", "recovery", *store, "--format", "json")),
                 ("tune, all routes", None, ("tune", "--dry-run", *store, *rules))]
        for index, (what, must, words) in enumerate(jobs):
            remaining = self.rounds.end - time.monotonic()
            seconds = max(30, remaining / (len(jobs) - index), 90 if must else 0)
            say(f"memory of {what}, at most {seconds:.0f} s ...")
            child = self.meantime(*words, seconds=seconds)
            # A scan that was not let end has not shown what it needs.
            self.peak(f"{what} ({child.wall:.2f} s{'' if child.finished else ', not finished'})", child.rss,
                      must if child.finished else None, "" if child.finished else "at least ")
            self.command(f"memory of {what}", child)

    # What is printed

    def text(self):
        n, entropy = self.options.attempts, self.day["entropy"]
        verdicts = [row[-1] for row in self.time_rows + self.byte_rows + self.memory_rows if row[-1] != "-"]
        held = verdicts.count("holds")
        bits = [(name, *(f"{value:.3f}" for value in (
            entropy["columns"][name], self.columns[name] * 8 / n,
            *(self.day["parquet"][kind]["columns"][name] * 8 / n for kind in ("best", "default")))))
            for name in COLUMNS]
        made = time.strftime("%Y-%m-%d", time.gmtime())
        commands = "\n".join(f"- {what}: `{text}`" for what, text in self.commands)
        summary = "The command of every figure, from the project's root (`KEEP=1` leaves the files that they read)"
        peers = f"DuckDB {self.versions['duckdb']}, pyarrow {self.versions['pyarrow']}"
        answers = "All answers of all runs were equal." if not self.wrong else "WRONG ANSWERS: " + "; ".join(self.wrong)
        return f"""
`make bench-store ATTEMPTS={n} ROUNDS={self.options.rounds} MINUTES={self.options.minutes:g}`, \
seed {self.options.seed}, {made}; {processor()}; load average {self.load_before} before the run, {load()} at its end; \
{peers}. {entropy['failed'] * 100:.2f} % of the attempts fail. {answers} \
{held} of {len(verdicts)} judged rows hold, {len(verdicts) - held} miss.

Times are *least / median* of the runs whose number is given; the verdict takes the least ones, on the wall and by CPU.

{table(("demand", "ours, wall", "peer, wall", "ours, CPU", "peer, CPU", "ratio, wall", "ratio, CPU", "must", "verdict"),
       self.time_rows)}

{table(("the same scan again, on one core and on all", "one, wall", "all, wall", "one, CPU", "all, CPU", "gain, wall"),
       self.core_rows)}

{table(("bytes an attempt", "ours", "peer", "ratio", "must", "verdict"), self.byte_rows)}

{table(("peak memory of a process", "most", "must", "verdict"), self.memory_rows)}

{table(("bits an attempt", "entropy bound", "ours, in segments", "Parquet, best", "Parquet, default"), bits)}

<details><summary>{summary}</summary>

{commands}

</details>
"""

    def run(self):
        self.load_before = load()
        self.make()
        self.append()
        self.load()
        self.sizes()
        self.scans()
        self.memory()
        text = self.text()
        print(text)
        with open(self.path("results.json"), "w") as file:
            rows = [*self.time_rows, *self.core_rows, *self.byte_rows, *self.memory_rows]
            json.dump({"rows": rows, **self.results}, file, indent=1)
        if self.options.write and not self.wrong:
            write_block(self.options.write, "bench-store", text)
        if not self.options.keep:
            for name in ("day.db", "day.duck", "import.db"):
                self.fresh(name)
        for wrong in self.wrong:
            say(f"WRONG: {wrong}")
        if self.wrong:
            # The lines may be at fault: the next run makes them anew.
            os.remove(self.lines + ".json")
        return 1 if self.wrong else 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attempts", type=int, default=20_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3, help="of every comparison, where the time suffices")
    parser.add_argument("--minutes", type=float, default=15, help="what the rounds may take in all, about")
    parser.add_argument("--directory", required=True, help="where files and the virtual environment go")
    parser.add_argument("--meantime", required=True, help="the release binary")
    parser.add_argument("--bench", required=True, help="StoreBenchmarks, release")
    parser.add_argument("--keep", action="store_true", help="leave the stores behind; the lines always stay")
    parser.add_argument("--write", metavar="README", help="put the results between its markers")
    options = parser.parse_args()
    if options.rounds < 1 or options.attempts < 1:
        parser.error("rounds and attempts are at least 1")
    return options


if __name__ == "__main__":
    sys.exit(Bench(arguments()).run())
