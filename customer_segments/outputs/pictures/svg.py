"""Figures of matplotlib as SVG for a page: text stays text, colours are the page's.

Belongs here: the renderer. matplotlib's own writes the colours and the fonts into each mark, takes
its settings from the process, and a scatter a line for each point. Does not: how pictures look.
"""

from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, Transform

from customer_segments.outputs.pictures.palette import VARIABLES

COMMANDS = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C"}
COMMANDS |= {Path.CLOSEPOLY: "Z"}
ANCHORS = {"left": "start", "center": "middle", "right": "end"}
# From so many marks of a kind on, they are points of one path.
MANY = 50
FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def svg(drawn: Figure, name: str, label: str) -> str:
    """Return a figure, said to show what ``label`` says, as an SVG element of the same bytes.

    Colours of the palette are variables of the page's style, with the light ones where it has
    none. All ids begin with ``name``.
    """
    width, height = (round(side) for side in drawn.bbox.size)
    renderer = _Renderer(name, width, height, drawn.dpi)
    drawn.draw(renderer)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label={quoteattr(label)} font-family="{FONT}">\n'
        f"{''.join(renderer.parts)}</svg>"
    )


class _Renderer(RendererBase):
    """What our pictures are drawn with: paths, marks and lines of text.

    There are no clip paths: what is drawn lies within its axes.
    """

    def __init__(self, name: str, width: int, height: int, dpi: float):
        super().__init__()
        self.name, self.size, self.dpi = name, (width, height), dpi
        self.parts: list[str] = []
        self._down = Affine2D().scale(1, -1).translate(0, height)

    def get_canvas_width_height(self) -> tuple[float, float]:
        return self.size

    def points_to_pixels(self, points: Any) -> Any:
        return np.asarray(points) * self.dpi / 72

    def draw_path(
        self,
        gc: GraphicsContextBase,
        path: Path,
        transform: Transform,
        rgbFace: Any = None,  # noqa: N803
    ) -> None:
        if look := self._look(gc, rgbFace):
            self.parts.append(f'<path d="{_written(path, transform + self._down)}" {look}/>\n')

    def draw_markers(
        self,
        gc: GraphicsContextBase,
        marker_path: Path,
        marker_trans: Transform,
        path: Path,
        trans: Transform,
        rgbFace: Any = None,  # noqa: N803
    ) -> None:
        if len(path) < MANY:
            super().draw_markers(gc, marker_path, marker_trans, path, trans, rgbFace)
            return
        mark = f"{self.name}-{len(self.parts)}"
        shape = _written(marker_path, marker_trans + Affine2D().scale(1, -1))
        self.parts.append(
            f'<marker id="{mark}" overflow="visible" markerUnits="userSpaceOnUse"><path '
            f'd="{shape}" {self._look(gc, rgbFace)}/></marker><path fill="none" '
            f'style="marker:url(#{mark})" d="{_written(path, trans + self._down)}"/>\n'
        )

    def draw_text(
        self,
        gc: GraphicsContextBase,
        x: float,
        y: float,
        s: str,
        prop: Any,
        angle: float,
        ismath: Any = False,
        mtext: Text | None = None,
    ) -> None:
        """Write a line, held where it is aligned: what measured it is not the reader's font.

        matplotlib does not say how it aligns one of several lines: that begins where measured.
        """
        place, anchor = np.array([x, y]), "start"
        if mtext is not None:
            anchor, turned = ANCHORS[mtext.get_horizontalalignment()], np.deg2rad(angle)
            at = mtext.get_transform().transform(mtext.get_unitless_position())
            held, across = self._down.transform(at), np.array([np.sin(turned), np.cos(turned)])
            place = held + across * (across @ (place - held))
        where = f'x="{_figure(place[0])}" y="{_figure(place[1])}" text-anchor="{anchor}"'
        if angle:
            turn = " ".join(map(_figure, (-angle, *place)))
            where += f' transform="rotate({turn})"'
        weight = ' font-weight="bold"' if prop.get_weight() == "bold" else ""
        self.parts.append(
            f'<text {where} font-size="{_figure(self.points_to_pixels(prop.get_size()))}" '
            f'style="fill:{_paint(gc.get_rgb())}"{weight}>{escape(s)}</text>\n'
        )

    def _look(self, gc: GraphicsContextBase, face: Any) -> str:
        """Return fill and line as an attribute; nothing for what cannot be seen."""
        alpha = gc.get_alpha() if gc.get_forced_alpha() else None
        width = self.points_to_pixels(gc.get_linewidth())
        look = {"fill": "none"}
        for kind, hue in (("fill", face), ("stroke", gc.get_rgb() if width else None)):
            if hue is not None and (opacity := hue[3] if alpha is None else alpha):
                look[kind] = _paint(hue)
                look |= {f"{kind}-opacity": _figure(opacity, 2)} if opacity < 1 else {}
        if look == {"fill": "none"}:
            return ""
        if "stroke" in look:
            look["stroke-width"] = _figure(width)
            if (dashes := gc.get_dashes()[1]) is not None:
                look["stroke-dasharray"] = " ".join(map(_figure, self.points_to_pixels(dashes)))
        return f'style="{";".join(f"{name}:{value}" for name, value in look.items())}"'


def _written(path: Path, transform: Transform) -> str:
    """Return a path's steps as SVG has them, to a tenth of a pixel."""
    steps = path.iter_segments(transform, simplify=False, curves=True)
    return "".join(
        COMMANDS[code] + ("" if code == Path.CLOSEPOLY else " ".join(map(_figure, points)))
        for points, code in steps
    )


def _figure(value: float, digits: int = 1) -> str:
    return f"{round(float(value), digits) + 0.0:.{digits}f}".rstrip("0").rstrip(".")


def _paint(hue: Any) -> str:
    colour = to_hex(hue).upper()
    return f"var(--{VARIABLES[colour]},{colour})" if colour in VARIABLES else colour
