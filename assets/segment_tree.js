/* What can be done to a tree of rules, without a screen. Trees are never changed: each step gives a new one. */

let made = 0;
export const newId = () => `n${Date.now().toString(36)}${Math.random().toString(36).slice(2, 8)}${made++}`;

export const isGroup = (node) => Array.isArray(node?.rules);

/** The tree with an id on every rule and group: what the server finds wrong is told by id, wherever it moves meanwhile. */
export const withIds = (node, fresh = false) => ({
  ...node,
  id: (!fresh && node.id) || newId(),
  ...(isGroup(node) ? { rules: node.rules.map((one) => withIds(one, fresh)) } : {}),
});

/** The tree as it is saved: without what only this page needs. */
export const bare = (node) =>
  isGroup(node)
    ? {
        combinator: node.combinator === "or" ? "or" : "and",
        not: Boolean(node.not),
        ...(node.any_device ? { any_device: true } : {}),
        rules: node.rules.map(bare),
      }
    : { field: node.field, operator: node.operator, value: node.value ?? null };

/** The same with ids, as the server is asked about it. */
export const told = (node) => ({ ...bare(node), id: node.id, ...(isGroup(node) ? { rules: node.rules.map(told) } : {}) });

export const at = (tree, path) => path.reduce((node, index) => node?.rules?.[index], tree);

export const pathOf = (tree, id, path = []) => {
  if (tree.id === id) return path;
  for (const [index, child] of (tree.rules ?? []).entries()) {
    const found = pathOf(child, id, [...path, index]);
    if (found) return found;
  }
  return null;
};

const changed = (tree, path, change) => {
  if (!path.length) return change(tree);
  const [index, ...rest] = path;
  return { ...tree, rules: tree.rules.map((one, place) => (place === index ? changed(one, rest, change) : one)) };
};

export const patch = (tree, path, values) => changed(tree, path, (node) => ({ ...node, ...values }));

export const insert = (tree, parent, index, node) =>
  changed(tree, parent, (group) => ({ ...group, rules: [...group.rules.slice(0, index), node, ...group.rules.slice(index)] }));

export const remove = (tree, path) => {
  const index = path.at(-1);
  return changed(tree, path.slice(0, -1), (group) => ({ ...group, rules: group.rules.filter((_, place) => place !== index) }));
};

/** How many rules there are. */
export const size = (node) => (isGroup(node) ? node.rules.reduce((sum, one) => sum + size(one), 0) : 1);

/** How many groups deep it goes: a group of rules is 1. */
export const depth = (node) => (isGroup(node) ? 1 + Math.max(0, ...node.rules.map(depth)) : 0);

/** One step up or down: into a neighbouring group that has room, past a rule, or out of its own group. */
export const step = (tree, path, up, deepest) => {
  if (!path.length) return tree;
  const [parent, index] = [path.slice(0, -1), path.at(-1)];
  const [node, group] = [at(tree, path), at(tree, parent)];
  const beside = group.rules[up ? index - 1 : index + 1];
  const without = remove(tree, path);
  if (!beside) return parent.length ? insert(without, parent.slice(0, -1), parent.at(-1) + (up ? 0 : 1), node) : tree;
  if (isGroup(beside) && parent.length + 2 + depth(node) <= deepest) {
    const inside = [...parent, up ? index - 1 : index];
    return insert(without, inside, up ? beside.rules.length : 0, node);
  }
  return insert(without, parent, up ? index - 1 : index + 1, node);
};

/* Fields, operators and values */

const NAMED = { attr: "attribute", event: "event", category: "category" };
const HEADINGS = { attribute: "Attributes", event: "Events", category: "Categories" };

/** What is known of a field; one that the app has never told of is taken at its word. */
export const fieldOf = (name, index) => {
  if (index.has(name)) return index.get(name);
  const [head, ...rest] = String(name ?? "").split(".");
  const kind = rest.length && NAMED[head];
  const attribute = kind === "attribute";
  return { name: name ?? "", label: rest.join(".") || name || "", kinds: kind && !attribute ? [kind] : [], attribute, options: [], examples: [], properties: [], group: HEADINGS[kind] ?? "" };
};

export const KINDS = ["text", "number", "boolean", "date", "list"];

const firstOf = (value) => (Array.isArray(value) ? value[0] : value);

/** How a rule compares. Attributes have no type of their own: operator and value say it. */
export const kindOf = (rule, field) => {
  if (!field.attribute) return field.kinds[0] ?? "";
  const { operator, value } = rule;
  if (operator === "includes" || operator === "notIncludes") return "list";
  if (["before", "after", "withinDays", "notWithinDays"].includes(operator)) return "date";
  if (["<", "<=", ">", ">="].includes(operator)) return "number";
  if (operator === "between") return typeof firstOf(value) === "string" || (typeof firstOf(value) !== "number" && field.kinds[0] === "date") ? "date" : "number";
  if (typeof value === "boolean") return "boolean";
  if (typeof value === "number") return "number";
  if (value === null && ["=", "!="].includes(operator) && field.kinds[0] === "number") return "number";
  return "text";
};

