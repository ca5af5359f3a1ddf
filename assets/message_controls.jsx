/* The fields of the message form that are no plain texts. Each is given what the open layer says (`own`), what shows
   there when it says nothing (`below`), and tells another value; `undefined` takes it out of the layer. */
import { useRef, useState } from "react";
import { Switch } from "@radix-ui/themes";
import { ChevronDown, Plus, X } from "lucide-react";
import { TextField } from "./message_text.jsx";

const worded = (text) => (text === "" || text === undefined || text === null ? undefined : text);
const whole = (text) => (/^\s*-?\d+\s*$/.test(text) ? Number(text) : text);
const decimal = (text) => (text.trim() !== "" && Number.isFinite(Number(text.replace(",", "."))) ? Number(text.replace(",", ".")) : text);
const NUMBER = "Enter a number.";

function Line({ id, value, onText, ...props }) {
  return <input id={id} className="input" type="text" autoComplete="off" defaultValue={value ?? ""} onInput={(event) => onText(event.target.value)} {...props} />;
}

export function Name({ id, row, own, below, invalid, describedBy, set }) {
  return <Line id={id} value={own} placeholder={below ?? row.placeholder} aria-invalid={invalid || undefined} aria-describedby={describedBy} onText={(text) => set(worded(text.trim()))} />;
}

export function Numeric({ id, own, below, row, invalid, describedBy, set }) {
  return <Line id={id} value={own} inputMode="decimal" placeholder={below ?? row.placeholder} aria-invalid={invalid || undefined} aria-describedby={describedBy}
    onText={(text) => set(text.trim() === "" ? undefined : decimal(text), text.trim() !== "" && typeof decimal(text) === "string" ? NUMBER : "")} />;
}

/* What shows when nothing is chosen: the layer below, or the platform's own way. */
function without(row, below, layered) {
  const label = row.options.find(([value]) => value === below)?.[1];
  if (label) return `Common: ${label}`;
  return layered ? `Common: ${row.fallback || "nothing"}` : `${row.fallback || "Nothing"} (default)`;
}

export function Choice({ id, row, own, below, layered, invalid, describedBy, set }) {
  return (
    <select id={id} className="input" value={own ?? ""} aria-invalid={invalid || undefined} aria-describedby={describedBy} onChange={(event) => set(worded(event.target.value))}>
      <option value="">{without(row, below, layered)}</option>
      {row.options.map(([value, label]) => <option key={value} value={value}>{label}</option>)}
    </select>
  );
}

/** On, off, or as it is below; at the bottom what is the platform's own way is not said. */
export function OnOff({ id, row, own, below, layered, describedBy, set }) {
  const shown = own ?? below ?? row.fallback;
  const flip = (on) => set(!layered && on === row.fallback ? undefined : on);
  return (
    <label className="switch-row">
      <Switch id={id} size="1" checked={Boolean(shown)} onCheckedChange={flip} aria-describedby={describedBy} />
      <span className="stack-xs"><span>{row.label}</span><span id={describedBy} className="field-help">{row.help}</span></span>
    </label>
  );
}

const INHERIT = "inherit";

export function Sound({ id, own, below, layered, invalid, describedBy, set }) {
  const [named, setNamed] = useState(Boolean(own) && own !== "default");
  const said = own === undefined ? (layered ? INHERIT : "default") : own === null ? "none" : own === "default" ? "default" : "named";
  const choose = (way) => {
    setNamed(way === "named");
    if (way !== "named") set({ none: null, default: "default", [INHERIT]: undefined }[way]);
  };
  return (
    <div className="mf-pair">
      <select id={id} className="input" value={named ? "named" : said} onChange={(event) => choose(event.target.value)} aria-describedby={describedBy}>
        {layered && <option value={INHERIT}>{`Common: ${below === null ? "none" : below === "default" || below === undefined ? "default" : below}`}</option>}
        <option value="default">The system's default</option>
        <option value="none">None</option>
        <option value="named">A sound of the app</option>
      </select>
      {named && <Line value={said === "named" ? own : ""} aria-label="Name of the sound" placeholder="bell.caf, a file in your app" aria-invalid={invalid || undefined} onText={(text) => text.trim() && set(text.trim())} />}
    </div>
  );
}

