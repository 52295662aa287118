"""A picture of a network as Mermaid text, which GitHub and many editors draw by themselves."""

from __future__ import annotations

from html import escape

from anycastlab.report.graph_dot import INK, PALE, is_dark
from anycastlab.report.graph_sketch import Dot, Kind, Line, Sketch

_SHAPES: dict[Kind, tuple[str, str]] = {
    "router": ("(", ")"),
    "client": ("([", "])"),
    "server": ("[", "]"),
    "lan": ("{{", "}}"),
}


def mermaid_text(sketch: Sketch) -> str:
    """Return a flow chart; where instances tie, one colour fills and the next is the border."""
    keys = {dot.key: f"n{number}" for number, dot in enumerate(sketch.dots)}
    lines = ["flowchart LR"]
    if sketch.group is not None:
        lines.append(f"  %% catchment of {sketch.group}, by the colours of its instances")
    lines += [f"  {keys[dot.key]}{_label(dot)}" for dot in sketch.dots]
    lines += [f"  {keys[line.a]} {_arrow(line)} {keys[line.b]}" for line in sketch.lines]
    lines += [f"  style {keys[dot.key]} {_style(dot)}" for dot in sketch.dots]
    return "\n".join(lines) + "\n"


def _label(dot: Dot) -> str:
    opening, closing = _SHAPES[dot.kind]
    return f'{opening}"{_quoted(dot.name)}"{closing}'


def _quoted(text: str) -> str:
    return escape(text).replace("&", "#").replace("\n", " ")


def _arrow(line: Line) -> str:
    body = "-.-" if line.cut else "---"
    if line.there == line.back:
        return f'{body}|"{line.there}"|' if line.there else body
    costs = " / ".join(cost for cost in (line.there, line.back) if cost)
    return f'{body}|"{costs}"|'


def _style(dot: Dot) -> str:
    if dot.dead:
        return f"fill:#FFFFFF,stroke:{PALE},color:{PALE},stroke-dasharray:4"
    neutral = "#E4E4E4" if dot.kind == "router" else "#FFFFFF"
    fill, border = (*dot.colours, *([] if dot.colours else [neutral]), INK)[:2]
    text = "#FFFFFF" if is_dark(fill) else "#000000"
    width = 5 if len(dot.colours) > 1 else 1
    return f"fill:{fill},stroke:{border},stroke-width:{width}px,color:{text}"
