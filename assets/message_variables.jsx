/* Putting a person's data into a text: search, then how it is written (fallback, filters), or a part only for some. */
import { createContext, useContext, useId, useMemo, useState } from "react";
import { Button, Popover } from "@radix-ui/themes";
import { ArrowLeft, ChevronRight, Plus, X } from "lucide-react";
import { condition, expression, literal, whether } from "./message_words.js";

/** What there is to put in: `groups` of variables, and the `filters` that change how one is written. */
export const Menu = createContext({ groups: [], filters: [] });

const plain = (text) => String(text).toLowerCase().replaceAll("_", " ");

/** When a menu has closed the keyboard is in the field again, unless it has gone on meanwhile. */
export function goBack(event, field) {
  event.preventDefault();
  if (document.activeElement === document.body || event.currentTarget?.contains?.(document.activeElement)) field?.focus();
}

export function VariableMenu({ trigger, field, onInsert }) {
  const [open, setOpen] = useState(false);
  const put = (text) => {
    setOpen(false);
    requestAnimationFrame(() => onInsert(text));
  };
  const back = (event) => goBack(event, field.current);
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger>{trigger}</Popover.Trigger>
      <Popover.Content className="mf-pop" align="end" sideOffset={4} onCloseAutoFocus={back} onKeyDown={(event) => event.stopPropagation()}>
        {open && <Choosing onInsert={put} field={field} />}
      </Popover.Content>
    </Popover.Root>
  );
}

function Choosing({ onInsert, field }) {
  const [chosen, setChosen] = useState(null);
  if (!chosen) return <VariableList onChoose={setChosen} />;
  if (chosen.name.startsWith("block.")) return <Block chosen={chosen} onInsert={onInsert} onBack={() => setChosen(null)} />;
  return <Writing chosen={chosen} onInsert={onInsert} onBack={() => setChosen(null)} selected={selectedIn(field.current)} />;
}

const selectedIn = (field) => (field ? field.value.slice(field.selectionStart, field.selectionEnd) : "");

function VariableList({ onChoose }) {
  const { groups } = useContext(Menu);
  const [asked, setAsked] = useState("");
  const [cursor, setCursor] = useState(0);
  const id = useId();
  const rows = useMemo(() => {
    const wanted = plain(asked.trim());
    return groups.flatMap((group) =>
      group.variables.filter((row) => plain(row.label).includes(wanted) || plain(row.name).includes(wanted)).map((row) => ({ ...row, group: group.title })));
  }, [groups, asked]);
  const move = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      const next = Math.max(0, Math.min(rows.length - 1, cursor + step));
      setCursor(next);
      document.getElementById(`${id}-${next}`)?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter" && rows[cursor]) {
      event.preventDefault();
      onChoose(rows[cursor]);
    }
  };
  return (
    <>
      <input className="sb-search" role="combobox" aria-expanded="true" aria-controls={id} aria-activedescendant={rows[cursor] && `${id}-${cursor}`}
        aria-label="Search variables" placeholder="Search profile, attributes, events" autoFocus autoComplete="off" value={asked}
        onChange={(event) => { setAsked(event.target.value); setCursor(0); }} onKeyDown={move} />
      <div className="sb-options" role="listbox" id={id} aria-label="Variables">
        {rows.map((row, at) => (
          <div key={row.name} role="presentation">
            {row.group !== rows[at - 1]?.group && <div className="sb-group-label" role="presentation">{row.group}</div>}
            <div role="option" id={`${id}-${at}`} aria-selected={at === cursor} className="sb-option" onPointerMove={() => setCursor(at)} onClick={() => onChoose(row)}>
              <span className="truncate">{row.label}</span>
              {row.example && <span className="sb-hint truncate">{row.example}</span>}
            </div>
          </div>
        ))}
        {!rows.length && <div className="sb-none">Nothing is called that.</div>}
      </div>
    </>
  );
}

function Head({ chosen, onBack }) {
  return (
    <div className="mf-pop-head">
      <button type="button" className="icon-button" aria-label="Choose another" onClick={onBack}><ArrowLeft size={14} aria-hidden="true" /></button>
      <span className="strong truncate">{chosen.label}</span>
      <span className="muted small mono truncate">{chosen.name}</span>
    </div>
  );
}

function Block({ chosen, onInsert, onBack }) {
  return (
    <div className="mf-pop-form">
      <Head chosen={chosen} onBack={onBack} />
      {chosen.example && <p className="muted small">{chosen.example}</p>}
      <Button type="button" size="2" autoFocus onClick={() => onInsert(`{{ ${chosen.name} }}`)}>Insert</Button>
    </div>
  );
}

