/* Choosing from many: the field of a rule, values that people have, and several of them as chips. */
import { Popover } from "@radix-ui/themes";
import { Activity, Check, ChevronsUpDown, Filter, FlaskConical, Layers, Plus, Search, Send, Smartphone, Tag, User, X } from "lucide-react";
import { useEffect, useId, useMemo, useRef, useState } from "react";

const SIGNS = { Profile: User, Attributes: Tag, Devices: Smartphone, Events: Activity, Pushes: Send, Categories: Layers, "Segments and lists": Filter, Sample: FlaskConical };

export function Sign({ group, size = 14 }) {
  const Icon = SIGNS[group] ?? Tag;
  return <Icon size={size} aria-hidden="true" />;
}

const plain = (text) => String(text).toLowerCase().replaceAll("_", " ");
const fits = (text, asked) => plain(text).includes(asked);

/* Names of attributes and events that the app has not told yet may be typed. */
const typed = (asked, known) =>
  [["attr", "Attribute", "Attributes"], ["event", "Event", "Events"]]
    .map(([head, word, group]) => ({ name: `${head}.${asked}`, label: asked, group, own: word }))
    .filter((one) => asked && asked.length <= 120 && !known.has(one.name));

function matches(groups, asked) {
  const wanted = plain(asked.trim());
  const found = groups.flatMap((group) =>
    group.fields
      .filter((field) => fits(field.label, wanted) || fits(field.name, wanted) || fits(group.label, wanted))
      .map((field) => ({ ...field, group: group.label }))
  );
  const begins = (field) => (plain(field.label).startsWith(wanted) ? 0 : 1);
  return wanted ? found.toSorted((one, other) => begins(one) - begins(other)) : found;
}

/** Moves through a list with the keyboard; `choose` takes the row at the cursor. */
function useCursor(rows, choose) {
  const [cursor, setCursor] = useState(0);
  const place = Math.min(cursor, Math.max(0, rows.length - 1));
  const onKeyDown = (event) => {
    const move = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (move && !event.altKey) {
      event.preventDefault();
      setCursor(Math.max(0, Math.min(rows.length - 1, place + move)));
    } else if (event.key === "Enter" && !event.altKey && rows[place]) {
      event.preventDefault();
      choose(rows[place]);
    }
  };
  return { cursor: place, setCursor, onKeyDown };
}

function useInSight(cursor) {
  const list = useRef(null);
  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [cursor]);
  return list;
}

export function FieldChooser({ field, groups, known, onChoose, disabled, invalid }) {
  const [open, setOpen] = useState(false);
  const chosen = useRef(false);
  const done = (name) => {
    chosen.current = true;
    setOpen(false);
    onChoose(name);
  };
  /* After a choice the keyboard goes on in the rule; after Escape back to this button. */
  const leave = (event) => {
    if (chosen.current) event.preventDefault();
    chosen.current = false;
  };
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger>
        <button type="button" className="input sb-field" data-part="field" data-empty={!field.name} aria-invalid={invalid} disabled={disabled}
          aria-label={field.name ? `What: ${field.label}` : "Choose what to look at"}>
          {field.name ? <Sign group={field.group} /> : <Search size={14} aria-hidden="true" />}
          <span className="truncate">{field.name ? field.label : "Choose what to look at"}</span>
          <ChevronsUpDown size={14} aria-hidden="true" className="sb-caret" />
        </button>
      </Popover.Trigger>
      <Popover.Content className="sb-pop" align="start" sideOffset={4} onCloseAutoFocus={leave} onKeyDown={(event) => event.stopPropagation()}>
        {open && <FieldList current={field.name} groups={groups} known={known} onChoose={done} />}
      </Popover.Content>
    </Popover.Root>
  );
}

