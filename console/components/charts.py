"""Plotly figures from typed series: one palette, one hue a measure, no chart junk."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import plotly.graph_objects as go
import reflex as rx

from backend.services.timeline import HOUR, Line, Timeline, timeline
from console import theme

FEW = 100
DAILY = timedelta(days=1).total_seconds()
NESTED = (0.8, 0.5, 0.22)  # of a step: each measure is a part of the one before it, so it stands inside
CONFIG = {"displayModeBar": False, "responsive": True}


def over_time(series: Timeline, measures: Sequence[str], zone: str) -> go.Figure:
    """Pushes over time: bars within bars while there are few points, lines when there are many.

    The measures are given from the whole to the part.
    """
    times = [_wall(at, zone, series.step_seconds) for at in series.times]
    lines = [line for name in measures for line in series.lines if line.measure == name]
    hover = _hover(series.step_seconds, zone)
    if len(times) <= FEW:
        traces = [
            _bars(line, times, hover, series.step_seconds * share) for line, share in zip(lines, NESTED, strict=False)
        ]
    else:
        traces = [_line(line, times, hover) for line in lines]
    figure = go.Figure(traces)
    figure.update_layout(**_layout(theme.CHART_HEIGHT, "pushes"), barmode="overlay")
    figure.update_xaxes(**_axis(times, series.step_seconds))
    return figure


def warm_up() -> None:
    """Draws a chart for nobody: what Plotly and pandas load at first use would keep the first visitor waiting."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    over_time(timeline((), [("accepted", "", "")], start, start + HOUR, HOUR), ("accepted",), "UTC").to_json()


def _wall(at: datetime, zone: str, step: int) -> datetime:
    """Days are UTC days and keep their date; finer steps are shown in the app's own time."""
    return at.replace(tzinfo=None) if step >= DAILY else at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def _hover(step: int, zone: str) -> str:
    moment = "%{x|%a %-d %b %Y} UTC" if step >= DAILY else f"%{{x|%-d %b %Y, %H:%M}} {zone}"
    return "<b>%{y:,}</b> %{fullData.name}<br>" + moment + "<extra></extra>"


def _line(line: Line, times: list[datetime], hover: str) -> go.Scatter:
    colour = theme.MEASURE[line.measure]
    return go.Scatter(
        x=times,
        y=list(line.counts),
        name=line.measure,
        mode="lines",
        hovertemplate=hover,
        line={"color": colour, "width": 2, "shape": "linear"},
    )


def _bars(line: Line, times: list[datetime], hover: str, seconds: float) -> go.Bar:
    return go.Bar(
        x=times,
        y=list(line.counts),
        name=line.measure,
        hovertemplate=hover,
        width=1000 * seconds,
        marker={"color": theme.MEASURE[line.measure], "cornerradius": 3, "line": {"width": 0}},
    )


def _layout(height: int, unit: str) -> dict[str, object]:
    return {
        "height": height,
        "margin": {"l": 56, "r": 16, "t": 24, "b": 32},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": theme.CHART_FONT, "color": theme.CHART_TEXT},
        "separators": ".\u202f",  # thousands as everywhere else in the console
        "showlegend": False,
        "hovermode": "closest",
        "dragmode": False,
        "yaxis": {
            "gridcolor": theme.CHART_GRID,
            "zeroline": False,
            "rangemode": "tozero",
            "fixedrange": True,
            "tickformat": ",d",
            "nticks": 5,
            "automargin": True,
            "title": {"text": unit, "standoff": 8, "font": {"size": theme.CHART_FONT}},
        },
    }


def _axis(times: list[datetime], step: int) -> dict[str, object]:
    axis: dict[str, object] = {"showgrid": False, "zeroline": False, "fixedrange": True, "nticks": 8, "ticks": ""}
    axis["tickformat"] = "%-d %b" if step >= DAILY else "%H:%M\n%-d %b"
    if times and len(times) <= 2:  # Plotly would stretch one minute over the whole width
        width = timedelta(seconds=step)
        axis["range"] = [times[0] - 6 * width, times[-1] + 6 * width]
    return axis


def chart(figure: rx.Var[go.Figure], label: str) -> rx.Component:
    """The figure in its place; it follows the width of its panel and the light or dark of the page."""
    return rx.el.div(
        rx.plotly.basic(data=figure, config=CONFIG, width="100%", use_resize_handler=True),
        class_name="chart",
        role="img",
        aria_label=label,
    )


def legend(*measures: str) -> rx.Component:
    """Which hue is which measure."""
    return rx.el.div(
        *[
            rx.el.span(
                rx.el.span(class_name="dot", style={"background": theme.MEASURE[name]}),
                name.capitalize(),
                class_name="legend-item",
            )
            for name in measures
        ],
        class_name="legend",
    )
