"""`make bench-store-growth`: cost against the number of attempts, as a table and as a chart (SVG).

Ends with 1 when something cannot be run, or when a scan's answers differ between its runs.
"""

import argparse
import json
import math
import os
import shutil
import time

from harness import (
    BEGIN_US, HOUR_US, MIB, Child, fail, least, load, one_core, pair, processor, quoted, relative, say, table,
    write_block,
)

SERIES = [
    ("append", "append + seal, CPU s", "#0072b2"),
    ("histogram", "latency histogram, s", "#d55e00"),
    ("recovery", "recovery intervals, s", "#009e73"),
    ("p99", "p99 by route in one hour, s", "#cc79a7"),
    ("gigabytes", "store, GB", "#555555"),
]
SCANS = ("histogram", "recovery", "p99")
# A store takes so many bytes an attempt at most, and as much again while it is written.
DISK = 16


def scan(options, store, name):
    extra = [str(BEGIN_US), str(BEGIN_US + HOUR_US)] if name == "p99" else []
    return [options.bench, "quantiles" if name == "p99" else name, store, "1", *extra]


def append(options, store, attempts):
    return [options.bench, "append", str(attempts), str(options.seed), store]


def measure(options, attempts):
    """One size: made straight into a store, scanned, removed."""
    store = os.path.join(options.directory, "growth.db")
    cores = one_core()

    def remove():
        for end in ("", "-wal", "-shm"):
            if os.path.exists(store + end):
                os.remove(store + end)

    def runs(command):
        results = [Child(command, cores).result for _ in range(options.rounds)]
        answers = [answer for result in results for answer in result["answers"]]
        if any(answer != answers[0] for answer in answers):
            fail(f"{quoted(command)}: not always the same answer: {answers}")
        return [run for result in results for run in result["runs"]], max(result["rss"] for result in results)

    if shutil.disk_usage(options.directory).free < DISK * attempts:
        fail(f"{options.directory}: {DISK * attempts / 1e9:.1f} GB wanted for {attempts:,} attempts")
    remove()
    say(f"{attempts:,} attempts: append and seal ...")
    found = {"attempts": attempts, "append": Child(append(options, store, attempts), cores).result["runs"]}
    found["bytes"] = os.path.getsize(store)
    for name in SCANS:
        say(f"{attempts:,} attempts: {name} ...")
        found[name], found[f"{name} rss"] = runs(scan(options, store, name))
    remove()
    return found


def value(point, key):
    """What is drawn: gigabytes, or the least CPU time."""
    return point["bytes"] / 1e9 if key == "gigabytes" else least(point[key], "cpu")


def text(options, points):
    heads = ("attempts", "append + seal", "bytes an attempt", "latency histogram", "recovery intervals",
             "p99 in one hour", "peak memory: histogram, recovery, p99")
    rows = []
    for one in points:
        n, seal = one["attempts"], least(one["append"], "cpu")
        rows.append((
            f"{n / 1e6:g} M", f"{seal:.2f} s ({n / seal / 1e6:.2f} M/s)", f"{one['bytes'] / n:.2f}",
            *(pair(one[name], "cpu") for name in SCANS),
            ", ".join(f"{one[f'{name} rss'] / MIB:.0f}" for name in SCANS) + " MiB"))
    few, many = points[0], points[-1]
    times = many["attempts"] / few["attempts"]
    growth = ", ".join(
        f"{label.rsplit(',', 1)[0]} {value(many, key) / value(few, key):.1f}" for key, label, _ in SERIES)
    sizes = ",".join(str(one["attempts"]) for one in points)
    commands = "\n".join(
        f"- `{quoted(words)}`" for words in (
            append(options, "growth.db", "ATTEMPTS"), *(scan(options, "growth.db", name) for name in SCANS)))
    return f"""
`make bench-store-growth GROWTH={sizes} ROUNDS={options.rounds}`, seed {options.seed}, \
{time.strftime('%Y-%m-%d', time.gmtime())}; {processor()}, of which one is used; load average {load()} at the end. CPU \
time, least / median of {options.rounds} fresh processes for each scan; one for append.

{table(heads, rows)}

{times:g} times the attempts cost so many times as much: {growth}.

{commands}
"""


