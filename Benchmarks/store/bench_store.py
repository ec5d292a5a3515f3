"""`make bench-store`: the store at a mesh-day beside DuckDB and Parquet, every demand in one run.

Answers are compared and a wrong one is an error; times are printed and gate nothing.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
DAY_BEGINS_US = 1_789_948_800_000_000
HOUR_US = 3_600_000_000
# The hour that is asked for: noon.
BEGIN_US = DAY_BEGINS_US + 12 * HOUR_US
COLUMNS = [
    "start_us", "duration_us", "route", "host", "request", "attempt", "wait_us", "outcome", "status", "is_grpc",
    "timeout_us", "retry_after_us", "method", "hedge", "rule_version",
]


def say(text):
    print(text, file=sys.stderr, flush=True)


def fail(text):
    say(f"bench-store: {text}")
    sys.exit(1)


def environment(directory):
    """The Python of a virtual environment with DuckDB and pyarrow, made if need be."""
    python = os.path.join(directory, "bin", "python")
    if not os.path.exists(python):
        say("a virtual environment with duckdb and pyarrow from PyPI ...")
        try:
            subprocess.run([sys.executable, "-m", "venv", directory], check=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", "duckdb", "pyarrow"], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            shutil.rmtree(directory, ignore_errors=True)
            fail(f"no peers to measure: {error}; python3-venv and a way to PyPI (duckdb, pyarrow) are needed")
    return python


def seconds(value):
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


class Child:
    """What a process took from its start to its end, and what it printed."""

    def __init__(self, command, cores=None):
        pin = (lambda: os.sched_setaffinity(0, cores)) if cores else None
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, preexec_fn=pin)
        self.output = process.stdout.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.wall = time.perf_counter() - start
        self.cpu = usage.ru_utime + usage.ru_stime
        self.rss = usage.ru_maxrss * 1024
        if process.returncode != 0:
            fail(f"ended with {process.returncode}: {' '.join(command)}\n{self.output}")


class Times:
    """The best of all rounds: of the first runs of fresh processes, and of the runs that followed them there."""

    def __init__(self):
        self.first = []
        self.again = []
        self.rss = 0
        self.answer = None

    def add(self, printed):
        result = json.loads(printed)
        self.first.append(result["runs"][0])
        self.again += result["runs"][1:]
        self.rss = max(self.rss, result["rss"])
        self.answer = result["answer"]
        return self

    def best(self, runs, what="wall"):
        return min(run[what] for run in runs)

    def spread(self):
        walls = sorted(run["wall"] for run in self.first)
        return walls[-1] / walls[0]


class Bench:
    def __init__(self, options):
        self.options = options
        self.directory = options.directory
        os.makedirs(self.directory, exist_ok=True)
        self.python = environment(os.path.join(self.directory, "venv"))
        self.one_core = {max(os.sched_getaffinity(0))}
        self.wrong = []
        self.rows = []
        self.results = {}

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

    def check(self, what, ours, theirs):
        if ours != theirs:
            self.wrong.append(f"{what}: {ours} is not {theirs}")

    def row(self, demand, ours, peer, ratio, must, holds):
        self.rows.append((demand, ours, peer, ratio, must, holds))

    def times_row(self, demand, ours, theirs, must, note=""):
        """Ours and theirs as (wall, CPU) in seconds. A busy machine stretches the wall, so both ratios are told."""
        wall, cpu = ours[0] / theirs[0], ours[1] / theirs[1]
        holds = {(True, True): True, (True, False): "wall only", (False, True): "CPU only"}.get(
            (wall <= must, cpu <= must), False)
        ours, theirs = (f"{seconds(each[0])} (CPU {seconds(each[1])})" for each in (ours, theirs))
        self.row(demand, ours, theirs + note, f"{wall:.3f} (CPU {cpu:.3f})", f"<= {must}", holds)

    # The day and its sizes

    def make(self):
        n, seed = self.options.attempts, self.options.seed
        say(f"mesh-day, {n:,} attempts, seed {seed}: lines ...")
        entropy = json.loads(self.ours("entropy", n, seed).output)
        self.results["entropy"] = entropy["answer"]
        if self.options.reuse and os.path.exists(self.path("day.jsonl")):
            return
        Child([self.options.meantime, "generate", "mesh-day", "--attempts", str(n), "--seed", str(seed),
               "--output", self.fresh("day.jsonl")])

    def append(self):
        n, seed = self.options.attempts, self.options.seed
        best = None
        for round in range(self.options.rounds):
            say(f"append and seal, round {round + 1} ...")
            took = json.loads(self.ours("append", n, seed, self.fresh("day.db"), cores=self.one_core).output)
            run = took["runs"][0]
            best = run if best is None or run["cpu"] < best["cpu"] else best
        self.results["append"] = best
        rate = n / best["cpu"] / 1e6
        self.row("append + seal from memory", f"{rate:.2f} M/s a core", "-",
                 f"{n / best['wall'] / 1e6:.2f} M/s on the wall", ">= 1 M/s", rate >= 1)

    def load(self):
        """The lines into both, alternating; DuckDB's best file is kept for the queries."""
        best = {}
        for threads, cores in ((0, None), (1, self.one_core)):
            for round in range(self.options.import_rounds):
                say(f"import, {'one core' if threads else 'all cores'}, round {round + 1} ...")
                target = self.fresh("import.db")
                ours = Child([self.options.meantime, "import", "--format", "attempts", "--summary", "json",
                              "--store", target, self.path("day.jsonl")], cores)
                self.check("attempts imported", json.loads(ours.output)["attempts_imported"], self.options.attempts)
                self.fresh("import.db")
                theirs = json.loads(self.peer("load", self.path("day.jsonl"), self.fresh("day.duck"), threads,
                                              cores=cores).output)
                self.check("rows loaded", theirs["answer"]["rows"], self.options.attempts)
                for name, wall, cpu, rss in (("ours", ours.wall, ours.cpu, ours.rss),
                                             ("theirs", theirs["runs"][0]["wall"], theirs["runs"][0]["cpu"],
                                              theirs["rss"])):
                    old = best.get((name, threads), (wall, cpu, rss))
                    best[name, threads] = (min(old[0], wall), min(old[1], cpu), max(old[2], rss))
            ours, theirs = best["ours", threads], best["theirs", threads]
            self.results[f"import {threads}"] = {"ours": ours, "theirs": theirs}
            self.times_row(f"import of JSON Lines, {'one core' if threads else 'all cores'}", ours, theirs, 1.5)
        self.results["duckdb bytes"] = os.path.getsize(self.path("day.duck"))

    def sizes(self):
        n = self.options.attempts
        say("Parquet ...")
        found = {}
        for kind in ("default", "best"):
            target = self.fresh(f"{kind}.parquet")
            found[kind] = json.loads(self.peer("parquet", self.path("day.duck"), target, kind).output)
            os.remove(target)
        ours = os.path.getsize(self.path("day.db"))
        bits = self.results["entropy"]["bits"]
        for kind in ("best", "default"):
            theirs = found[kind]["bytes"]
            self.row(f"bytes an attempt, beside Parquet zstd, {kind} encodings", f"{ours / n:.2f}", f"{theirs / n:.2f}",
                     f"{ours / theirs:.3f}", "<= 0.75", ours / theirs <= 0.75)
        self.row("  the same, beside the entropy of the generator", f"{ours / n * 8:.1f} bits", f"{bits:.1f} bits",
                 f"{ours / n * 8 / bits:.3f}", "-", None)
        self.results["bytes"] = {"ours": ours, "entropy": bits * n / 8,
                                 "parquet default": found["default"]["bytes"],
                                 "parquet best": found["best"]["bytes"], "duckdb": self.results["duckdb bytes"]}
        self.results["parquet columns"] = {kind: found[kind]["columns"] for kind in found}
        self.peer("coded", self.path("day.duck"))

    # Scans

    def scan(self, demand, ours, variants, must, answer=None):
        """Ours and each way that a peer has, alternating, one core; the peer is the fastest way."""
        mine = Times()
        peers = {name: Times() for name in variants}
        for round in range(self.options.rounds):
            say(f"{demand}, round {round + 1} ...")
            mine.add(self.ours(*ours, cores=self.one_core).output)
            for name, arguments in variants.items():
                if round and peers[name].best(peers[name].first, "cpu") > 4 * min(
                    each.best(each.first, "cpu") for each in peers.values() if each.first
                ):
                    continue
                peers[name].add(self.peer(*arguments, cores=self.one_core).output)
        for name, times in peers.items():
            if answer is None or name in answer:
                self.check(f"{demand}, {name}", mine.answer, times.answer)
        for kind in ("first", "again"):
            runs = getattr(mine, kind)
            name, theirs = min(((name, times) for name, times in peers.items() if getattr(times, kind)),
                               key=lambda each: each[1].best(getattr(each[1], kind), "cpu"))
            when = "fresh process" if kind == "first" else "again in it"
            self.times_row(
                f"{demand}, {when}", [mine.best(runs, what) for what in ("wall", "cpu")],
                [theirs.best(getattr(theirs, kind), what) for what in ("wall", "cpu")], must, f", {name}")
        self.results[demand] = {
            "ours": {"first": mine.first, "again": mine.again, "rss": mine.rss},
            "peers": {name: {"first": each.first, "again": each.again, "rss": each.rss, "answer": each.answer}
                      for name, each in peers.items()},
        }
        return mine

    def scans(self):
        duck, store, times = self.path("day.duck"), self.path("day.db"), 3
        peak = {}
        found = self.scan(
            "latency histogram by route and outcome", ["histogram", store, times],
            {"names as text": ["histogram", duck, "attempts", 1, times],
             "names as ENUM": ["histogram", duck, "coded", 1, times]}, 0.2)
        self.check("attempts in the histogram", found.answer["attempts"], self.options.attempts)
        peak["histogram"] = found.rss
        demand = "recovery intervals of every failure"
        found = self.scan(
            demand, ["recovery", store, times],
            {f"{name}, {'ENUM' if table == 'coded' else 'text'}": [name, duck, table, 1, 2]
             for name in ("asof-all", "asof-route", "window-route") for table in ("attempts", "coded")}, 0.05,
            answer=("asof-all, text", "asof-all, ENUM"))
        self.routes_only(demand, found)
        self.ways(demand, found, {"window-route": "DuckDB's window functions", "asof-all": "DuckDB at the same answer"})
        peak["recovery"] = found.rss
        found = self.scan(
            "p99 by route in one hour", ["quantiles", store, times, BEGIN_US, BEGIN_US + HOUR_US],
            {f"names as {'ENUM' if table == 'coded' else 'text'}":
             ["quantiles", duck, table, 1, times, BEGIN_US, BEGIN_US + HOUR_US] for table in ("attempts", "coded")}, 1)
        peak["p99"] = found.rss
        most = max(peak, key=peak.get)
        self.results["peak"] = peak
        self.row("peak memory of a scan", f"{peak[most] / 2**20:.0f} MiB ({most})", "-", "-", "<= 300 MiB",
                 peak[most] <= 300 * 2**20)

    def routes_only(self, demand, found):
        """The ways that give the route's interval alone must agree on it: failures, closed ends, sums."""
        for name, peer in self.results[demand]["peers"].items():
            if "route" in name:
                self.check(f"{demand}, {name}", found.answer["numbers"][:4], peer["answer"]["numbers"])

    def ways(self, demand, mine, named):
        """Further rows: beside one way of the peer, the better of its two tables."""
        for way, words in named.items():
            runs = min((peer["again"] for name, peer in self.results[demand]["peers"].items()
                        if name.startswith(way) and peer["again"]),
                       key=lambda runs: min(run["cpu"] for run in runs))
            self.times_row(f"  the same, beside {words}, again", [mine.best(mine.again, what) for what in ("wall", "cpu")],
                           [min(run[what] for run in runs) for what in ("wall", "cpu")], 0.05)

    # What is printed

    def table(self):
        heads = ("demand", "ours", "peer", "ratio", "must", "holds")
        lines = [heads] + [
            (*row[:5], {True: "yes", False: "NO", None: "-"}.get(row[5], row[5])) for row in self.rows
        ]
        widths = [max(len(line[index]) for line in lines) for index in range(len(heads))]
        for index, line in enumerate(lines):
            print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |")
            if index == 0:
                print("|" + "|".join("-" * (width + 2) for width in widths) + "|")

    def columns(self):
        n, bits = self.options.attempts, self.results["entropy"]["columns"]
        parquet = self.results["parquet columns"]
        print("\nbits an attempt and column: entropy of the generator, Parquet (best, default)\n")
        for name in COLUMNS:
            best, default = (parquet[kind][name] * 8 / n for kind in ("best", "default"))
            print(f"  {name:<15} {bits[name]:8.3f} {best:8.3f} {default:8.3f}")

    def run(self):
        print(f"mesh-day, {self.options.attempts:,} attempts, seed {self.options.seed}; best of {self.options.rounds}"
              f" rounds, ours and theirs alternating, page cache warm; {self.versions()}")
        self.make()
        self.append()
        self.load()
        self.sizes()
        self.scans()
        print(f"{self.results['entropy']['failed'] * 100:.2f} % of the attempts fail; all answers compared\n")
        self.table()
        self.columns()
        with open(self.path("results.json"), "w") as file:
            json.dump({"rows": self.rows, **self.results}, file, indent=1)
        if not self.options.keep:
            for name in ("day.jsonl", "day.db", "day.duck", "import.db"):
                self.fresh(name)
        for wrong in self.wrong:
            say(f"WRONG: {wrong}")
        return 1 if self.wrong else 0

    def versions(self):
        found = json.loads(self.peer("versions").output)
        return f"DuckDB {found['duckdb']}, pyarrow {found['pyarrow']}"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attempts", type=int, default=20_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--import-rounds", type=int, default=2)
    parser.add_argument("--directory", required=True, help="where files and the virtual environment go")
    parser.add_argument("--meantime", required=True, help="the release binary")
    parser.add_argument("--bench", required=True, help="StoreBenchmarks, release")
    parser.add_argument("--keep", action="store_true", help="leave the files behind")
    parser.add_argument("--reuse", action="store_true", help="take the lines that a run with --keep left")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(Bench(arguments()).run())
