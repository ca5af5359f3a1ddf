/* The segment builder: react-querybuilder's tree with our own fields, values, keyboard and undo. */
import { DropdownMenu } from "@radix-ui/themes";
import { QueryBuilderDnD } from "@react-querybuilder/dnd";
import { createReactDnDAdapter } from "@react-querybuilder/dnd/react-dnd";
import { ArrowDown, ArrowUp, CircleAlert, CopyPlus, Ellipsis, FolderPlus, GripVertical, Info, Plus, Redo2, Trash2, TriangleAlert, Undo2, X } from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import * as ReactDnD from "react-dnd";
import * as ReactDndHtml5Backend from "react-dnd-html5-backend";
import { QueryBuilder, RuleGroupBodyComponents, useRule, useRuleGroup } from "react-querybuilder";
import { FieldChooser } from "./segment_combo.jsx";
import { RuleValue } from "./segment_editors.jsx";
import * as tree from "./segment_tree.js";

const dnd = createReactDnDAdapter({ ...ReactDnD, ...ReactDndHtml5Backend });
const HEADS = { text: "As text", number: "As a number", boolean: "As true or false", date: "As a date", list: "As a list" };
const COMBINATORS = [{ name: "and", value: "and", label: "and" }, { name: "or", value: "or", label: "or" }];
const PAUSE = 300;

const dragged = ({ isDragging, isOver, dropNotAllowed }) => ({ "data-dragging": isDragging, "data-over": isOver, "data-refused": dropNotAllowed });

function RuleRow(props) {
  const rule = useRule(props);
  const { api, known, operators, readOnly } = rule.context;
  const node = rule.rule;
  const field = tree.fieldOf(node.field, known);
  const kind = tree.kindOf(node, field);
  const mark = rule.context.marks.get(node.id);
  const set = (values, tag) => api.set(rule.path, values, tag);
  return (
    <div ref={rule.dndRef} className="sb-rule" {...dragged(rule)} data-node={node.id} data-path={JSON.stringify(rule.path)} data-tone={mark?.tone} role="group" aria-label={`Rule ${rule.path.map((one) => one + 1).join(".")}`}>
      <Handle dragRef={rule.dragRef} label="Move this rule" readOnly={readOnly} onMove={(up) => api.move(rule.path, up)} />
      <div className="sb-controls">
        <FieldChooser field={field} groups={rule.context.groups} known={known} disabled={readOnly} invalid={mark?.tone === "red"}
          onChoose={(name) => api.choose(rule.path, name)} />
        {field.name && <Operator node={node} field={field} kind={kind} operators={operators} readOnly={readOnly} onChange={(values) => set(values)} />}
        {field.name && (
          <div className="sb-value">
            <RuleValue kind={kind} operator={node.operator} value={node.value} field={field} context={rule.context} disabled={readOnly} invalid={mark?.tone === "red"}
              onChange={(value) => set({ value }, `${node.id}-value`)} />
          </div>
        )}
        {mark && <Mark mark={mark} />}
      </div>
      {!readOnly && <Actions what="rule" path={rule.path} api={api} />}
    </div>
  );
}

function Operator({ node, field, kind, operators, readOnly, onChange }) {
  const heads = tree.operatorsOf(field, operators, HEADS);
  const all = heads.flatMap((head) => head.options.map((one) => ({ ...one, key: `${head.kind}|${one.value}` })));
  const current = all.find((one) => one.key === `${kind}|${node.operator}`) ?? all.find((one) => one.value === node.operator);
  if (all.length === 1 && current) return <span className="sb-said">{current.label}</span>;
  const choose = (key) => {
    const [as, operator] = key.split("|");
    onChange({ operator, value: tree.valueFor(as, operator, node.value) });
  };
  const options = (head) => head.options.map((one) => <option key={one.value} value={`${head.kind}|${one.value}`}>{one.label}</option>);
  return (
    <select className="input sb-operator" data-part="operator" aria-label="How" value={current?.key ?? ""} disabled={readOnly} onChange={(event) => choose(event.target.value)}>
      {!current && <option value="">{node.operator}</option>}
      {heads.map((head, place) => (place === 0 ? options(head) : <optgroup key={head.kind} label={head.label}>{options(head)}</optgroup>))}
    </select>
  );
}