function Writing({ chosen, onInsert, onBack, selected }) {
  const [only, setOnly] = useState(false);
  return (
    <div className="mf-pop-form">
      <Head chosen={chosen} onBack={onBack} />
      <div className="segmented" role="group" aria-label="What to insert">
        <button type="button" aria-pressed={!only} onClick={() => setOnly(false)}>Its value</button>
        <button type="button" aria-pressed={only} onClick={() => setOnly(true)}>Only if …</button>
      </div>
      {only ? <OnlyIf chosen={chosen} onInsert={onInsert} selected={selected} /> : <Value chosen={chosen} onInsert={onInsert} />}
    </div>
  );
}

function Value({ chosen, onInsert }) {
  const { filters } = useContext(Menu);
  const [fallback, setFallback] = useState("");
  const [list, setList] = useState([]);
  const id = useId();
  const add = (name) => {
    const filter = filters.find((one) => one.name === name);
    if (filter) setList([...list, { name, given: filter.takes.map((one) => one.preset), filter }]);
  };
  const set = (at, place, value) => setList(list.map((one, n) => (n === at ? { ...one, given: one.given.map((old, m) => (m === place ? value : old)) } : one)));
  const written = (one) => ({ name: one.name, given: one.given.map((value, at) => literal(value, one.filter.takes[at].kind)) });
  const made = expression(chosen.name, fallback, list.map(written));
  const send = (event) => {
    event.preventDefault();
    event.stopPropagation();
    onInsert(made);
  };
  return (
    <form className="stack-s" onSubmit={send}>
      <label className="field-label" htmlFor={`${id}-fallback`}>Fallback</label>
      <input id={`${id}-fallback`} className="input" autoFocus autoComplete="off" placeholder="there" value={fallback} onChange={(event) => setFallback(event.target.value)} />
      <span className="field-help">For those of whom it is not known. Without one they are skipped.</span>
      {list.map((one, at) => (
        <div key={at} className="mf-filter">
          <span className="chip" aria-pressed="true">{one.name}</span>
          {one.filter.takes.map((takes, place) => (
            <input key={place} className="input" aria-label={`${one.name}: ${takes.label}`} placeholder={takes.label} value={one.given[place]} onChange={(event) => set(at, place, event.target.value)} />
          ))}
          <button type="button" className="icon-button" aria-label={`Remove ${one.name}`} onClick={() => setList(list.filter((_, n) => n !== at))}><X size={14} aria-hidden="true" /></button>
        </div>
      ))}
      <select className="input" aria-label="Add a filter" value="" onChange={(event) => add(event.target.value)}>
        <option value="">Change how it is written …</option>
        {filters.map((one) => <option key={one.name} value={one.name}>{`${one.name}: ${one.says}`}</option>)}
      </select>
      <code className="mf-made mono">{made}</code>
      <Button type="submit" size="2"><Plus size={14} aria-hidden="true" />Insert</Button>
    </form>
  );
}

const TESTS = [["known", "is known"], ["is", "is"], ["not", "is not"], ["over", "is more than"], ["under", "is less than"]];

function OnlyIf({ chosen, onInsert, selected }) {
  const [test, setTest] = useState(chosen.kind === "boolean" ? "is" : "known");
  const [value, setValue] = useState("");
  const [then, setThen] = useState(selected);
  const [otherwise, setOtherwise] = useState("");
  const tests = chosen.kind === "number" ? TESTS : TESTS.slice(0, 3);
  const of = chosen.kind === "boolean" ? (value === "false" ? "false" : "true") : value;
  const made = chosen.kind === "boolean" && test !== "known"
    ? whether(chosen.name, (of === "true") === (test === "is"), then, otherwise)
    : condition(chosen.name, chosen.kind, test, of, then, otherwise);
  const send = (event) => {
    event.preventDefault();
    event.stopPropagation();
    onInsert(made);
  };
  return (
    <form className="stack-s" onSubmit={send}>
      <div className="mf-filter">
        <select className="input" aria-label="Condition" value={test} onChange={(event) => setTest(event.target.value)}>
          {tests.map(([name, label]) => <option key={name} value={name}>{label}</option>)}
        </select>
        {test !== "known" && (chosen.kind === "boolean"
          ? <select className="input" aria-label="Value" value={of} onChange={(event) => setValue(event.target.value)}><option value="true">true</option><option value="false">false</option></select>
          : <input className="input" aria-label="Value" placeholder={chosen.example || "value"} value={value} onChange={(event) => setValue(event.target.value)} />)}
      </div>
      <input className="input" aria-label="Text for those" placeholder="Text for those" autoFocus value={then} onChange={(event) => setThen(event.target.value)} />
      <input className="input" aria-label="Text for the others" placeholder="Text for the others (may stay empty)" value={otherwise} onChange={(event) => setOtherwise(event.target.value)} />
      <code className="mf-made mono">{made}</code>
      <Button type="submit" size="2"><ChevronRight size={14} aria-hidden="true" />Insert</Button>
    </form>
  );
}