function FieldList({ current, groups, known, onChoose }) {
  const [asked, setAsked] = useState("");
  const id = useId();
  const rows = useMemo(() => [...matches(groups, asked), ...typed(asked.trim(), known)], [groups, known, asked]);
  const { cursor, setCursor, onKeyDown } = useCursor(rows, (row) => onChoose(row.name));
  const list = useInSight(cursor);
  return (
    <>
      <input className="sb-search" placeholder="Search, or name an attribute or event" aria-label="Search what to look at" role="combobox"
        aria-expanded="true" aria-controls={id} aria-activedescendant={rows[cursor] && `${id}-${cursor}`} value={asked} autoFocus autoComplete="off"
        onChange={(event) => { setAsked(event.target.value); setCursor(0); }} onKeyDown={onKeyDown} />
      <div className="sb-options" role="listbox" id={id} ref={list} aria-label="What to look at">
        {rows.map((row, place) => (
          <FieldRow key={row.name} row={row} id={`${id}-${place}`} head={!asked && row.group !== rows[place - 1]?.group} chosen={row.name === current}
            selected={place === cursor} onChoose={onChoose} onPoint={() => setCursor(place)} showGroup={Boolean(asked)} />
        ))}
        {!rows.length && <div className="sb-none">Nothing is called that.</div>}
      </div>
    </>
  );
}

function FieldRow({ row, id, head, chosen, selected, onChoose, onPoint, showGroup }) {
  return (
    <>
      {head && <div className="sb-group-label" role="presentation">{row.group}</div>}
      <div role="option" id={id} aria-selected={selected} className="sb-option" onPointerMove={onPoint} onClick={() => onChoose(row.name)}>
        {row.own ? <Plus size={14} aria-hidden="true" /> : <Sign group={row.group} />}
        <span className="truncate">{row.own ? `${row.own} “${row.label}”` : row.label}</span>
        {row.hint && !showGroup && <span className="sb-hint">{row.hint}</span>}
        {showGroup && !row.own && <span className="sb-hint">{row.group}</span>}
        {chosen && <Check size={14} aria-hidden="true" className="sb-chosen" />}
      </div>
    </>
  );
}

/** Real values while one types: those known already, and what the server finds. */
export function useSuggestions(field, asked, open, context, examples, words) {
  const { ask, suggestions } = context;
  useEffect(() => {
    if (!open || !field) return undefined;
    const timer = setTimeout(() => ask({ field, start: asked ?? "" }), asked ? 160 : 0);
    return () => clearTimeout(timer);
  }, [open, field, asked, ask]);
  const found = field && suggestions?.field === field ? suggestions.values : [];
  const wanted = String(asked ?? "").toLowerCase();
  return [...new Set([...found, ...examples])].filter((one) => (words?.get(one) ?? one).toLowerCase().includes(wanted)).slice(0, 50);
}

