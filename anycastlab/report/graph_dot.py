"""A picture of a network as DOT text, the language of Graphviz."""

from __future__ import annotations

from html import escape

from anycastlab.report.graph_sketch import Dot, Kind, Line, Sketch

INK, PALE = "#333333", "#AAAAAA"
FONT = 'fontname="Helvetica,Arial,sans-serif"'

_SHAPES: dict[Kind, str] = {
    "router": "shape=box",
    "client": "shape=ellipse",
    "server": "shape=box, penwidth=2.5",
    "lan": "shape=hexagon",
}
_NEUTRAL: dict[Kind, str] = {
    "router": "#E4E4E4",
    "client": "white",
    "server": "white",
    "lan": "#FFF7E0",
}
_LEGEND_WIDTH = 6


def dot_text(sketch: Sketch) -> str:
    """Return an undirected graph that says itself how it is to be laid out."""
    # The better layouts take a second for as many nodes, and minutes for a thousand.
    engine = "neato" if len(sketch.dots) <= 300 else "sfdp"
    splines = "true" if len(sketch.dots) <= 60 else "line"
    lines = [
        f"graph {quoted(sketch.name)} {{",
        f"  graph [layout={engine}, overlap=prism, splines={splines}, outputorder=edgesfirst,",
        '    sep="+6", pad=0.3, dpi=144, bgcolor=white,',
        f'    {FONT}, fontsize=13, fontcolor="{INK}", labelloc=b, label={_legend(sketch)}];',
        f'  node [{FONT}, fontsize=12, height=0.3, width=0.4, margin="0.08,0.04", color="{INK}"];',
        f'  edge [{FONT}, fontsize=10, penwidth=1.3, color="#777777", fontcolor="{INK}"];',
        *map(_node, sketch.dots),
        *map(_edge, sketch.lines),
        "}",
    ]
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    """Return text as a DOT string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _node(dot: Dot) -> str:
    # Two colours as a gradient with one sharp step: wedges would draw a line through the name.
    fill = (";0.5:" if len(dot.colours) == 2 else ":").join(dot.colours) or _NEUTRAL[dot.kind]
    style = "filled" if len(dot.colours) < 3 else "wedged"
    style += ",rounded" if dot.kind == "router" else ""
    if dot.dead:
        fill, style = "white", f"{style},dashed"
    attributes = [
        _SHAPES[dot.kind],
        f'style="{style}", fillcolor="{fill}"',
        f"label={quoted(dot.name)}",
    ]
    if dot.dead:
        attributes.append(f'color="{PALE}", fontcolor="{PALE}"')
    elif dot.colours and all(map(is_dark, dot.colours)):
        attributes.append("fontcolor=white")
    return f"  {quoted(dot.key)} [{', '.join(attributes)}];"


def _edge(line: Line) -> str:
    """Return a link; a cost is written once if it holds both ways, else beside the sender."""
    attributes = []
    if line.there == line.back:
        attributes += [f"label={quoted(line.there)}"] if line.there else []
    else:
        attributes += [f"taillabel={quoted(line.there)}, headlabel={quoted(line.back)}"]
    if line.cut:
        attributes.append(f'style=dashed, color="{PALE}", fontcolor="{PALE}"')
    suffix = f" [{', '.join(attributes)}]" if attributes else ""
    return f"  {quoted(line.a)} -- {quoted(line.b)}{suffix};"


def _legend(sketch: Sketch) -> str:
    if sketch.group is None:
        return quoted(sketch.name)
    squares = [
        f'<FONT COLOR="{colour}">&#9632;</FONT> {escape(instance)}'
        for instance, colour in sketch.instances.items()
    ]
    rows = [
        " &#160; ".join(squares[i : i + _LEGEND_WIDTH])
        for i in range(0, len(squares), _LEGEND_WIDTH)
    ]
    title = f"{escape(sketch.name)}: catchment of {escape(sketch.group)}"
    return f"<{'<BR/>'.join([title, *rows])}>"


def is_dark(colour: str) -> bool:
    """Return whether white text reads better than black on a #RRGGBB colour (ITU-R BT.601 luma)."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return 0.299 * red + 0.587 * green + 0.114 * blue < 115
