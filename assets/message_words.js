/* What the message form works out of texts, variables and languages. No screen, no server. */

const VARIABLE = /\{\{[\s\S]*?\}\}|\{%[\s\S]*?%\}/g;

/* Where the n-th character is: the server counts characters, a browser halves of them. */
const unitAt = (text, characters) => Array.from(text).slice(0, characters).join("").length;

/** The text in pieces, each of one look: `variable`, `wrong`, and `cut` where a platform stops showing it. */
export function pieces(text, problems, cuts) {
  const wrong = problems
    .filter((one) => one.at >= 0)
    .map((one) => [unitAt(text, one.at), unitAt(text, one.at + Math.max(1, one.length))]);
  const variables = Array.from(text.matchAll(VARIABLE), (found) => [found.index, found.index + found[0].length]);
  const edges = new Set([0, text.length, ...cuts, ...wrong.flat(), ...variables.flat()]);
  const places = [...edges].filter((at) => at >= 0 && at <= text.length).sort((one, other) => one - other);
  const within = (spans, at) => spans.some(([start, end]) => start <= at && at < end);
  return places.slice(0, -1).map((start, at) => ({
    text: text.slice(start, places[at + 1]),
    variable: within(variables, start),
    wrong: within(wrong, start),
    cut: start > 0 && cuts.includes(start),
  }));
}

const quoted = (text) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

/** A value as a template writes it: a number as it is, anything else as a text. */
export const literal = (text, kind) => (kind === "number" && /^\s*-?\d+(\.\d+)?\s*$/.test(text) ? text.trim() : quoted(text));

/** `{{ user.name | default('there') | title }}`; each filter has its arguments as they are `given`. */
export function expression(name, fallback, filters) {
  const written = filters.map((one) => (one.given.length ? `${one.name}(${one.given.join(", ")})` : one.name));
  return `{{ ${[name, ...(fallback === "" ? [] : [`default(${quoted(fallback)})`]), ...written].join(" | ")} }}`;
}

const only = (test, then, otherwise) => `{% if ${test} %}${then}${otherwise ? `{% else %}${otherwise}` : ""}{% endif %}`;
const SIGNS = { is: "==", not: "!=", over: ">", under: "<" };

/** A part of a text for those of whom something is true, and what the others read. */
export const condition = (name, kind, test, value, then, otherwise) =>
  only(test === "known" ? `${name} is defined` : `${name} is defined and ${name} ${SIGNS[test]} ${literal(value, kind)}`, then, otherwise);

/** The same of a variable that is true or false. */
export const whether = (name, wanted, then, otherwise) => only(`${name} is defined and ${wanted ? "" : "not "}${name}`, then, otherwise);

const base = (tag) => tag.split("-")[0];

/** How many devices read each of the languages that are spoken ("" is the default one), and who lacks which. */
export function readers(languages, standard, coverage) {
  const spoken = new Set(languages);
  const forms = new Set([standard, base(standard)]);
  const read = new Map();
  const lacking = new Map();
  for (const { chain, devices } of coverage?.rows ?? []) {
    const first = chain.find((one) => spoken.has(one) || forms.has(one));
    const tag = spoken.has(first) ? first : "";
    read.set(tag, (read.get(tag) ?? 0) + devices);
    const wanted = chain.length ? base(chain[0]) : "";
    if (!tag && wanted && wanted !== base(standard)) lacking.set(wanted, (lacking.get(wanted) ?? 0) + devices);
  }
  return { read, lacking: [...lacking].sort((one, other) => other[1] - one[1]), of: coverage?.devices ?? 0 };
}