function Mark({ mark }) {
  const Icon = { red: CircleAlert, amber: TriangleAlert }[mark.tone] ?? Info;
  return (
    <div className="sb-mark" data-tone={mark.tone} role={mark.tone === "red" ? "alert" : "note"}>
      <Icon size={12} aria-hidden="true" />
      {mark.text}
    </div>
  );
}

function Handle({ dragRef, label, readOnly, onMove }) {
  if (readOnly) return <span className="sb-handle" ref={dragRef} />;
  const key = (event) => {
    if (event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    onMove(event.key === "ArrowUp");
  };
  return (
    <button type="button" ref={dragRef} className="sb-handle" data-part="handle" aria-label={`${label}: drag, or use the arrow keys`} title="Drag, or use the arrow keys" onKeyDown={key}>
      <GripVertical size={14} aria-hidden="true" />
    </button>
  );
}

/* A menu is gone only when it has faded out: a keyboard that has moved on by then is not called back to its button. */
const isElsewhere = (api) => api.pending() || document.activeElement !== document.body;

function Actions({ what, path, api }) {
  const item = (Icon, word, keys, run, { color, possible = true } = {}) => (
    <DropdownMenu.Item onSelect={run} shortcut={keys} color={color} disabled={!possible}><Icon size={14} aria-hidden="true" />{word}</DropdownMenu.Item>
  );
  return (
    <div className="sb-actions">
      <DropdownMenu.Root>
        <DropdownMenu.Trigger>
          <button type="button" className="icon-button" data-part="more" aria-label={`More for this ${what}`} title="More"><Ellipsis size={14} aria-hidden="true" /></button>
        </DropdownMenu.Trigger>
        <DropdownMenu.Content variant="soft" align="end" className="menu" onCloseAutoFocus={(event) => isElsewhere(api) && event.preventDefault()}>
          {item(CopyPlus, "Duplicate", "Ctrl D", () => api.duplicate(path))}
          {item(ArrowUp, "Move up", "Alt ↑", () => api.move(path, true), { possible: api.movable(path, true) })}
          {item(ArrowDown, "Move down", "Alt ↓", () => api.move(path, false), { possible: api.movable(path, false) })}
          {what === "rule" && item(FolderPlus, "Put into a group", "", () => api.wrap(path))}
          <DropdownMenu.Separator />
          {item(Trash2, `Delete ${what}`, "Alt ⌫", () => api.remove(path), { color: "red" })}
        </DropdownMenu.Content>
      </DropdownMenu.Root>
      <button type="button" className="icon-button" aria-label={`Delete this ${what}`} title="Delete" onClick={() => api.remove(path)}><X size={14} aria-hidden="true" /></button>
    </div>
  );
}

function GroupBox(props) {
  const group = useRuleGroup(props);
  const { api, limits, readOnly, marks } = group.context;
  const node = group.ruleGroup;
  const level = group.path.length + 1;
  const mark = marks.get(node.id);
  return (
    <div ref={group.previewRef} className="sb-group" data-dragging={group.isDragging} data-node={node.id} data-path={JSON.stringify(group.path)} data-not={Boolean(node.not)} data-root={level === 1}
      data-odd={level % 2 === 1} role="group" aria-label={level === 1 ? "Rules" : `Group ${group.path.map((one) => one + 1).join(".")}`}>
      <div ref={group.dropRef} className="sb-head" data-over={group.isOver} data-refused={group.dropNotAllowed}>
        {level > 1 && <Handle dragRef={group.dragRef} label="Move this group" readOnly={readOnly} onMove={(up) => api.move(group.path, up)} />}
        <div className="sb-logic">
          <GroupLogic node={node} path={group.path} api={api} readOnly={readOnly} />
          {level >= limits.depth - 1 && <span className="sb-hint">Level {level} of {limits.depth}</span>}
        </div>
        {level > 1 && !readOnly && <Actions what="group" path={group.path} api={api} />}
      </div>
      {mark && <Mark mark={mark} />}
      <div className="sb-body">
        <RuleGroupBodyComponents {...group} />
        {!node.rules.length && <div className="sb-empty">{node.combinator === "or" ? "Nobody: an empty group of “any” is true for no one." : "Everyone: no rule narrows this down."}</div>}
        {!readOnly && <AddRow node={node} path={group.path} level={level} api={api} limits={limits} total={group.context.total} />}
      </div>
    </div>
  );
}

function GroupLogic({ node, path, api, readOnly }) {
  const set = (values) => api.set(path, values);
  const way = (value, word) => (
    <button type="button" aria-pressed={node.combinator === value} data-part={`combinator-${value}`} disabled={readOnly} onClick={() => set({ combinator: value })}>{word}</button>
  );
  return (
    <>
      <button type="button" className="chip sb-not" data-part="not" aria-pressed={Boolean(node.not)} disabled={readOnly} title="Turn it round: people for whom this is not so" onClick={() => set({ not: !node.not })}>Not</button>
      <span className="segmented" role="group" aria-label="All or any">{way("and", "All")}{way("or", "Any")}</span>
      <span className="muted sb-small hide-phone">{node.combinator === "or" ? "one of these is enough" : "of these must be true"}</span>
      <button type="button" className="chip" data-part="any-device" aria-pressed={Boolean(node.any_device)} disabled={readOnly}
        title="Device rules in here look at all devices of the person. Without this they look at the device that gets the push." onClick={() => set({ any_device: !node.any_device })}>
        Any of their devices
      </button>
    </>
  );
}

function AddRow({ node, path, level, api, limits, total }) {
  const full = total >= limits.rules;
  const deep = level >= limits.depth;
  const why = full ? `A segment has at most ${limits.rules} rules` : deep ? `Groups go at most ${limits.depth} deep` : undefined;
  return (
    <div className="sb-adds">
      <button type="button" className="sb-add" data-part="add-rule" disabled={full} title={full ? why : undefined} onClick={() => api.add(path, node.rules.length)}><Plus size={14} aria-hidden="true" />Rule</button>
      <button type="button" className="sb-add" data-part="add-group" disabled={full || deep} title={why} onClick={() => api.addGroup(path, node.rules.length)}><FolderPlus size={14} aria-hidden="true" />Group</button>
      {level === 1 && total >= limits.rules * 0.8 && <span className="sb-hint">{total} of {limits.rules} rules</span>}
    </div>
  );
}

function Join({ value, handleOnChange, context }) {
  return (
    <button type="button" className="sb-join" tabIndex={-1} disabled={context.readOnly} title={value === "or" ? "Any of these: click for all" : "All of these: click for any"} onClick={() => handleOnChange(value === "or" ? "and" : "or")}>{value}</button>
  );
}

/* Constant: new objects would make React mount the inputs anew with each key. */
const CONTROLS = { rule: RuleRow, ruleGroup: GroupBox, combinatorSelector: Join };
const CLASSES = { queryBuilder: "sb-tree" };
const NO_TITLE = () => undefined;

const blank = () => ({ id: tree.newId(), field: "", operator: "=", value: null });

function useTree(given) {
  const [history, setHistory] = useState(() => ({ past: [], present: tree.withIds(given), future: [], tag: "", when: 0 }));
  const latest = useRef(history);
  latest.current = history;
  const take = useCallback((next) => {
    if (!next) return;
    latest.current = next;
    setHistory(next);
  }, []);
  const commit = useCallback((next, tag = "") => {
    if (next !== latest.current.present) take(tree.remember(latest.current, next, tag, Date.now()));
  }, [take]);
  return { history, latest, commit, take };
}

/* What can be done, with the place where the keyboard goes on. */
function useVerbs({ latest, commit, take, limits, known, operators, focus }) {
  return useMemo(() => {
    const now = () => latest.current.present;
    const room = (more, extra = 0) => tree.size(now()) + more <= limits.rules && tree.depth(now()) + extra <= limits.depth + 1;
    const keep = (next) => (tree.size(next) <= limits.rules && tree.depth(next) <= limits.depth ? commit(next) : undefined);
    const add = (parent, index, node, part) => {
      if (!room(node.rules ? 0 : 1)) return;
      focus.current = { id: node.id, part };
      keep(tree.insert(now(), parent, index, node));
    };
    return {
      pending: () => Boolean(focus.current),
      set: (path, values, tag) => commit(tree.patch(now(), path, values), tag),
      choose: (path, name) => {
        const rule = tree.at(now(), path);
        focus.current = { id: rule.id, part: rule.field ? "field" : "value" };
        commit(tree.patch(now(), path, tree.refield(rule, tree.fieldOf(name, known), tree.fieldOf(rule.field, known), operators)));
      },
      add: (parent, index) => add(parent, index, blank(), "field"),
      addGroup: (parent, index) => {
        const first = blank();
        if (parent.length + 2 > limits.depth || !room(1)) return;
        focus.current = { id: first.id, part: "field" };
        keep(tree.insert(now(), parent, index, { id: tree.newId(), combinator: tree.at(now(), parent).combinator === "and" ? "or" : "and", not: false, rules: [first] }));
      },
      wrap: (path) => {
        const node = tree.at(now(), path);
        focus.current = { id: node.id, part: "field" };
        keep(tree.insert(tree.remove(now(), path), path.slice(0, -1), path.at(-1), { id: tree.newId(), combinator: "or", not: false, rules: [node] }));
      },
      duplicate: (path) => {
        if (!path.length) return;
        const copy = tree.withIds(tree.at(now(), path), true);
        focus.current = { id: copy.id, part: copy.rules ? "combinator-and" : "field" };
        keep(tree.insert(now(), path.slice(0, -1), path.at(-1) + 1, copy));
      },
      remove: (path) => {
        if (!path.length) return;
        const parent = tree.at(now(), path.slice(0, -1));
        const beside = parent.rules[path.at(-1) + 1] ?? parent.rules[path.at(-1) - 1];
        focus.current = beside ? { id: beside.id, part: beside.rules ? "combinator-and" : "field" } : { id: parent.id, part: "add-rule" };
        commit(tree.remove(now(), path));
      },
      movable: (path, up) => tree.step(now(), path, up, limits.depth) !== now(),
      move: (path, up, part = "handle") => {
        if (!path.length) return;
        focus.current = { id: tree.at(now(), path).id, part };
        commit(tree.step(now(), path, up, limits.depth));
      },
      undo: () => take(tree.undo(latest.current)),
      redo: () => take(tree.redo(latest.current)),
    };
  }, [latest, commit, take, limits, known, operators, focus]);
}

/* After a step the keyboard goes on where the eye is: at the new rule, or with the one that was moved. */
function useFocus(root, focus, present) {
  useEffect(() => {
    const wanted = focus.current;
    if (!wanted) return;
    focus.current = null;
    const node = root.current?.querySelector(`[data-node="${wanted.id}"]`);
    const own = (part) => [...(node?.querySelectorAll(`[data-part="${part}"]`) ?? [])].find((one) => one.closest("[data-node]") === node);
    const value = wanted.part === "value" && node?.querySelector(".sb-value :is(input, select)");
    requestAnimationFrame(() => (value || own(wanted.part) || own("operator") || own("field") || own("add-rule"))?.focus());
  }, [present, root, focus]);
}

function shortcut(event, api, latest) {
  const command = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  if (command && !event.altKey && (key === "z" || key === "y")) return key === "y" || event.shiftKey ? api.redo : api.undo;
  const holder = event.target.closest?.("[data-node]");
  const path = holder && tree.pathOf(latest.current.present, holder.dataset.node);
  if (!path) return null;
  const group = tree.isGroup(tree.at(latest.current.present, path));
  const part = event.target.dataset?.part;
  if (command && key === "d" && path.length) return () => api.duplicate(path);
  if (!event.altKey || command) return null;
  if (event.key === "ArrowUp" || event.key === "ArrowDown") return () => api.move(path, event.key === "ArrowUp", part);
  if (event.key === "Backspace" || event.key === "Delete") return path.length ? () => api.remove(path) : null;
  if (event.key !== "Enter") return null;
  const [parent, index] = group ? [path, tree.at(latest.current.present, path).rules.length] : [path.slice(0, -1), path.at(-1) + 1];
  return event.shiftKey ? () => api.addGroup(parent, index) : () => api.add(parent, index);
}

/* Tells the server when typing pauses; `flush` tells it at once. */
function useTelling(present, onChange) {
  const send = useRef(onChange);
  send.current = onChange;
  const first = useRef(true);
  useEffect(() => {
    const timer = setTimeout(() => send.current?.(tree.told(present)), first.current ? 0 : PAUSE);
    first.current = false;
    return () => clearTimeout(timer);
  }, [present]);
  useEffect(() => {
    globalThis.tocsinRules = () => tree.told(present);
    return () => delete globalThis.tocsinRules;
  }, [present]);
}

/* Unsaved work outlives the page: it waits in this browser, and is offered when one comes back. */
const PREFIX = "tocsin-segment:";

const read = (key) => {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + key));
  } catch {
    return null;
  }
};