export function SuggestInput({ value, onChange, field, examples = [], context, label, part = "value", placeholder, disabled, invalid, onEnter, onLeave, onBackspace, onPaste, className = "input", words }) {
  const [open, setOpen] = useState(false);
  const [moved, setMoved] = useState(false);
  const id = useId();
  const found = useSuggestions(field, value, open, context, examples, words);
  const rows = found.filter((one) => one !== value).map((one) => ({ value: one, label: words?.get(one) ?? one }));
  const take = (row) => {
    setOpen(false);
    setMoved(false);
    (onEnter ?? onChange)(row.value);
  };
  const { cursor, setCursor, onKeyDown } = useCursor(rows, take);
  const list = useInSight(cursor);
  const shown = open && rows.length > 0;
  const leave = (event) => {
    if (event.currentTarget.contains(event.relatedTarget)) return;
    setOpen(false);
    onLeave?.(value);
  };
  const key = (event) => {
    if (event.key === "Escape" && shown) {
      event.preventDefault();
      event.stopPropagation();
      setOpen(false);
    } else if (event.key === "Enter" && onEnter && !(shown && moved)) {
      event.preventDefault();
      onEnter(value);
    } else if (event.key === "Backspace" && !value && onBackspace) {
      onBackspace();
    } else if (shown && (moved || event.key !== "Enter")) {
      if (event.key === "ArrowDown" && !moved) {
        event.preventDefault();
        setMoved(true);
        setCursor(0);
      } else if (event.key.startsWith("Arrow") || event.key === "Enter") onKeyDown(event);
    } else if (event.key === "ArrowDown" && !event.altKey) setOpen(true);
  };
  return (
    <span className="sb-suggest" onBlur={leave}>
      <input className={className} data-part={part} aria-label={label} placeholder={placeholder} value={value ?? ""} disabled={disabled} aria-invalid={invalid}
        role="combobox" aria-expanded={shown} aria-controls={id} aria-activedescendant={shown && moved ? `${id}-${cursor}` : undefined} autoComplete="off"
        onPaste={onPaste} onFocus={() => setOpen(true)} onClick={() => setOpen(true)} onKeyDown={key}
        onChange={(event) => { setOpen(true); setMoved(false); onChange(event.target.value); }} />
      {shown && (
        <div className="sb-options sb-drop" role="listbox" id={id} ref={list} aria-label="Values seen">
          {rows.map((row, place) => (
            <div key={row.value} role="option" id={`${id}-${place}`} aria-selected={moved && place === cursor} className="sb-option"
              onPointerMove={() => { setMoved(true); setCursor(place); }} onPointerDown={(event) => event.preventDefault()} onClick={() => take(row)}>
              <span className="truncate">{row.label}</span>
              {row.label !== row.value && <span className="sb-hint">{row.value}</span>}
            </div>
          ))}
        </div>
      )}
    </span>
  );
}

/** What had the keyboard goes away: it goes on at the last of these in the same rule. */
export const goOn = (event, parts) => {
  const rule = event.currentTarget.closest("[data-node]");
  requestAnimationFrame(() => [...(rule?.querySelectorAll(parts) ?? [])].at(-1)?.focus());
};

/** Several texts as chips: Enter, a comma or leaving the field adds one, a pasted column adds all, Backspace takes the last away. */
export function Chips({ value, onChange, field, examples, context, label, disabled, invalid, words, only }) {
  const [entry, setEntry] = useState("");
  const values = Array.isArray(value) ? value : [];
  const add = (given) => {
    const fresh = String(given ?? "").split(/[,;\n\t]/).map((one) => one.trim()).filter(Boolean);
    const taken = only ? fresh.map((one) => named(only, one)).filter(Boolean) : fresh;
    setEntry("");
    if (taken.length) onChange([...new Set([...values, ...taken])]);
  };
  const drop = (event, one) => {
    goOn(event, ".sb-bare");
    onChange(values.filter((other) => other !== one));
  };
  const paste = (event) => {
    const given = event.clipboardData.getData("text");
    if (!/[\n\t,;]/.test(given)) return;
    event.preventDefault();
    add(given);
  };
  return (
    <span className="input sb-chips" aria-invalid={invalid} data-disabled={disabled}>
      {values.map((one) => (
        <span key={one} className="sb-chip">
          <span className="truncate">{words?.get(one) ?? one}</span>
          {!disabled && (
            <button type="button" aria-label={`Remove ${words?.get(one) ?? one}`} onClick={(event) => drop(event, one)}>
              <X size={12} aria-hidden="true" />
            </button>
          )}
        </span>
      ))}
      {!disabled && (
        <SuggestInput className="sb-bare" value={entry} label={label} field={only ? "" : field} context={context} words={words}
          examples={(only ? only.map((one) => one.value) : examples).filter((one) => !values.includes(one))} placeholder={values.length ? "" : "Add values"}
          onChange={(now) => (/[,;\n\t]/.test(now) ? add(now) : setEntry(now))} onEnter={add} onLeave={(now) => now && add(now)} onPaste={paste} onBackspace={() => onChange(values.slice(0, -1))} />
      )}
    </span>
  );
}

const named = (options, asked) => options.find((one) => one.value === asked || one.label.toLowerCase() === asked.toLowerCase())?.value;