/** The operators to choose from, under headings: an attribute's own kind first, the others after it. */
export const operatorsOf = (field, operators, heads) => {
  if (!field.attribute) return field.kinds[0] ? [{ kind: field.kinds[0], label: "", options: operators[field.kinds[0]] ?? [] }] : [];
  const kinds = [...field.kinds, ...KINDS.filter((kind) => !field.kinds.includes(kind))];
  return kinds.map((kind, place) => ({
    kind,
    label: heads[kind],
    options: place === 0 && kind !== "text" ? [...operators[kind], ...operators.known] : operators[kind],
  }));
};

const text = (value) => {
  const first = firstOf(value);
  return typeof first === "string" ? first : typeof first === "number" ? String(first) : null;
};

const number = (value) => {
  const first = firstOf(value);
  if (typeof first === "number") return first;
  return typeof first === "string" && first.trim() !== "" && Number.isFinite(Number(first)) ? Number(first) : null;
};

const day = (value) => (typeof firstOf(value) === "string" && /^\d{4}-\d\d-\d\d/.test(firstOf(value)) ? firstOf(value) : null);
const object = (value) => (value && typeof value === "object" && !Array.isArray(value) ? value : {});
const pair = (value, read) => (Array.isArray(value) ? [read(value[0]), read(value[1])] : [read(value), null]);

const EVENT = {
  notDone: ({ days = null, where }) => ({ days, where }),
  sumAtLeast: ({ amount = null, property = "value", days = 30, where }) => ({ amount, property, days, where }),
  count: ({ times = 1, days = 30, where }) => ({ times, days, where }),
};
const MADE = {
  number: (operator, value) => (operator === "between" ? pair(value, number) : number(value)),
  boolean: (_, value) => (typeof value === "boolean" ? value : true),
  date: (operator, value) =>
    operator === "between" ? pair(value, day) : operator.endsWith("Days") ? (number(value) ?? 30) : day(value),
  list: (_, value) => (typeof firstOf(value) === "number" ? firstOf(value) : text(value)),
  event: (operator, value) => filled((EVENT[operator] ?? EVENT.count)(object(value))),
  push: (_, value) => ({ campaign: "any", ...object(value) }),
  category: (_, value) => (value === "opted_out" ? value : "opted_in"),
  segment: (_, value) => (Array.isArray(value) ? value : []),
  members: (_, value) => (Array.isArray(value) ? value : []),
  sample: (_, value) => number(value) ?? 10,
  place: (_, value) => ({ lat: null, lon: null, km: 10, ...object(value) }),
};

/* What may be left out is left out; a needed number that is not there yet stays, so that it is asked for. */
const filled = ({ days, where, ...rest }) => ({
  ...rest,
  ...(days === null || days === undefined ? {} : { days }),
  ...(where && Object.keys(where).length ? { where } : {}),
});

/** The value that fits a kind and an operator, made of the old one where that is possible. */
export const valueFor = (kind, operator, old) => {
  if (operator === "null" || operator === "notNull") return null;
  if (MADE[kind]) return MADE[kind](operator, old);
  if (operator === "in" || operator === "notIn") {
    return Array.isArray(old) ? old.filter((one) => typeof one === "string") : text(old) ? [text(old)] : [];
  }
  return operator === "between" ? pair(old, text) : text(old);
};

/** The rule after another field was chosen: operator and value stay where they still make sense. */
export const refield = (rule, field, before, operators) => {
  const kind = field.attribute ? (field.kinds[0] ?? "text") : (field.kinds[0] ?? "");
  const same = before.name && kindOf(rule, before) === kind && !field.options.length && !before.options.length;
  const operator = same ? rule.operator : (operators[kind]?.[0]?.value ?? "=");
  return { field: field.name, operator, value: valueFor(kind, operator, same ? rule.value : field.options[0]?.value ?? null) };
};

/* Undo and redo: what is typed in one go into one place is one step. */

const TOGETHER = 900;
const MOST = 200;

export const remember = (history, tree, tag, now) => {
  const joined = tag && tag === history.tag && now - history.when < TOGETHER;
  const past = joined ? history.past : [...history.past, history.present].slice(-MOST);
  return { past, present: tree, future: [], tag, when: now };
};

export const undo = ({ past, present, future }) =>
  past.length ? { past: past.slice(0, -1), present: past.at(-1), future: [present, ...future], tag: "", when: 0 } : null;

export const redo = ({ past, present, future }) =>
  future.length ? { past: [...past, present], present: future[0], future: future.slice(1), tag: "", when: 0 } : null;