export function Badge({ id, own, below, layered, invalid, describedBy, set }) {
  const [typing, setTyping] = useState(own !== undefined && own !== null && own !== 0);
  const said = own === undefined ? (layered ? INHERIT : "leave") : own === null ? "leave" : own === 0 ? "clear" : "set";
  const choose = (way) => {
    setTyping(way === "set");
    if (way !== "set") set({ leave: null, clear: 0, [INHERIT]: undefined }[way]);
  };
  return (
    <div className="mf-pair">
      <select id={id} className="input" value={typing ? "set" : said} onChange={(event) => choose(event.target.value)} aria-describedby={describedBy}>
        {layered && <option value={INHERIT}>{`Common: ${below === undefined || below === null ? "left as it is" : below === 0 ? "cleared" : below}`}</option>}
        <option value="leave">Left as it is</option>
        <option value="set">Set to a number</option>
        <option value="clear">Cleared</option>
      </select>
      {typing && <Line value={said === "set" ? own : ""} inputMode="numeric" aria-label="Number of the badge" placeholder="1" aria-invalid={invalid || undefined}
        onText={(text) => text.trim() && set(whole(text), typeof whole(text) === "string" ? "Enter a whole number." : "")} />}
    </div>
  );
}

const UNITS = [["minutes", 60], ["hours", 3600], ["days", 86400]];
const unitOf = (seconds) => UNITS.toReversed().find(([, size]) => seconds && seconds % size === 0)?.[1] ?? (seconds ? 60 : 3600);
const inWords = (seconds) => (seconds === undefined ? "" : `${seconds / unitOf(seconds)} ${UNITS.find(([, size]) => size === unitOf(seconds))[0]}`);

export function Duration({ id, own, below, row, invalid, describedBy, set }) {
  const [unit, setUnit] = useState(unitOf(typeof own === "number" ? own : below));
  const [text, setText] = useState(typeof own === "number" ? String(own / unit) : own ?? "");
  const tell = (typed, size) => {
    const number = typed.trim() === "" ? undefined : decimal(typed);
    set(typeof number === "number" ? Math.round(number * size) : number, typeof number === "string" ? NUMBER : "");
  };
  return (
    <div className="mf-pair">
      <input id={id} className="input" type="text" inputMode="decimal" autoComplete="off" value={text} placeholder={below === undefined ? row.fallback : `Common: ${inWords(below)}`} aria-invalid={invalid || undefined} aria-describedby={describedBy}
        onChange={(event) => { setText(event.target.value); tell(event.target.value, unit); }} />
      <select className="input" aria-label={`${row.label}: unit`} value={unit} onChange={(event) => { setUnit(Number(event.target.value)); tell(text, Number(event.target.value)); }}>
        {UNITS.map(([label, size]) => <option key={label} value={size}>{label}</option>)}
      </select>
    </div>
  );
}

export function Volume({ id, own, below, row, describedBy, set }) {
  const shown = own === undefined ? below : own;
  const on = shown !== undefined && shown !== null;
  return (
    <div className="stack-s">
      <label className="switch-row">
        <Switch id={id} size="1" checked={on} onCheckedChange={(wanted) => set(wanted ? 1 : below === undefined ? undefined : null)} aria-describedby={describedBy} />
        <span className="stack-xs"><span>{row.label}</span><span id={describedBy} className="field-help">{row.help}</span></span>
      </label>
      {on && (
        <label className="mf-volume"><span className="muted small">Volume</span>
          <input type="range" className="slider" min="0" max="1" step="0.05" value={shown} onChange={(event) => set(Number(event.target.value))} />
          <span className="tnum small">{Math.round(shown * 100)} %</span>
        </label>
      )}
    </div>
  );
}

export function Colour({ id, own, below, row, invalid, describedBy, set }) {
  const [text, setText] = useState(own ?? "");
  const tell = (typed) => {
    setText(typed);
    set(worded(typed.trim()));
  };
  const known = /^#[0-9a-f]{6}$/i.test(text) ? text : /^#[0-9a-f]{6}$/i.test(below ?? "") ? below : row.placeholder;
  return (
    <div className="mf-colour">
      <input type="color" aria-label={`${row.label}: pick`} value={known} onChange={(event) => tell(event.target.value)} />
      <input id={id} className="input" type="text" autoComplete="off" value={text} placeholder={below ?? row.placeholder} aria-invalid={invalid || undefined} aria-describedby={describedBy} onChange={(event) => tell(event.target.value)} />
    </div>
  );
}

