"""One segment: its rules on the left, who they find on the right."""

import reflex as rx

from console import routes, theme
from console.components.feedback import missing, note, skeleton_text
from console.components.layout import back_link, icon, icon_button, link, page_head, panel
from console.components.segment_builder import rules_now, segment_builder
from console.components.segment_numbers import found, reach
from console.rows.segments import Link
from console.shell import loaded, page
from console.states.compose import CONFLICT, SAVED
from console.states.segment import NEW, SegmentState
from console.states.segment_rules import RulesState
from console.states.session import RANK, SessionState

MAY_EDIT = SessionState.me.rank >= RANK["editor"]
NAME = "segment-name"


def name_now() -> rx.Var[str]:
    """The name as it is typed at the moment of an event."""
    return rx.Var(f"(document.getElementById('{NAME}')?.value ?? '')", _var_type=str)


@page(routes.NEW_SEGMENT, "New segment", on_load=[SegmentState.start])
def new_segment() -> rx.Component:
    """An empty builder: everyone, until a rule narrows it down."""
    return _page()


@page(routes.SEGMENT, "Segment", on_load=[SegmentState.load])
def segment() -> rx.Component:
    """A segment that is kept."""
    return rx.cond(
        SegmentState.missing, panel(missing("segment", routes.SEGMENTS, "All segments"), flush=True), _page()
    )


def _page() -> rx.Component:
    return rx.cond(
        loaded(SegmentState.ready),
        rx.fragment(_head(), _notices(), rx.el.div(_rules(), _side(), class_name="segment")),
        rx.fragment(page_head("Segment", back=back_link("Segments", routes.SEGMENTS)), panel(skeleton_text(5))),
    )


def _head() -> rx.Component:
    name = rx.el.input(
        default_value=SegmentState.name,
        key=f"name-{SegmentState.key}",
        aria_label="Segment name",
        placeholder="Name this segment",
        max_length=200,
        class_name="name-input segment-name",
        id=NAME,
        auto_focus=SegmentState.key == NEW,
        read_only=~MAY_EDIT,
        on_change=lambda typed: SegmentState.edited(rules_now(), typed).debounce(300),
        aria_invalid=SegmentState.name_problem != "",
    )
    archived = rx.badge(icon("archive", theme.ICON_SMALL - 2), "Archived", color_scheme=theme.QUIET, variant="soft")
    return page_head(
        name,
        rx.cond(MAY_EDIT, _actions(), rx.fragment()),
        badge=rx.cond(SegmentState.archived, archived, rx.fragment()),
        back=back_link("Segments", routes.SEGMENTS),
    )


def _actions() -> rx.Component:
    kept = rx.fragment(
        icon_button("copy-plus", "Duplicate", on_click=SegmentState.duplicate),
        icon_button("archive", "Archive", on_click=SegmentState.archive),
    )
    save = rx.button(
        "Save",
        id="save",
        data_save="true",
        on_click=SegmentState.save(rules_now(), name_now()),
        variant=rx.cond(SegmentState.saved == SAVED, "soft", "solid"),
    )
    return rx.fragment(
        rx.el.span(
            RulesState.numbers.people,
            rx.cond(RulesState.numbers.people == "1", " person", " people"),
            class_name="muted small tnum segment-count",
        ),
        rx.el.span(_saved(), class_name="saved", aria_live="polite"),
        rx.cond(SegmentState.key == NEW, rx.fragment(), rx.cond(SegmentState.archived, rx.fragment(), kept)),
        rx.cond(
            SegmentState.archived,
            rx.button(icon("archive-restore"), "Bring back", on_click=SegmentState.restore),
            save,
        ),
    )


def _saved() -> rx.Component:
    kept = rx.fragment(icon("check", theme.ICON_SMALL), "Saved")
    return rx.match(
        SegmentState.saved,
        (SAVED, rx.cond(SegmentState.key == NEW, rx.fragment(), kept)),
        (CONFLICT, rx.fragment(icon("triangle-alert", theme.ICON_SMALL), "Not saved")),
        rx.fragment(icon("circle-dot", theme.ICON_SMALL), "Unsaved changes"),
    )


def _notices() -> rx.Component:
    """What is in the way of saving: a missing name, or somebody who was faster."""
    conflict = note(
        rx.el.div(
            rx.el.span(SegmentState.problem),
            rx.el.span(
                rx.button("Load theirs", size="1", variant="soft", on_click=SegmentState.load),
                rx.button(
                    "Keep mine",
                    size="1",
                    variant="soft",
                    color_scheme=theme.CARE,
                    on_click=SegmentState.overwrite(rules_now(), name_now()),
                ),
                class_name="row",
            ),
            class_name="row-wrap",
        ),
        tone=theme.CARE,
    )
    unnamed = note(SegmentState.name_problem, tone=theme.BAD)
    return rx.fragment(
        rx.cond(SegmentState.problem != "", rx.el.div(conflict, class_name="under-l"), rx.fragment()),
        rx.cond(SegmentState.name_problem != "", rx.el.div(unnamed, class_name="under-l"), rx.fragment()),
    )


def _rules() -> rx.Component:
    builder = segment_builder(
        [lambda query: SegmentState.edited(query, name_now())],
        draft_key=SegmentState.key,
        name_id=NAME,
        dirty=SegmentState.saved != SAVED,
        read_only=~MAY_EDIT | SegmentState.archived,
    )
    return panel(builder)


def _side() -> rx.Component:
    return rx.el.aside(reach(), found(), _uses(), class_name="segment-side", aria_label="Who it finds")


def _uses() -> rx.Component:
    unused = rx.el.span("No campaign on its way and no other segment uses it.", class_name="muted")
    content = rx.cond(
        SegmentState.uses.length() > 0,
        rx.el.ul(rx.foreach(SegmentState.uses, _use), class_name="stack-s"),
        unused,
    )
    return rx.cond(SegmentState.key == NEW, rx.fragment(), panel(content, title="Used in"))


def _use(use: rx.Var[Link]) -> rx.Component:
    return rx.el.li(
        link(use.label, to=use.href, class_name="link truncate"),
        rx.el.span(use.note, class_name="muted small"),
        class_name="stack-0",
        key=use.href,
    )
