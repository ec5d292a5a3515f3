#!/usr/bin/env python3
"""Prints recorded checks of public services as lines for `meantime import --format attempts`.

    attempts_of.py FOLDER              every service of a folder with a panel of probes or with Upptime's events
    attempts_of.py FOLDER NAME ...     only these, named owner/repository/service
"""
import csv
import lzma
import os
import sys

# A failure that took one of these (s) met a limit of the prober or of somebody on the way.
LIMITS = (15, 30, 60, 100, 134.25)


def rows(path):
    opened = lzma.open(path, "rt", newline="") if path.endswith(".xz") else open(path, newline="")
    with opened as file:
        yield from csv.reader(file)


def line(start_s, route, is_up, seconds=0.0, status=0):
    is_limit = not is_up and any(abs(seconds - limit) < 0.5 for limit in LIMITS)
    outcome = "success" if is_up else "timeout" if is_limit else "error_status"
    name = route.replace("\\", "\\\\").replace('"', '\\"')
    end = f',"status":{status}' if status else ""
    return (f'{{"start_us":{start_s}000000,"duration_us":{round(seconds * 1e6)},"route":"{name}","method":"GET",'
            f'"outcome":"{outcome}"{end}}}\n')


def probes(folder, wanted):
    """One line a probe. One that failed had failed three or four times within 10 to 20 s."""
    summary = rows(f"{folder}/summary.csv")
    next(summary)
    for repository in sorted({row[0] for row in summary}):
        file = rows(f"{folder}/{repository.replace('/', '__')}.csv.xz")
        next(file)
        for time, endpoint, is_up, value in file:
            route = f"{repository}/{endpoint}"
            if wanted and route not in wanted:
                continue
            # Seconds, or in a few files the status.
            number = float(value or 0)
            is_status = number >= 200
            yield line(time, route, is_up == "1", 0 if is_status else number, int(number) if is_status else 0)


def events(folder, wanted):
    """One line a check that is known of. Only changes were recorded; but a run that recorded any had checked every site,
    and those without a change were as they had been."""
    runs, last = {}, {}
    file = rows(f"{folder}/events.csv.xz")
    next(file)
    for time, repository, site, status, code, ms, run in file:
        runs.setdefault((repository, int(run)), []).append((time, site, status != "down", code, ms))
        last[repository, site] = int(run)
    states = {}
    for (repository, run), changes in sorted(runs.items()):
        state = states.setdefault(repository, {})
        changed = {site for _, site, *_ in changes}
        for site in sorted(set(state) - changed):
            route = f"{repository}/{site}"
            if run <= last[repository, site] and (not wanted or route in wanted):
                yield line(changes[0][0], route, state[site])
        for time, site, is_up, code, ms in changes:
            state[site] = is_up
            route = f"{repository}/{site}"
            if not wanted or route in wanted:
                yield line(time, route, is_up, float(ms or 0) / 1e3, int(code or 0))


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    folder, wanted = sys.argv[1].rstrip("/"), set(sys.argv[2:])
    read = events if os.path.exists(f"{folder}/events.csv.xz") else probes
    for text in read(folder, wanted):
        sys.stdout.write(text)


main()