export function Pattern({ id, own, below, row, invalid, describedBy, set }) {
  const read = (text) => text.split(/[\s,]+/).filter(Boolean).map(whole);
  const tell = (text) => {
    const made = read(text);
    set(made.length ? made : undefined, made.some((one) => typeof one === "string") ? "Enter numbers with commas between them." : "");
  };
  const shown = (list) => (Array.isArray(list) ? list.join(", ") : "");
  return <Line id={id} value={shown(own)} inputMode="numeric" placeholder={shown(below) || row.placeholder} aria-invalid={invalid || undefined} aria-describedby={describedBy} onText={tell} />;
}

export function Light({ id, own, below, invalid, describedBy, set }) {
  const shown = own ?? below;
  const change = (part) => set({ color: "#ffffff", on_ms: 500, off_ms: 1500, ...shown, ...part });
  return (
    <div className="stack-s">
      <label className="switch-row">
        <Switch id={id} size="1" checked={Boolean(shown)} aria-describedby={describedBy} onCheckedChange={(on) => (on ? change({}) : set(below ? null : undefined))} />
        <span>Blinks</span>
      </label>
      {shown && (
        <div className="mf-light">
          <input type="color" aria-label="Colour of the light" value={shown.color} onChange={(event) => change({ color: event.target.value })} />
          {[["on_ms", "On"], ["off_ms", "Off"]].map(([name, label]) => (
            <label key={name} className="measured">
              <span className="unit">{label}</span>
              <Line value={shown[name]} inputMode="numeric" aria-invalid={invalid || undefined} onText={(text) => change({ [name]: whole(text) })} />
              <span className="unit">ms</span>
            </label>
          ))}
        </div>
      )}
    </div>
  );
}

export function List({ id, own, below, invalid, describedBy, set }) {
  const lines = (list) => (Array.isArray(list) ? list.join("\n") : "");
  const tell = (text) => set(text.trim() === "" ? undefined : text.split("\n").filter((line) => line !== ""));
  return <textarea id={id} className="input" rows={2} defaultValue={lines(own)} placeholder={lines(below)} aria-invalid={invalid || undefined} aria-describedby={describedBy} onInput={(event) => tell(event.target.value)} />;
}

/** Names and their texts. What is below stays and is added to. */
export function Entries({ row, own, below, invalid, set }) {
  const list = useRef(null);
  const [rows, setRows] = useState(() => Object.entries(own ?? {}).map(([name, text], uid) => ({ uid, name, text })));
  const tell = (next) => {
    setRows(next);
    const named = next.filter((one) => one.name.trim());
    const said = Object.fromEntries(named.map((one) => [one.name.trim(), one.text]));
    set(named.length ? said : undefined, Object.keys(said).length < named.length ? "Two rows have the same name." : "");
  };
  const change = (uid, part) => tell(rows.map((one) => (one.uid === uid ? { ...one, ...part } : one)));
  const add = () => {
    setRows([...rows, { uid: (rows.at(-1)?.uid ?? -1) + 1, name: "", text: "" }]);
    writeInto(list);
  };
  const beneath = Object.entries(below ?? {}).filter(([name]) => !rows.some((one) => one.name.trim() === name));
  return (
    <div className="stack-s" ref={list}>
      {beneath.map(([name, text]) => <div key={name} className="mf-beneath small muted"><span className="mono truncate">{name}</span><span className="truncate">{text}</span></div>)}
      {rows.map((one, at) => (
        <div key={one.uid} className="mf-entry" role="group" aria-label={`Data ${at + 1}`}>
          <input className="input mono" aria-label="Name" placeholder="name" autoComplete="off" aria-invalid={invalid || undefined} value={one.name} onChange={(event) => change(one.uid, { name: event.target.value })} />
          <TextField value={one.text} placeholder="text, or {{ user.plan }}" lines={1} problems={[]} cuts={[]} label="Text" tools={{}} onText={(text) => change(one.uid, { text })} />
          <button type="button" className="icon-button" aria-label="Remove the row" onClick={() => tell(rows.filter((other) => other !== one))}><X size={14} aria-hidden="true" /></button>
        </div>
      ))}
      {rows.length < row.most && <Add label="Add data" onClick={add} />}
    </div>
  );
}

