"""`meantime tune` on a mesh-day: how long, how much memory, and where the time goes."""

import argparse
import datetime
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "store"))
from harness import MIB, load, processor, relative, say, table, write_block  # noqa: E402

MOST_SECONDS, MOST_MEMORY, LEAST_SHARE = 30, 1536 * MIB, 60


def fail(text):
    print(f"bench-tune: {text}", file=sys.stderr)
    sys.exit(1)


class Run:
    """One process of `tune`."""

    def __init__(self, words):
        with tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as errors:
            began = time.perf_counter()
            process = subprocess.Popen(words, stdout=answer, stderr=errors)
            _, status, usage = os.wait4(process.pid, 0)
            self.wall = time.perf_counter() - began
            process.returncode = os.waitstatus_to_exitcode(status)
            answer.seek(0)
            errors.seek(0)
            self.answer, self.errors = answer.read(), errors.read().decode()
        if process.returncode != 0:
            fail(f"{' '.join(words)} ended with {process.returncode}: {self.errors[-500:]}")
        self.cpu = usage.ru_utime + usage.ru_stime
        self.rss = usage.ru_maxrss * 1024
        self.stages = re.findall(r"^\s*(\S.*?)\s+([0-9.]+) s\s+([0-9.]+) %$", self.errors, re.MULTILINE)
        self.gemm = re.search(r"GEMM stage: ([0-9.]+) .*? alone ([0-9.]+) .*: ([0-9]+) %", self.errors)
        if not self.stages or not self.gemm:
            fail(f"no timings in: {self.errors[-500:]}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--meantime", required=True)
    parser.add_argument("--directory", type=pathlib.Path, required=True)
    parser.add_argument("--attempts", type=int, default=20_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write")
    options = parser.parse_args()
    options.directory.mkdir(parents=True, exist_ok=True)
    store = options.directory / f"mesh-day-{options.attempts}.db"
    if not store.exists():
        say(f"mesh-day of {options.attempts:,} attempts ...")
        made = store.with_suffix(".new")
        for left in [made, pathlib.Path(f"{made}-wal"), pathlib.Path(f"{made}-shm")]:
            left.unlink(missing_ok=True)
        make = [options.meantime, "generate", "mesh-day", "--attempts", str(options.attempts), "--store", str(made)]
        subprocess.run(make, check=True)
        made.rename(store)
    words = [options.meantime, "tune", "--dry-run", "--timings", "--format", "json", "--store", str(store)]
    words += ["--rules", str(options.directory / "no-rules.yaml")]
    before, runs = load(), []
    for number in range(options.rounds):
        say(f"tune, round {number + 1} of {options.rounds} ...")
        runs.append(Run(words))
        say(f"{runs[-1].wall:.1f} s, processor {runs[-1].cpu:.1f} s, {runs[-1].rss / MIB:.0f} MiB")
    best = min(runs, key=lambda run: run.wall)
    rss, share = max(run.rss for run in runs), min(int(run.gemm[3]) for run in runs)
    rows = [
        ("time, two cores", f"{best.wall:.1f} s", f"<= {MOST_SECONDS} s", best.wall <= MOST_SECONDS),
        ("peak memory", f"{rss / MIB:.0f} MiB", f"<= {MOST_MEMORY // MIB} MiB", rss <= MOST_MEMORY),
        ("GEMM stage / `cblas_dgemm` alone", f"{share} %", f">= {LEAST_SHARE} %", share >= LEAST_SHARE),
    ]
    today = datetime.date.today().isoformat()
    text = [
        f"`{' '.join(relative(word) for word in words)}`, {options.attempts:,} attempts, seed 1, 500 replicates, {today}; {processor()}; "
        f"load average {before} before, {load()} after; the quickest of {len(runs)} "
        f"({', '.join(f'{run.wall:.1f}' for run in runs)} s; processor time {best.cpu:.1f} s).",
        "",
        table(("what", "measured", "must", ""), [(*row[:3], "holds" if row[3] else "**misses**") for row in rows]),
        "",
        table(("stage", "processor time", "share"), [(name, f"{took} s", f"{part} %") for name, took, part in best.stages]),
        "",
        f"GEMM stage {best.gemm[1]} GFLOP/s a thread, gathering included; `cblas_dgemm` alone {best.gemm[2]} on the same shapes in the same run. "
        + ("All runs gave the same result." if len(runs) > 1 else ""),
    ]
    print("\n".join(text))
    if len({run.answer for run in runs}) != 1:
        fail("the runs gave different results")
    if options.write:
        write_block(options.write, "bench-tune", "\n".join(text))


main()
