"""What both benchmarks of the store share: measured processes, rounds within a time, tables, the README's blocks."""

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
STARTED = time.monotonic()

DAY_BEGINS_US = 1_789_948_800_000_000
HOUR_US = 3_600_000_000
# The hour that is asked for: noon.
BEGIN_US = DAY_BEGINS_US + 12 * HOUR_US
MIB = 2**20


def say(text):
    print(f"{time.monotonic() - STARTED:6.0f} s  {text}", file=sys.stderr, flush=True)


def fail(text):
    say(f"cannot go on: {text}")
    sys.exit(1)


def environment(directory):
    """The Python of a virtual environment with the peers at the versions of requirements.txt, made if need be."""
    python = os.path.join(directory, "bin", "python")
    stamp = os.path.join(directory, "requirements.txt")
    wanted = os.path.join(HERE, "requirements.txt")
    with open(wanted) as file:
        text = file.read()
    if os.path.exists(stamp) and open(stamp).read() == text:
        return python
    say(f"a virtual environment from PyPI: {' '.join(text.split())} ...")
    shutil.rmtree(directory, ignore_errors=True)
    try:
        subprocess.run([sys.executable, "-m", "venv", directory], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--requirement", wanted], check=True)
        shutil.copyfile(wanted, stamp)
    except (OSError, subprocess.CalledProcessError) as error:
        shutil.rmtree(directory, ignore_errors=True)
        fail(f"no peers to measure: {error}; python3-venv and a way to PyPI ({' '.join(text.split())}) are needed")
    return python


def one_core():
    return {max(os.sched_getaffinity(0))}


def relative(word):
    """A file of the project as it is called from its root, where the commands are to be run."""
    word = str(word)
    return os.path.relpath(word, ROOT) if os.path.isabs(word) and word.startswith(ROOT + os.sep) else word


def quoted(words):
    return " ".join(f'"{word}"' if set(word) & set(" ;&|<>()*$'") else word for word in map(relative, words))


class Child:
    """A process: what it took from its start to its end, what it printed, and the most memory it held."""

    def __init__(self, command, cores=None, seconds=None):
        self.command = quoted(command)
        pin = (lambda: os.sched_setaffinity(0, cores)) if cores else None
        start = time.perf_counter()
        # What is not the answer (progress) is kept apart, for the message if it fails.
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=pin)
        errors = []
        reader = threading.Thread(target=lambda: errors.append(process.stderr.read()))
        reader.start()
        timer = threading.Timer(seconds, os.kill, (process.pid, signal.SIGKILL)) if seconds else None
        if timer:
            timer.start()
        output = process.stdout.read()
        # It has ended but is still there: nothing else can be killed in its place.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        if timer:
            timer.cancel()
            timer.join()
        _, status, usage = os.wait4(process.pid, 0)
        self.wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        reader.join()
        self.output = output.decode()
        self.cpu = usage.ru_utime + usage.ru_stime
        self.rss = usage.ru_maxrss * 1024
        self.finished = not (timer and process.returncode == -signal.SIGKILL)
        if process.returncode != 0 and self.finished:
            fail(f"ended with {process.returncode}: {self.command}\n{(output + errors[0]).decode()[-2000:]}")

    @property
    def result(self):
        return json.loads(self.output)

    @property
    def took(self):
        return {"wall": self.wall, "cpu": self.cpu}


class Rounds:
    """So many rounds, or as many whole ones as a share of the remaining time has room for; one in any case."""

    def __init__(self, most, minutes):
        self.most = most
        self.end = time.monotonic() + 60 * minutes

    def of(self, what, share, most=None):
        begin = time.monotonic()
        until = begin + share * max(0.0, self.end - begin)
        most = most or self.most
        longest = 0.0
        for index in range(most):
            now = time.monotonic()
            if index and now + longest > until:
                say(f"{what}: no time for more than {index} of {most} rounds")
                return
            say(f"{what}, round {index + 1} of {most} ...")
            yield index
            longest = max(longest, time.monotonic() - now)


class Times:
    """Runs of one side: the first ones of fresh processes, and those that followed in the same processes."""

    def __init__(self):
        self.fresh, self.again, self.answers = [], [], []
        self.rss, self.command = 0, ""

    def add(self, child):
        result = child.result
        self.fresh.append(result["runs"][0])
        self.again += result["runs"][1:]
        self.answers += result["answers"]
        self.rss = max(self.rss, result["rss"])
        self.command = child.command
        return self


def least(runs, what):
    return min(run[what] for run in runs)


def middle(runs, what):
    return statistics.median(run[what] for run in runs)


def pair(runs, what):
    """The least and the median of some runs, in one unit."""
    values = [least(runs, what), middle(runs, what)]
    if values[0] >= 1:
        return " / ".join(f"{value:.2f}" for value in values) + " s"
    return " / ".join(f"{value * 1000:.{1 if values[0] < 0.02 else 0}f}" for value in values) + " ms"


def table(heads, rows):
    """As Markdown, with columns that line up."""
    lines = [tuple(heads)] + [tuple(map(str, row)) for row in rows]
    widths = [max(len(line[index]) for line in lines) for index in range(len(heads))]
    text = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |" for line in lines]
    text.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(text)


def processor():
    """The machine, as far as it tells."""
    try:
        with open("/proc/cpuinfo") as file:
            names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    cores = len(os.sched_getaffinity(0))
    return f"{cores} core{'s' if cores != 1 else ''}{', ' + names[0] if names else ''}"


def load():
    return f"{os.getloadavg()[0]:.1f}"


def write_block(path, name, text):
    """Replaces what stands between the two markers of that name."""
    begin, end = f"<!-- {name}: begin, written by the benchmark -->", f"<!-- {name}: end -->"
    with open(path) as file:
        old = file.read()
    if old.count(begin) != 1 or old.count(end) != 1 or old.index(begin) > old.index(end):
        fail(f"{path}: wanted once, in this order: '{begin}' and '{end}'")
    new = old[: old.index(begin)] + begin + "\n\n" + text.strip() + "\n\n" + old[old.index(end) :]
    with open(path + ".new", "w") as file:
        file.write(new)
    os.replace(path + ".new", path)
    say(f"written: {relative(os.path.abspath(path))}")
