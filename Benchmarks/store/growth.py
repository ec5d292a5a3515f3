"""`make bench-store-growth`: cost against the number of attempts, as a table and as a chart (SVG)."""

import argparse
import json
import math
import os

from bench_store import BEGIN_US, HOUR_US, Child, fail, say

SERIES = [
    ("seal", "append + seal, CPU s", "#0072b2"),
    ("histogram", "latency histogram, s", "#d55e00"),
    ("recovery", "recovery intervals, s", "#009e73"),
    ("p99", "p99 by route in one hour, s", "#cc79a7"),
    ("gigabytes", "store, GB", "#555555"),
]


def measure(options, attempts):
    """One size: made straight into a store, scanned, removed."""
    store = os.path.join(options.directory, "growth.db")
    one_core = {max(os.sched_getaffinity(0))}

    def run(*arguments):
        return json.loads(Child([options.bench, *map(str, arguments)], one_core).output)

    def remove():
        for end in ("", "-wal", "-shm"):
            if os.path.exists(store + end):
                os.remove(store + end)

    def best(*arguments):
        results = [run(*arguments) for _ in range(options.rounds)]
        runs = [one for result in results for one in result["runs"]]
        return min(one["cpu"] for one in runs), max(result["rss"] for result in results)

    remove()
    say(f"{attempts:,} attempts: append and seal ...")
    found = {"attempts": attempts, "seal": run("append", attempts, options.seed, store)["runs"][0]["cpu"]}
    found["gigabytes"] = os.path.getsize(store) / 1e9
    scans = {"histogram": (store, 2), "recovery": (store, 2), "p99": (store, 2, BEGIN_US, BEGIN_US + HOUR_US)}
    for name, rest in scans.items():
        say(f"{attempts:,} attempts: {name} ...")
        found[name], found[f"{name} rss"] = best("quantiles" if name == "p99" else name, *rest)
    remove()
    return found


def table(points):
    print("| attempts | append + seal (CPU) | bytes an attempt | latency histogram | recovery intervals "
          "| p99 in one hour | most memory of a scan |")
    print("|---|---|---|---|---|---|---|")
    for one in points:
        n = one["attempts"]
        most = max(one[f"{name} rss"] for name in ("histogram", "recovery", "p99")) / 2**20
        print(f"| {n / 1e6:g} M | {one['seal']:.2f} s ({n / one['seal'] / 1e6:.2f} M/s) | {one['gigabytes'] * 1e9 / n:.2f}"
              f" | {one['histogram'] * 1000:.0f} ms | {one['recovery'] * 1000:.0f} ms | {one['p99'] * 1000:.0f} ms"
              f" | {most:.0f} MiB |")


def chart(points, path):
    """Log-log; a dashed line of slope 1 through the first point of every series shows what linear growth would be."""
    width, height, left, right, top, bottom = 760, 460, 70, 220, 40, 50
    ends = [one["attempts"] for one in points]
    values = [one[key] for one in points for key, _, _ in SERIES]
    x_low, x_high = math.log10(min(ends)) - 0.1, math.log10(max(ends)) + 0.1
    y_low, y_high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))

    def x(value):
        return left + (math.log10(value) - x_low) / (x_high - x_low) * (width - left - right)

    def y(value):
        return height - bottom - (math.log10(value) - y_low) / (y_high - y_low) * (height - top - bottom)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">',
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
    labels = sorted(((y(points[-1][key]), label, colour) for key, label, colour in SERIES))
    last = -100.0
    for key, _, colour in SERIES:
        dots = [(x(one["attempts"]), y(one[key])) for one in points]
        first, end = points[0], points[-1]["attempts"]
        linear = first[key] * end / first["attempts"]
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
    options = parser.parse_args()
    os.makedirs(options.directory, exist_ok=True)
    sizes = [int(size) for size in options.attempts.split(",")]
    if len(sizes) < 2:
        fail("a chart needs two sizes or more, such as --attempts 2000000,20000000")
    points = [measure(options, size) for size in sizes]
    table(points)
    chart(points, options.chart)
    say(f"chart: {options.chart}")


if __name__ == "__main__":
    main()
