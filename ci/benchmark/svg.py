"""Charts as SVG, without a library: lines over categories on a logarithmic scale, lines over time, and groups of bars. Legible on light and on
dark ground; lines differ in their marks and labels as well as in their colour."""

import math
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH = 880
# Middle tones: they stand out from white and from black.
COLORS = ("#2f81f7", "#8b949e", "#e5534b", "#2da44e", "#a371f7", "#d4872c")
# Not those of systems.
BAR_COLORS = ("#79c0ff", "#388bfd", "#a371f7")
STYLE = """<style>
.ground{fill:#fff}text{fill:#1f2328;font:13px system-ui,sans-serif}.title{font-size:16px;font-weight:600}
.grid{stroke:#d0d7de;stroke-width:1}.faint{fill:#59636e;font-size:12px}.lead{stroke:#8b949e;stroke-width:1;fill:none}
@media(prefers-color-scheme:dark){.ground{fill:#0d1117}text{fill:#e6edf3}.grid{stroke:#30363d}.faint{fill:#9198a1}}
</style>"""
# Labels at the right are so far apart.
LABEL_STEP = 17


@dataclass(frozen=True)
class Series:
    """A line: a value for each category, or none."""

    label: str
    values: tuple
    # Of COLORS and marks; one system has the same everywhere.
    style: int


def document(height, title, caption, parts):
    """An SVG with everything that all charts have."""
    words = escape(title, {'"': "&quot;"})
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"'
        f' viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{words}">',
        f"<title>{words}</title>",
        STYLE,
        f'<rect class="ground" width="{WIDTH}" height="{height}"/>',
        text(20, 28, title, kind="title"),
        *parts,
        *(text(20, height - 12 - 16 * below, line, kind="faint") for below, line in enumerate(reversed(caption))),
        "</svg>\n",
    ])


def text(x, y, words, anchor="start", kind=None):
    of_kind = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{of_kind}>{escape(words)}</text>'


def line(x1, y1, x2, y2, kind):
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def mark(style, x, y):
    """A circle, a square, a triangle, ..."""
    r = 5
    color = COLORS[style % len(COLORS)]
    shapes = (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}" fill="{color}"/>',
        f'<rect x="{x - r:.1f}" y="{y - r:.1f}" width="{2 * r}" height="{2 * r}" fill="{color}"/>',
        polygon(color, (x, y - r - 1), (x - r - 1, y + r), (x + r + 1, y + r)),
        polygon(color, (x, y - r - 2), (x + r + 2, y), (x, y + r + 2), (x - r - 2, y)),
        polygon(color, (x - r - 1, y - r), (x + r + 1, y - r), (x, y + r + 1)),
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}" fill="none" stroke="{color}" stroke-width="2.5"/>',
    )
    return shapes[style % len(shapes)]


def polygon(color, *points):
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polygon points="{places}" fill="{color}"/>'


def ticks(low, high):
    """Round numbers of a logarithmic scale: those around both ends, and 1, 2 and 5 of every power of ten between, or only
    the powers where there would be too many."""
    for steps in ((1, 2, 5), (1, 3), (1,)):
        exponents = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
        rounds = [step * 10.0**exponent for exponent in exponents for step in steps]
        first = max(i for i, value in enumerate(rounds) if value <= low * (1 + 1e-9))
        last = min((i for i, value in enumerate(rounds) if value >= high * (1 - 1e-9)), default=len(rounds) - 1)
        last = max(last, first + 1)
        if last - first < 10:
            break
    return rounds[first : last + 1]


def spread_out(places, step, low, high):
    """Moves places apart to at least `step` without changing their order, as near as possible to where they were and between
    low and high where there is room."""
    order = sorted(range(len(places)), key=lambda i: places[i])
    moved = [0.0] * len(places)
    at = low - step
    for i in order:
        at = max(places[i], at + step)
        moved[i] = at
    at = high + step
    for i in reversed(order):
        at = min(moved[i], at - step)
        moved[i] = at
    return moved