def chart(points, path):
    """Log-log; a dashed line of slope 1 through the first point of every series shows what linear growth would be."""
    width, height, left, right, top, bottom = 780, 460, 90, 220, 40, 50
    ends = [one["attempts"] for one in points]
    values = [value(one, key) for one in points for key, _, _ in SERIES]
    x_low, x_high = math.log10(min(ends)) - 0.1, math.log10(max(ends)) + 0.1
    y_low, y_high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))

    def x(number):
        return left + (math.log10(number) - x_low) / (x_high - x_low) * (width - left - right)

    def y(number):
        return height - bottom - (math.log10(number) - y_low) / (y_high - y_low) * (height - top - bottom)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        'font-size="13">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="{left}" y="22" font-size="15">Cost against the number of attempts, one core (dashed: linear)</text>',
    ]
    for power in range(y_low, y_high + 1):
        at = y(10**power)
        parts.append(f'<line x1="{left}" x2="{width - right}" y1="{at:.1f}" y2="{at:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 8}" y="{at + 4:.1f}" text-anchor="end">{10.0**power:g}</text>')
    for end in ends:
        at = x(end)
        parts.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{top}" y2="{height - bottom}" stroke="#ddd"/>')
        parts.append(f'<text x="{at:.1f}" y="{height - bottom + 20}" text-anchor="middle">{end / 1e6:g} M</text>')
    parts.append(f'<text x="{(left + width - right) / 2:.0f}" y="{height - 10}" text-anchor="middle">attempts</text>')
    middle_y = (top + height - bottom) / 2
    parts.append(f'<text x="20" y="{middle_y:.0f}" text-anchor="middle" transform="rotate(-90 20 {middle_y:.0f})">'
                 "s, or GB</text>")
    labels = sorted(((y(value(points[-1], key)), label, colour) for key, label, colour in SERIES))
    last = -100.0
    for key, _, colour in SERIES:
        dots = [(x(one["attempts"]), y(value(one, key))) for one in points]
        first, end = points[0], points[-1]["attempts"]
        linear = value(first, key) * end / first["attempts"]
        parts.append(f'<line x1="{dots[0][0]:.1f}" y1="{dots[0][1]:.1f}" x2="{x(end):.1f}" y2="{y(linear):.1f}" '
                     f'stroke="{colour}" stroke-dasharray="4 4" opacity="0.6"/>')
        line = " ".join(f"{a:.1f},{b:.1f}" for a, b in dots)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="4" fill="{colour}"/>' for a, b in dots]
    for at, label, colour in labels:
        at = max(at, last + 17)
        last = at
        parts.append(f'<text x="{width - right + 12}" y="{at + 4:.1f}" fill="{colour}">{label}</text>')
    parts.append("</svg>\n")
    with open(path, "w") as file:
        file.write("\n".join(parts))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attempts", default="2000000,20000000,100000000", help="sizes, with commas")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--directory", required=True)
    parser.add_argument("--bench", required=True, help="StoreBenchmarks, release")
    parser.add_argument("--chart", required=True, help="where the SVG goes")
    parser.add_argument("--write", metavar="README", help="put the table between its markers")
    options = parser.parse_args()
    os.makedirs(options.directory, exist_ok=True)
    sizes = sorted({int(size) for size in options.attempts.split(",")})
    if len(sizes) < 2 or sizes[0] < 1 or options.rounds < 1:
        fail("a chart needs two sizes or more, such as --attempts 2000000,20000000, and a round")
    points = [measure(options, size) for size in sizes]
    found = text(options, points)
    print(found)
    with open(os.path.join(options.directory, "growth.json"), "w") as file:
        json.dump(points, file, indent=1)
    chart(points, options.chart)
    say(f"chart: {relative(os.path.abspath(options.chart))}")
    if options.write:
        write_block(options.write, "bench-store-growth", found)


if __name__ == "__main__":
    main()
