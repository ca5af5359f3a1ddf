/* Where each drawn text is cut: measured after layout, in the real fonts, and told to whoever marks it in the form. */

const cuts = new Map();

/** Tells where a text is cut in its source (-1: all is seen, null: its source is not known), when that has changed. */
const tell = (name, detail) => {
  const before = cuts.has(name) ? cuts.get(name) : -1;
  if (before === detail.offset) return;
  cuts.set(name, detail.offset);
  window.dispatchEvent(new CustomEvent("tocsin-cut", { detail }));
};

const ellipses = new Map();
let canvas;
const ellipsisWidth = (style) => {
  const font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  if (!ellipses.has(font)) {
    canvas ??= document.createElement("canvas").getContext("2d");
    canvas.font = font;
    ellipses.set(font, canvas.measureText("…").width);
  }
  return ellipses.get(font);
};
/** A font that has arrived since makes every width another one. */
export const forget = () => ellipses.clear();

/** The smallest index from `low` for which the test holds; `high` when none does. */
const first = (low, high, holds) => {
  let [from, to] = [low, high];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (holds(middle)) to = middle;
    else from = middle + 1;
  }
  return from;
};

/** How an element's whole text lies when nothing is clamped: its lines, and where the last one seen is cut. */
const laid = (element, limit) => {
  const node = element.firstChild;
  const text = node?.nodeType === Node.TEXT_NODE ? node.data : "";
  if (!text) return { total: 0, cut: -1 };
  const range = document.createRange();
  const scale = element.getBoundingClientRect().width / element.offsetWidth || 1;
  const style = getComputedStyle(element);
  const height = parseFloat(style.lineHeight) * scale;
  const top = element.getBoundingClientRect().top + parseFloat(style.paddingTop) * scale;
  const lineAt = (index) => {
    range.setStart(node, index);
    range.setEnd(node, index + 1);
    const box = [...range.getClientRects()].at(-1);
    return box ? Math.floor((box.top + box.height / 2 - top) / height) : -1;
  };
  const startOf = (line) => first(0, text.length, (index) => lineAt(index) >= line);
  const total = Math.max(1, lineAt(text.trimEnd().length - 1) + 1);
  const nowrap = style.whiteSpace === "nowrap";
  const width = element.clientWidth * scale;
  const start = nowrap ? 0 : startOf(limit - 1);
  const reach = (to) => {
    range.setStart(node, start);
    range.setEnd(node, to);
    return range.getBoundingClientRect().width;
  };
  const over = nowrap ? reach(text.length) > width + 0.5 : total > limit;
  if (!over) return { total, cut: -1 };
  const end = nowrap ? text.length : startOf(limit);
  const room = width - ellipsisWidth(style) * scale;
  const past = first(start + 1, end + 1, (to) => reach(to) > room);
  return { total: nowrap ? 1 : total, cut: whole(text, Math.min(past - 1, end)) };
};

/** Never within a letter that takes two places, nor after the space before the cut. */
const whole = (text, index) => {
  const at = /[\udc00-\udfff]/.test(text[index] ?? "") ? index - 1 : index;
  return text.slice(0, at).trimEnd().length;
};

const SAID = { title: "Title", subtitle: "Subtitle", body: "Text" };
const words = (text, cut) => {
  const kept = text.slice(0, cut);
  const tail = [...kept].slice(-24).join("");
  return tail.length < kept.length ? `…${tail.replace(/^\S*\s/, "")}` : tail;
};

/** Measures every text of one drawn screen, writes on it what is seen (`data-lines`, `data-cut`, `data-overflow`),
    says the cuts in words below, and tells them. */
export const measure = (figure, maps) => {
  const { platform, state } = figure.dataset;
  const texts = [...figure.querySelectorAll("[data-field]")];
  figure.classList.add("measuring");
  const found = texts.map((element) => ({ element, limit: Number(element.dataset.room), ...laid(element, Number(element.dataset.room)) }));
  figure.classList.remove("measuring");
  const said = [];
  for (const { element, limit, total, cut } of found) {
    const { field } = element.dataset;
    Object.assign(element.dataset, { lines: Math.min(total, limit), total, cut, overflow: cut >= 0 });
    if (cut >= 0) said.push(`${SAID[field]} cut after “\u2068${words(element.textContent, cut)}\u2069”`);
    tell(`${platform}/${state}/${field}`, { platform, state, field, offset: offsetOf(cut, maps?.[field]) });
  }
  tellBelow(figure.querySelector("[data-cuts]"), said.join(" · "));
};

/** The text node stays: another one would have the browser look through the page's rules about what holds what. */
const tellBelow = (note, text) => {
  if (!note || note.textContent === text) return;
  if (note.firstChild) note.firstChild.data = text;
  else note.textContent = text;
};

const offsetOf = (cut, map) => (cut < 0 ? -1 : map ? (map[cut] ?? null) : null);

/** A screen that is no longer drawn cuts nothing. */
export const leave = (platform, state) => {
  for (const name of cuts.keys()) {
    const [ofPlatform, ofState, field] = name.split("/");
    if (ofPlatform === platform && ofState === state) tell(name, { platform, state, field, offset: -1 });
  }
};
