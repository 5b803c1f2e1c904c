#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tables and picture of docs/comparison.md: page.py FOLDER PAGE PICTURE

FOLDER has NAME.json for each preset: what `straggle compare NAME.db --per-code --across step --json`
prints. The parts of PAGE between <!-- NAME --> and <!-- end --> are replaced, and PICTURE is drawn.
"""
import json
import math
import re
import sys
from xml.sax.saxutils import escape

PRESETS = {  # coordinates of the preset's gradient, in float32
    "large-training": 25_000_000, "serverless": 1_000_000, "four-gpus": 244_833_332, "tcp-1gbit": 30_846_720}
SENT = 31 * 8  # bytes that stand for such a gradient
NAMES = {("uncoded", 1): "ring all-reduce", ("backup-workers", 0): "backup workers", ("drop-compute", 0): "DropCompute",
         ("local-sgd", 0): "local SGD", ("ssp", 0): "SSP", ("rennala", 0): "Rennala", ("ringmaster", 0): "Ringmaster",
         ("fractional-repetition", 1): "fractional repetition", ("group", 1): "group",
         ("group", 0): "approximate group"}


def digits(x, n=3):
    """n significant digits, without an exponent."""
    if x is None:
        return "–"
    if x == 0:
        return "0"
    places = max(0, n - 1 - math.floor(math.log10(abs(x))))
    return f"{x:.{places}f}"


def interval(row, name, scale=1, n=4):
    x, low, high = (row[name + e] for e in ("", "_low", "_high"))
    if x is None:
        return "–"
    text = digits(scale * x, n)
    return text if low is None or high is None or low == high else \
        f"{text} [{digits(scale * low, n)}, {digits(scale * high, n)}]"


def speedup(row, n=3):
    if row["is_baseline"]:
        return "1"
    if row["speedup"] is None:
        return "–"
    low, high = row["speedup_ci95_low"], row["speedup_ci95_high"]
    text = digits(row["speedup"], n)
    return text if low is None else f"{text} [{digits(low, n)}, {digits(high, n)}]"


def chosen(row):
    """The parameters in the label: what is not the code, nor the same for all."""
    words = [w for w in row["scheme_label"].split(" ")[1:] if w not in ("ring", "global-batch", "stops", "part",
             "decodable", "minimum-norm", "micro_batches=4")]
    return ", ".join(f"`{w}`" for w in [*words, f"step={row['step']:g}"])


def table(preset, rows):
    out = ["| scheme | at its best | time to loss, s | ring's time over it | worker-seconds | of these computing | "
           "GB moved | samples used |", "|---|---|---|---|---|---|---|---|"]
    for row in rows:
        reached = "" if row["n_reached"] == row["runs"] else f" ({row['n_reached']:g} of {row['runs']})"
        size = 4 * PRESETS[preset] / 1e9 / SENT
        out.append(f"| {NAMES[row['code'], row['gives_gradient']]} | {chosen(row)} | "
                   f"{interval(row, 'time_to_target_s')}{reached} | {speedup(row)} | "
                   f"{interval(row, 'worker_s_to_target')} | {digits(row['busy_s_to_target'], 4)} | "
                   f"{interval(row, 'bytes_to_target', size, 3)} | {interval(row, 'samples_to_target')} |")
    return out


def summary(found):
    out = ["| ring's time over that of | " + " | ".join(found) + " |", "|---|" + "---|" * len(found)]
    for key, name in NAMES.items():
        cells = []
        for rows in found.values():
            row = next((r for r in rows if (r["code"], r["gives_gradient"]) == key), None)
            cells.append("" if row is None else speedup(row))
        if any(cells):
            out.append(f"| {name} | " + " | ".join(cells) + " |")
    return out


# --- The picture --------------------------------------------------------------------------------

WIDTH, PANEL, ROW, LEFT, TOP = 960, 480, 22, 150, 46


def panel(x0, y0, preset, rows):
    """A row for each scheme, the fastest first, over a logarithmic axis."""
    known = [r for r in rows if r["speedup"] is not None]
    ends = [v for r in known for v in (r["speedup"], r["speedup_ci95_low"], r["speedup_ci95_high"]) if v]
    low, high = min([0.9, *ends]) * 0.9, max([1.1, *ends]) * 1.1
    left, right = x0 + LEFT, x0 + PANEL - 20
    at = lambda v: left + (right - left) * math.log(v / low) / math.log(high / low)
    bottom = y0 + TOP + ROW * len(rows)
    out = [f'<text x="{x0 + 10}" y="{y0 + 22}" class="title">{preset}</text>']
    ticks = [b * 10 ** e for e in range(-3, 4) for b in (1, 2, 5) if low <= b * 10 ** e <= high]
    if len(ticks) < 3:
        ticks = [v for v in (0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.75, 2) if low <= v <= high]
    kept = [1]  # the others where there is room for their numbers
    for v in ticks:
        if all(abs(at(v) - at(k)) > 28 for k in kept):
            kept.append(v)
    for v in kept:
        out.append(f'<line x1="{at(v):.1f}" x2="{at(v):.1f}" y1="{y0 + TOP - 8}" y2="{bottom}" '
                   f'class="{"one" if v == 1 else "grid"}"/>')
        out.append(f'<text x="{at(v):.1f}" y="{bottom + 16}" text-anchor="middle">{v:g}</text>')
    order = sorted(rows, key=lambda r: -(r["speedup"] or 0))
    for i, r in enumerate(order):
        y = y0 + TOP + ROW * i + 6
        name = NAMES[r["code"], r["gives_gradient"]]
        out.append(f'<text x="{left - 10}" y="{y + 4}" text-anchor="end">{escape(name)}</text>')
        if r["speedup"] is None:
            out.append(f'<text x="{left + 6}" y="{y + 4}" class="none">{r["n_reached"]:g} of {r["runs"]} reached it</text>')
            continue
        kind = "exact" if r["gives_gradient"] else "inexact"
        title = f'{r["scheme_label"]}, step {r["step"]:g}: {speedup(r)}'
        if r["speedup_ci95_low"]:
            out.append(f'<line x1="{at(r["speedup_ci95_low"]):.1f}" x2="{at(r["speedup_ci95_high"]):.1f}" '
                       f'y1="{y}" y2="{y}" class="bar {kind}"/>')
        out.append(f'<circle cx="{at(r["speedup"]):.1f}" cy="{y}" r="4.5" class="{kind}"><title>{escape(title)}</title></circle>')
    return out, bottom - y0 + 34


def draw(found):
    body, y, heights = [], 40, []
    for i, (preset, rows) in enumerate(found.items()):
        part, height = panel(PANEL * (i % 2), y, preset, rows)
        body += part
        heights.append(height)
        if i % 2 or i + 1 == len(found):
            y += max(heights)
            heights = []
    style = ("text{font:12px sans-serif;fill:#333}.title{font-weight:bold;font-size:13px}.none{fill:#888}"
             ".grid{stroke:#e4e4e4}.one{stroke:#888}.bar{stroke-width:2}line.exact{stroke:#1f5fa8}"
             "line.inexact{stroke:#c2571a}circle.exact{fill:#1f5fa8}circle.inexact{fill:#fff;stroke:#c2571a;stroke-width:2}")
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 8}" role="img" '
        'aria-label="The time of a ring all-reduce to the target loss over that of each scheme, on four presets">',
        f"<style>{style}</style>", f'<rect width="{WIDTH}" height="{y + 8}" fill="#fff"/>',
        '<text x="10" y="22">The ring\'s time to the loss over each scheme\'s, 95 % intervals (right: faster). '
        'Filled: the exact gradient.</text>', *body, "</svg>", ""])


def main(folder, page, picture):
    found = {p: json.load(open(f"{folder}/{p}.json")) for p in PRESETS}
    text = open(page, encoding="utf-8").read()
    parts = {"summary": summary(found), **{p: table(p, rows) for p, rows in found.items()}}
    for name, lines in parts.items():
        block = f"<!-- {name} -->\n\n" + "\n".join(lines) + "\n\n<!-- end -->"
        text, n = re.subn(rf"<!-- {name} -->.*?<!-- end -->", lambda _: block, text, flags=re.S)
        if n != 1:
            sys.exit(f"{page}: expected one part <!-- {name} --> … <!-- end -->, found {n}")
    open(page, "w", encoding="utf-8").write(text)
    open(picture, "w", encoding="utf-8").write(draw(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