/** Once it is drawn, the last row of a list is written into. */
const writeInto = (list) => requestAnimationFrame(() => [...(list.current?.querySelectorAll("[role='group']") ?? [])].at(-1)?.querySelector("input, textarea")?.focus());

function Add({ label, onClick }) {
  return <button type="button" className="mf-add" onClick={onClick}><Plus size={14} aria-hidden="true" />{label}</button>;
}

/** Buttons replace those below as a whole. Another `turn` makes their fields take their texts anew. */
export function Actions({ id, row, own, below, layered, problems, set }) {
  const [turn, setTurn] = useState(0);
  const place = useRef(null);
  const list = own ?? [];
  const put = (next) => {
    setTurn(turn + 1);
    set(next);
  };
  const change = (at, part) => set(list.map((one, n) => (n === at ? { ...one, ...part } : one)));
  const add = () => {
    set([...list, { id: free(), title: "", link: null, icon: null }]);
    writeInto(place);
  };
  const free = () => [1, 2, 3, 4, 5].map((n) => `button_${n}`).find((name) => !list.some((one) => one.id === name));
  if (own === undefined && layered && below?.length)
    return (
      <div className="stack-s">
        {below.map((one) => <div key={one.id} className="mf-beneath small muted"><span className="truncate">{one.title}</span><span className="truncate">{one.link}</span></div>)}
        <button type="button" className="mf-add" onClick={() => put(below.map((one) => ({ ...one })))}>Say them differently here</button>
      </div>
    );
  return (
    <div className="stack-s" ref={place}>
      {list.map((one, at) => (
        <Action key={`${turn}-${at}`} id={`${id}-${at}`} number={at + 1} action={one} problems={problems.filter((wrong) => wrong.field.startsWith(`actions[${at}]`))}
          onChange={(part) => change(at, part)} onRemove={() => put(list.filter((_, n) => n !== at))} onUp={at ? () => put(raised(list, at)) : null} />
      ))}
      {list.length < row.most && <Add label="Add button" onClick={add} />}
    </div>
  );
}

const raised = (list, at) => list.with(at - 1, list[at]).with(at, list[at - 1]);

function Action({ id, number, action, problems, onChange, onRemove, onUp }) {
  const [more, setMore] = useState(problems.some((one) => /\.(id|icon)$/.test(one.field)));
  const of = (name) => problems.filter((one) => one.field.endsWith(`.${name}`));
  return (
    <div className="mf-action" role="group" aria-label={`Button ${number}`}>
      <div className="mf-action-row">
        <TextField id={`${id}-title`} value={action.title} label="Button text" placeholder="Text" lines={1} problems={of("title")} cuts={[]} tools={{}} invalid={of("title").length > 0} onText={(title) => onChange({ title })} />
        <TextField id={`${id}-link`} value={action.link ?? ""} label="Button link" placeholder="Link" lines={1} problems={of("link")} cuts={[]} tools={{}} invalid={of("link").length > 0} onText={(link) => onChange({ link: link || null })} />
        <button type="button" className="icon-button" aria-label={`More of button ${number}`} aria-expanded={more} onClick={() => setMore(!more)}><ChevronDown size={14} aria-hidden="true" className="mf-chevron" /></button>
        <button type="button" className="icon-button" aria-label="Remove button" onClick={onRemove}><X size={14} aria-hidden="true" /></button>
      </div>
      {more && (
        <div className="mf-action-more">
          <label className="stack-xs"><span className="field-help">Id, in reports and for your app</span><Line value={action.id} aria-invalid={of("id").length > 0 || undefined} onText={(text) => onChange({ id: text.trim() })} /></label>
          <label className="stack-xs"><span className="field-help">Icon, in browsers</span><Line value={action.icon} placeholder="https://…" aria-invalid={of("icon").length > 0 || undefined} onText={(text) => onChange({ icon: text.trim() || null })} /></label>
          {onUp && <button type="button" className="mf-add" onClick={onUp}>Move up</button>}
        </div>
      )}
      {problems.map((one) => <span key={one.field + one.message} className="field-error" role="alert">{one.message}</span>)}
    </div>
  );
}