def line_chart(title, caption, categories, axis, series, unit, show):
    """Lines over categories, of which `axis` says what they are; `show` writes a value of the scale. The first line is on
    top."""
    height, left, right, top = 490, 80, 290, 70
    bottom = height - 80 - 16 * len(caption)
    values = [value for one in series for value in one.values if value]
    scale = ticks(min(values), max(values))
    low, high = math.log(scale[0]), math.log(scale[-1])

    def place(i, value):
        x = left + (WIDTH - left - right) * (i + 0.5) / len(categories)
        return x, bottom - (bottom - top) * (math.log(value) - low) / (high - low)

    parts = [text(20, 54, unit, kind="faint")]
    for value in scale:
        y = place(0, value)[1]
        parts += [line(left, y, WIDTH - right, y, "grid"), text(left - 8, y + 4, show(value), "end")]
    for i, category in enumerate(categories):
        parts.append(text(place(i, scale[0])[0], bottom + 20, category, "middle"))
    parts.append(text((left + WIDTH - right) / 2, bottom + 42, axis, "middle", "faint"))
    ends = []
    for one in reversed(series):
        points = [place(i, value) for i, value in enumerate(one.values) if value]
        color = COLORS[one.style % len(COLORS)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2.5"/>')
        parts += [mark(one.style, x, y) for x, y in points]
        ends.append(points[-1])
    labels = spread_out([y for _, y in ends], LABEL_STEP, top, bottom)
    for one, (x, y), label in zip(reversed(series), ends, labels):
        at = WIDTH - right + 22
        parts.append(f'<path class="lead" d="M{x + 9:.1f},{y:.1f} L{at - 14:.1f},{label:.1f}"/>')
        parts += [mark(one.style, at - 4, label), text(at + 8, label + 4, one.label)]
    return document(height, title, caption, parts)


def time_chart(title, caption, others, chosen, marks, unit, show):
    """Lines of (seconds, value) over time on a linear scale, `chosen` on top of `others`; `marks` are moments with words."""
    height, left, right, top = 440, 80, 30, 96
    bottom = height - 70 - 16 * len(caption)
    points = [point for one in (*others, chosen) for point in one]
    first, last = min(x for x, _ in points), max(x for x, _ in points)
    step = linear_step(max(1.0, max(y for _, y in points)))
    high = step * math.ceil(max(1.0, max(y for _, y in points)) / step)

    def place(x, y):
        across = (x - first) / max(last - first, 1e-9)
        return left + (WIDTH - left - right) * across, bottom - (bottom - top) * y / high

    def path(one):
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in one))

    parts = [text(20, 54, unit, kind="faint")]
    for i in range(round(high / step) + 1):
        y = place(first, i * step)[1]
        parts += [line(left, y, WIDTH - right, y, "grid"), text(left - 8, y + 4, show(i * step), "end")]
    for second in range(math.ceil(first), math.floor(last) + 1):
        parts.append(text(place(second, 0)[0], bottom + 20, str(second), "middle"))
    parts.append(text((left + WIDTH - right) / 2, bottom + 42, "seconds", "middle", "faint"))
    for one in others:
        parts.append(f'<polyline points="{path(one)}" fill="none" stroke="{COLORS[1]}" stroke-opacity=".55"/>')
    parts.append(f'<polyline points="{path(chosen)}" fill="none" stroke="{COLORS[0]}" stroke-width="2"/>')
    for row, (at, words) in enumerate(marks):
        x = place(at, 0)[0]
        # Words beside each other may be longer than the time between them.
        y = top - 26 + 15 * (row % 2)
        parts.append(
            f'<path d="M{x:.1f},{y + 4:.1f} V{bottom}" stroke="{COLORS[2]}" stroke-width="1.5" stroke-dasharray="5 3"/>'
        )
        parts.append(text(x + 4, y, words))
    return document(height, title, caption, parts)


def linear_step(high):
    """A round step of which a linear scale takes four to ten."""
    power = 10.0 ** math.floor(math.log10(high))
    return next(power * part for part in (0.1, 0.2, 0.25, 0.5, 1) if high / (power * part) <= 10)


def bar_chart(title, caption, groups, names, unit, show):
    """A group of bars for each (label, values); a value may be none. `names` are those of the bars of a group."""
    left, right, top, bar = 300, 90, 84, 15
    parts = [text(20, 54, unit, kind="faint")]
    at = 20
    for style, name in enumerate(names):
        parts.append(f'<rect x="{at}" y="62" width="12" height="12" fill="{BAR_COLORS[style]}"/>')
        parts.append(text(at + 18, 73, name))
        at += 40 + 8 * len(name)
    longest = max(value for _, values in groups for value in values if value)
    y = top + 14
    for label, values in groups:
        count = sum(value is not None for value in values)
        parts.append(text(left - 12, y + count * (bar + 3) / 2 + 4, label, "end"))
        for style, value in enumerate(values):
            if value is None:
                continue
            width = (WIDTH - left - right) * value / longest
            parts.append(f'<rect x="{left}" y="{y:.1f}" width="{width:.1f}" height="{bar}" fill="{BAR_COLORS[style]}"/>')
            parts.append(text(left + width + 6, y + 12, show(value)))
            y += bar + 3
        y += 12
    return document(round(y + 24 + 16 * len(caption)), title, caption, parts)