function useDraft(key, nameId, present, saved, dirty) {
  const field = () => document.getElementById(nameId);
  const [found, setFound] = useState(() => {
    const kept = key ? read(key) : null;
    return kept?.rules && JSON.stringify(kept.rules) !== JSON.stringify(tree.bare(saved)) ? kept : null;
  });
  const untouched = useRef(present);
  useEffect(() => {
    if (key && present !== untouched.current) {
      localStorage.setItem(PREFIX + key, JSON.stringify({ rules: tree.bare(present), name: field()?.value ?? "" }));
    }
  }, [key, present]);
  const was = useRef(dirty);
  useEffect(() => {
    if (key && was.current && !dirty) localStorage.removeItem(PREFIX + key);
    was.current = dirty;
  }, [key, dirty]);
  const forget = () => {
    localStorage.removeItem(PREFIX + key);
    setFound(null);
  };
  const take = () => {
    setFound(null);
    if (field() && found.name) field().value = found.name;
    return tree.withIds(found.rules);
  };
  return { found, forget, take };
}

export function SegmentBuilder({ rules, groups, operators, marks, suggestions, limits, draftKey = "", nameId = "", dirty = false, readOnly = false, onChange, onAsk }) {
  const root = useRef(null);
  const focus = useRef(null);
  const { history, latest, commit, take } = useTree(rules);
  const known = useMemo(() => new Map(groups.flatMap((group) => group.fields.map((field) => [field.name, { ...field, group: group.label }]))), [groups]);
  const api = useVerbs({ latest, commit, take, limits, known, operators, focus });
  const draft = useDraft(draftKey, nameId, history.present, rules, dirty);
  useTelling(history.present, onChange);
  useFocus(root, focus, history.present);
  const asking = useRef(onAsk);
  asking.current = onAsk;
  const ask = useCallback((asked) => asking.current?.(asked), []);
  const context = useMemo(
    () => ({ api, known, groups, operators, limits, readOnly, ask, suggestions, marks: new Map(marks.map((mark) => [mark.id, mark])), total: tree.size(history.present) }),
    [api, known, groups, operators, limits, readOnly, ask, suggestions, marks, history.present]
  );
  const onKeyDown = (event) => {
    const run = readOnly ? null : shortcut(event, api, latest);
    if (!run) return;
    event.preventDefault();
    run();
  };
  const dropped = useCallback((next) => commit(next), [commit]);
  const mayDrop = useCallback(({ dragging, hovering, groupItems }) => {
    const level = hovering.path.length + (hovering.rules && !groupItems ? 1 : 0);
    return level + tree.depth(dragging) <= limits.depth;
  }, [limits]);
  return (
    <div className="sb" ref={root} onKeyDown={onKeyDown}>
      {draft.found && !readOnly && (
        <div className="note sb-draft" role="status">
          <Info size={16} aria-hidden="true" />
          <span>You left changes here that were not saved.</span>
          <button type="button" className="chip" onClick={() => commit(draft.take())}>Bring them back</button>
          <button type="button" className="chip" onClick={draft.forget}>Discard</button>
        </div>
      )}
      <QueryBuilderDnD dnd={dnd} canDrop={mayDrop} controlElements={CONTROLS}>
        <QueryBuilder query={history.present} onQueryChange={dropped} enableMountQueryChange={false} fields={FIELDS} combinators={COMBINATORS}
          controlClassnames={CLASSES} suppressStandardClassnames showCombinatorsBetweenRules autoSelectField={false} resetOnFieldChange={false} idGenerator={tree.newId} context={context}
          accessibleDescriptionGenerator={NO_TITLE} disabled={readOnly} />
      </QueryBuilderDnD>
      {!readOnly && <Foot history={history} api={api} />}
    </div>
  );
}

const FIELDS = [];

function Foot({ history, api }) {
  const button = (Icon, word, keys, run, possible) => (
    <button type="button" className="icon-button" aria-label={word} title={`${word} (${keys})`} disabled={!possible} onClick={run}><Icon size={14} aria-hidden="true" /></button>
  );
  return (
    <div className="sb-foot">
      {button(Undo2, "Undo", "Ctrl Z", api.undo, history.past.length > 0)}
      {button(Redo2, "Redo", "Ctrl Shift Z", api.redo, history.future.length > 0)}
      <span className="sb-keys hide-phone"><kbd>Alt ↵</kbd> rule <kbd>Alt ⇧ ↵</kbd> group <kbd>Alt ↑↓</kbd> move <kbd>Ctrl D</kbd> duplicate</span>
    </div>
  );
}
