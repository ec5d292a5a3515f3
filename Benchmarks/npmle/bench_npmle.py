#!/usr/bin/env python3
"""Turnbull's law beside its peers, on the same intervals in one run: user CPU time and log-likelihood of each.

Ends with 1 when a peer's log-likelihood is higher than ours by more than rounding, or ours is not within its bound.
R's peers run where Rscript and the packages are installed (Debian: r-cran-survival, r-cran-npsurv).
"""

import argparse
import json
import pathlib
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).resolve().parent
BEGIN, END = "<!-- bench-npmle: begin, written by the benchmark -->", "<!-- bench-npmle: end -->"


def asked(words, seconds):
    """The JSON that a command prints, or why there is none."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=seconds)
    except FileNotFoundError:
        return {"why": "not installed"}
    except subprocess.TimeoutExpired:
        return {"why": f"more than {seconds} s"}
    if done.returncode != 0:
        missing = "no package" in done.stderr
        told = [line for line in done.stderr.split("\n") if line.startswith("Error")] or done.stderr.strip().split("\n")[-1:]
        return {"why": "not installed" if missing else told[0][:60].strip(" :")}
    return json.loads(done.stdout)


def python_of(directory):
    """A Python with the peers, in an environment of its own."""
    folder = directory / "venv"
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    words = [python, "-m", "pip", "install", "-q", "-r", HERE / "requirements.txt"]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return python


def shortfall(answer, ours):
    """How much less than ours the likelihood is; negative where a peer found more."""
    value = answer.get("log_likelihood")
    return ours - float(value) if value is not None else None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bench", required=True)
    parser.add_argument("--directory", type=pathlib.Path, required=True)
    parser.add_argument("--counts", default="2000,20000")
    parser.add_argument("--seconds", type=int, default=20, help="what each peer may take at most")
    parser.add_argument("--write", type=pathlib.Path)
    options = parser.parse_args()
    options.directory.mkdir(parents=True, exist_ok=True)
    python = python_of(options.directory)
    shapes = subprocess.run([options.bench, "shapes"], capture_output=True, text=True, check=True).stdout.split()
    peers = {
        "npsurv": ["Rscript", HERE / "peer.R", "npsurv"],
        "survival": ["Rscript", HERE / "peer.R", "survival"],
        "surpyval": [python, HERE / "peer.py", "surpyval"],
        "scipy": [python, HERE / "peer.py", "scipy"],
    }
    named, lines, wrong, slowest = {}, [], [], 0.0
    for count in [int(word) for word in options.counts.split(",")]:
        for shape in shapes:
            path = options.directory / f"{shape}-{count}.csv"
            with path.open("w") as file:
                subprocess.run([options.bench, "write", shape, str(count), "1"], stdout=file, check=True)
            ours = asked([options.bench, "solve", shape, str(count), "1", "5"], 600)
            least, highest = min(ours["seconds"]), ours["log_likelihood"]
            slowest = max(slowest, least)
            row = [shape, f"{count:,}", f"{ours['support']:,}", f"**{least:.3f} s**", f"{highest:.6f}", f"{ours['gap']:.0e}"]
            if not ours["gap"] <= 1e-7:
                wrong.append(f"{shape} {count}: ours may gain {ours['gap']} more")
            for peer, words in peers.items():
                if peer == "scipy" and shape != "exact":
                    answer = {"why": "no law of intervals"}
                elif peer == "survival" and count > 2_000:  # a matrix of rows × cells
                    answer = {"why": "too large"}
                else:
                    answer = asked([*words, path], options.seconds)
                named[peer] = answer.get("peer", named.get(peer, peer))
                less = shortfall(answer, highest)
                if less is None:
                    row.append(answer["why"])
                    continue
                row.append(f"{answer['seconds']:.3f} s, {'−∞' if less == float('inf') else format(-less, '+.1e')}")
                if less < -1e-7 - 1e-12 * abs(highest):
                    wrong.append(f"{shape} {count}: {peer} found {-less} more")
            lines.append("| " + " | ".join(row) + " |")
            print(lines[-1], flush=True)
    heads = ["shape", "intervals", "cells with mass", "ours", "log-likelihood", "at most to gain"]
    heads += [f"{name}: time, likelihood − ours" for name in named.values()]
    text = [f"User CPU seconds on one core, ours the least of five; seed 1. Peers are stopped after {options.seconds} s of wall time, on a busy machine.", ""]
    text += ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads), *lines, ""]
    verdict = "holds" if not wrong and slowest <= 1 else "misses"
    text.append(f"At most 1 s, and no likelihood below a peer's: {verdict} (slowest {slowest:.3f} s).")
    text += [f"- {line}" for line in wrong]
    print("\n".join(text))
    if options.write and not wrong:
        page = options.write.read_text()
        before, rest = page.split(BEGIN)
        options.write.write_text(before + BEGIN + "\n\n" + "\n".join(text) + "\n\n" + END + rest.split(END)[1])
    sys.exit(1 if wrong else 0)


main()
