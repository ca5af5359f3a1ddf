"""A person without a mouse: every key is followed by a look at where the focus is, and whether it can be seen there."""

from dataclasses import dataclass
from typing import Any

SEEN = """async () => {
    const closing = () => document.querySelector("[role='dialog'][data-state='closed'], .rt-DialogScroll:not(:has([data-state='open']))");
    for (const begun = Date.now(); closing() && Date.now() - begun < 1000; ) await new Promise((on) => setTimeout(on, 30));
    for (const begun = Date.now(); document.activeElement === document.body; await new Promise((on) => setTimeout(on, 30)))
        if (Date.now() - begun > 3000) return ["the focus is lost"];
    const drawn = (node) => [node, node.parentElement, node.parentElement?.parentElement].filter(Boolean).map((one) => {
        const { outlineStyle, outlineWidth, outlineColor, boxShadow, backgroundColor, borderColor } = getComputedStyle(one);
        return [outlineStyle, outlineWidth, outlineColor, boxShadow, backgroundColor, borderColor].join(" ");
    }).join("; ");
    const wrong = [], node = document.activeElement, before = globalThis.focusBefore;
    if (before && before.node !== node && before.node.isConnected && drawn(before.node) === before.drawn) wrong.push("looks alike without the focus");
    globalThis.focusBefore = node.matches("main, [role='dialog'], [role='dialog'] input") ? null : { node, drawn: drawn(node) };
    const { left, right, top, bottom } = node.getBoundingClientRect();
    const x = (Math.max(left, 0) + Math.min(right, innerWidth)) / 2, y = (Math.max(top, 0) + Math.min(bottom, innerHeight)) / 2;
    const over = document.elementFromPoint(x, y);
    if (!over || bottom <= 0 || top >= innerHeight) wrong.push("is out of sight");
    else if (!node.contains(over) && !over.contains(node)) wrong.push(`is covered by ${over.outerHTML.slice(0, 120)}`);
    return wrong.map((what) => `${(what.startsWith("looks") ? before.node : node).outerHTML.slice(0, 200)} ${what}`);
}"""


@dataclass
class Keyboard:
    """Of a page that has been loaded. A container that takes the focus for want of anything better (the page, a dialog)
    and the field at the top of a menu, which has its caret, need no ring."""

    page: Any

    def press(self, *keys: str) -> None:
        """Presses them one after the other; after each the focus is somewhere, in sight and marked."""
        for key in keys:
            self.page.keyboard.press(key)
            wrong = self.page.evaluate(SEEN)
            assert not wrong, f"{key}: {wrong}"

    def write(self, text: str) -> None:
        self.page.keyboard.type(text)

    def to(self, wanted: Any, *, key: str = "Tab", most: int = 60) -> None:
        """Goes on with that key until `wanted` has the focus."""
        for _ in range(most):
            self.press(key)
            if self.at(wanted):
                return
        raise AssertionError(f"{wanted} is not reached by {most} times {key}")

    def at(self, wanted: Any) -> bool:
        return wanted.evaluate_all("found => found.includes(document.activeElement)")
