/* The message form: every field of a content in the layer that is open (all platforms or one, one language), drawn
   from the table of fields. The draft lives in the page; each change goes into it at once, and `onEdited` is fired when
   typing pauses or a field is left. */
import { memo, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Ban, ChevronRight, CircleAlert, Globe, Layers, Scissors, Smartphone, TabletSmartphone, Undo2 } from "lucide-react";
import "./compose.js";
import * as controls from "./message_controls.jsx";
import { Languages } from "./message_languages.jsx";
import { TextField } from "./message_text.jsx";
import { Menu } from "./message_variables.jsx";

const { compose } = globalThis.tocsin;
const PAUSE = 400;
const PLATFORMS = [["", "All", Layers], ["ios", "iOS", Smartphone], ["android", "Android", TabletSmartphone], ["web", "Web", Globe]];
const LABEL = { ios: "iOS", android: "Android", web: "the web" };
const TEXTS = { text: { emoji: true }, address: {}, words: {} };
const CONTROLS = {
  name: controls.Name, picture: controls.Name, number: controls.Numeric, choice: controls.Choice, switch: controls.OnOff, sound: controls.Sound,
  badge: controls.Badge, duration: controls.Duration, volume: controls.Volume, colour: controls.Colour, pattern: controls.Pattern,
  light: controls.Light, list: controls.List, map: controls.Entries, actions: controls.Actions,
};
const SAYS_ITSELF = new Set(["switch", "volume"]);
const NOTHING = { actions: [], sound: null, badge: null };
const NONE = [];

export function MessageForm({ draft, hold, tell, table, problems, coverage, variables, onEdited, onAsk, children }) {
  const { change, flush } = useEdits(hold, tell, onEdited);
  const cuts = useCuts();
  useEffect(() => {
    onAsk?.();
  }, [draft.of]);
  const here = problems.filter((one) => one.variant === (draft.variant ?? 0));
  const wrong = useMemo(() => inPlace(here, draft.platform || "", draft.language || ""), [problems, draft.variant, draft.platform, draft.language]);
  const layer = [draft.of, draft.revision, draft.variant, draft.platform, draft.language].join("|");
  return (
    <Menu.Provider value={variables}>
      <div className="mf stack" onBlur={flush}>
        <Variants draft={draft} change={change} problems={problems} />
        <Platforms draft={draft} change={change} problems={here} />
        <Languages draft={draft} coverage={coverage} counts={counted(here, draft)} change={change} onAsk={() => onAsk?.()} />
        <Groups key={layer} draft={draft} table={table} wrong={wrong} cuts={cuts} change={change} picture={children} />
      </div>
    </Menu.Provider>
  );
}

/* What is typed is told after a pause; at once when a field is left, and before the form goes. */
function useEdits(hold, tell, onEdited) {
  const latest = useRef();
  const timer = useRef(0);
  latest.current = { hold, tell, onEdited };
  const flush = useCallback(() => {
    if (!timer.current) return;
    clearTimeout(timer.current);
    timer.current = 0;
    latest.current.onEdited?.();
  }, []);
  const change = useCallback((make, pause = PAUSE) => {
    latest.current.tell(make(latest.current.hold()));
    if (pause === null) return;
    clearTimeout(timer.current);
    timer.current = setTimeout(flush, pause);
  }, []);
  useEffect(() => flush, []);
  return { change, flush };
}

/* Where the previews cut a text, told by them: by field, then by where it is cut. */
function useCuts() {
  const [cuts, setCuts] = useState(() => ({ ...globalThis.tocsin.cuts }));
  useEffect(() => {
    const note = ({ detail }) => setCuts((held) => globalThis.tocsin.withCut(held, detail));
    window.addEventListener("tocsin-cut", note);
    return () => window.removeEventListener("tocsin-cut", note);
  }, []);
  return cuts;
}

const named = (path) => path.split(/[.[]/)[0];

function inPlace(problems, platform, language) {
  const found = new Map();
  for (const one of problems)
    if (one.platform === platform && one.language === language) found.set(named(one.field), [...(found.get(named(one.field)) ?? []), one]);
  return found;
}

function counted(problems, draft) {
  const found = new Map();
  for (const one of problems) if (one.platform === (draft.platform || "")) found.set(one.language, (found.get(one.language) ?? 0) + 1);
  return found;
}

function Variants({ draft, change, problems }) {
  if ((draft.names ?? NONE).length < 2) return null;
  return (
    <div className="segmented" role="group" aria-label="Variant">
      {draft.names.map((name, at) => (
        <button key={at} type="button" aria-pressed={draft.variant === at} onClick={() => change((held) => ({ ...held, variant: at }), null)}>
          {`Variant ${name}`}
          {problems.some((one) => one.variant === at) && <span className="mf-dot" data-tone="red" title="Something is wrong here" />}
        </button>
      ))}
    </div>
  );
}

function Platforms({ draft, change, problems }) {
  const made = compose.content(draft);
  const says = (name) => name && ["", ...compose.languages(draft)].some((tag) => compose.says(made, name, tag));
  return (
    <div className="mf-platforms">
      <div className="segmented" role="group" aria-label="Platform" data-platforms="true">
        {PLATFORMS.map(([name, label, Sign]) => (
          <button key={name} type="button" aria-pressed={(draft.platform || "") === name} onClick={() => change((held) => ({ ...held, platform: name }), null)}>
            <Sign size={14} aria-hidden="true" />
            {label}
            {problems.some((one) => one.platform === name) ? <span className="mf-dot" data-tone="red" title="Something is wrong here" /> : says(name) && <span className="mf-dot" title="Says something of its own" />}
          </button>
        ))}
      </div>
      <span className="field-help">{draft.platform ? `Only ${LABEL[draft.platform]}. What you leave alone is as for all.` : "For every platform, unless one says otherwise."}</span>
    </div>
  );
}

function Groups({ draft, table, wrong, cuts, change, picture }) {
  const platform = draft.platform || "";
  const shown = table.groups.filter((group) => !group.platform || group.platform === platform);
  const held = new Set(shown.map((group) => group.name));
  const elsewhere = platform ? table.fields.filter((row) => row.absent?.[platform] && !held.has(row.group)) : [];
  return (
    <>
      {shown.map((group) => {
        const rows = table.fields.filter((row) => row.group === group.name && (!row.platform || row.platform === platform || row.absent?.[platform]));
        if (!rows.length) return null;
        return (
          <Group key={group.name} group={group} said={rows.filter((row) => said(draft, row)).length} wrong={rows.some((row) => wrong.has(row.name))}>
            {rows.map((row) => <Place key={row.name} row={row} draft={draft} wrong={wrong} cuts={cuts} change={change} picture={picture} />)}
          </Group>
        );
      })}
      {!platform && <Elsewhere change={change} />}
      {elsewhere.length > 0 && <Absent platform={platform} rows={elsewhere} />}
    </>
  );
}

const said = (draft, row) => {
  const value = compose.own(draft, row.name);
  const layered = draft.platform || draft.language;
  if (row.platform && row.platform !== draft.platform) return false;
  return layered ? value !== undefined : ![undefined, null, "", false, row.name === "sound" ? "default" : undefined, row.name === "ttl_seconds" ? 86400 : undefined].includes(value) && !(typeof value === "object" && !Object.keys(value).length);
};

function Group({ group, said, wrong, children }) {
  const [open, setOpen] = useState(!group.closed || said > 0);
  useEffect(() => {
    if (wrong) setOpen(true);
  }, [wrong]);
  if (!group.closed) return <section className="mf-group" aria-label={group.title}>{group.platform && <h3 className="mf-head">{group.title}</h3>}{children}</section>;
  return (
    <details className="more" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <ChevronRight size={14} aria-hidden="true" className="chevron" />
        {group.title}
        {said > 0 && <span className="muted small plain">{`${said} set`}</span>}
        {wrong && <span className="mf-dot" data-tone="red" title="Something is wrong here" />}
      </summary>
      <div className="more-body mf-group">{open && children}</div>
    </details>
  );
}

/* Where a person looks for what is only on one platform. */
function Elsewhere({ change }) {
  const go = (platform) => {
    change((held) => ({ ...held, platform }), null);
    requestAnimationFrame(() => document.querySelector("[data-platforms] [aria-pressed='true']")?.focus());
  };
  const link = (platform, label) => <button type="button" className="mf-link" aria-label={`Open ${label}`} onClick={() => go(platform)}>{label}</button>;
  return (
    <p className="field-help mf-elsewhere">
      {link("ios", "iOS")} has the interruption level, critical alerts and the app's own translations, {link("android", "Android")} the channel, icon, colour and lock screen,{" "}
      {link("web", "Web")} icon, urgency and staying on screen. There every field may also be said differently.
    </p>
  );
}

function Absent({ platform, rows }) {
  return (
    <section className="mf-absent small muted" aria-label={`Not on ${LABEL[platform]}`}>
      <span className="strong">{`Not on ${LABEL[platform]}`}</span>
      {rows.map((row) => <span key={row.name}>{`${row.label}: ${row.absent[platform]}`}</span>)}
    </section>
  );
}

/* One field where it is, with what the layer and those below it say of it. */
function Place({ row, draft, wrong, cuts, change, picture }) {
  const platform = draft.platform || "";
  if (platform && row.absent?.[platform]) return <div className="mf-absent small muted">{`${row.label}: not on ${LABEL[platform]}. ${row.absent[platform]}`}</div>;
  if (row.platform && !platform) return null;
  const layered = Boolean(row.platform ? draft.language : draft.platform || draft.language);
  const own = compose.own(draft, row.name);
  const below = layered ? compose.inherited(draft, row.name) : undefined;
  return (
    <>
      <Field row={row} own={own} below={below} layered={layered} platform={platform} problems={wrong.get(row.name) ?? NONE} cuts={cuts[row.name]} change={change}
        right={Boolean(draft.language) && compose.RIGHT_TO_LEFT.test(draft.language)} />
      {row.name === "image" && picture}
    </>
  );
}

const alike = (one, other) =>
  one.own === other.own && one.row === other.row && one.layered === other.layered && one.platform === other.platform && one.problems === other.problems &&
  one.cuts === other.cuts && one.right === other.right && (one.below === other.below || JSON.stringify(one.below) === JSON.stringify(other.below));

const Field = memo(function Field({ row, own, below, layered, platform, problems, cuts, change, right }) {
  const [turn, setTurn] = useState(0);
  const [typed, setTyped] = useState("");
  const set = (value, problem = "") => {
    setTyped(problem);
    change((held) => compose.put(held, row.name, value));
  };
  const anew = (value) => {
    setTurn(turn + 1);
    set(value);
  };
  const text = (value) => set(value === "" && layered ? undefined : value === "" && row.kind !== "text" ? null : value);
  const id = row.name;
  const about = `${id}-about`;
  const messages = typed ? [typed] : [...new Set(problems.map((one) => one.message))];
  const invalid = messages.length > 0;
  const given = { id, row, own, below, layered, problems, invalid, describedBy: about, set };
  const Control = CONTROLS[row.kind];
  const ends = Object.values(cuts ?? {}).filter((cut) => Number.isInteger(cut.offset) && cut.offset >= 0);
  const placed = TEXTS[row.kind];
  return (
    <div className="field" data-own={(layered && own !== undefined) || undefined}>
      <div className="field-label">
        {SAYS_ITSELF.has(row.kind) ? null : <label htmlFor={id}>{row.label}</label>}
        {layered && own !== undefined && <span className="mf-own">{isNothing(own) ? "nothing here" : "different here"}</span>}
        <span className="mf-acts">
          {layered && own !== undefined && <Act label={`${row.label}: use the common one`} title="Use the common one" Sign={Undo2} onClick={() => anew(undefined)} />}
          {layered && row.nothing && !isNothing(own) && below !== undefined && !isNothing(below) && <Act label={`${row.label}: nothing here`} title="Nothing here" Sign={Ban} onClick={() => anew(row.name in NOTHING ? NOTHING[row.name] : "")} />}
          {row.kind === "text" && <Counter text={own ?? below ?? ""} />}
        </span>
      </div>
      {placed ? (
        <TextField key={turn} id={id} value={own ?? ""} placeholder={isNothing(own) && layered ? "Nothing here" : below || row.placeholder} lines={row.most === 1 || row.kind !== "text" ? 1 : 3}
          problems={problems} cuts={ends.map((cut) => cut.offset)} invalid={invalid} describedBy={about} tools={placed} right={right && row.kind === "text"} onText={text} />
      ) : (
        <Control key={turn} {...given} />
      )}
      <Below about={about} row={row} platform={platform} messages={row.kind === "actions" ? problems.filter((one) => !one.field.startsWith("actions[")).map((one) => one.message) : messages} ends={ends} text={own ?? below ?? ""} />
    </div>
  );
}, alike);

const isNothing = (value) => value === null || value === "" || (Array.isArray(value) && value.length === 0);

function Act({ label, title, Sign, onClick }) {
  return <button type="button" className="icon-button" aria-label={label} title={title} onClick={onClick}><Sign size={14} aria-hidden="true" /></button>;
}

function Counter({ text }) {
  const length = Array.from(text).length;
  return <span className="counter" title={`${length} characters`}>{length}</span>;
}

const WHERE = { ios: "iPhone", android: "Android", chrome: "Chrome", safari: "Safari", web: "browsers" };
const STATES = { lock: "lock screen", banner: "banner", expanded: "expanded", centre: "notification centre" };

/* `Cut on iPhone lock screen after 118 characters`: of the text as it is typed, where it has no variables before. */
const cutAt = (cut, text) => {
  const place = `${WHERE[cut.platform] ?? cut.platform} ${STATES[cut.state] ?? cut.state}`;
  const before = text.slice(0, cut.offset);
  return before.includes("{{") || before.includes("{%") ? place : `${place} after ${Array.from(before).length} characters`;
};

function Below({ about, row, platform, messages, ends, text }) {
  const help = SAYS_ITSELF.has(row.kind) ? "" : (platform && row.notes?.[platform]) || row.help;
  return (
    <>
      {messages.map((message, at) => (
        <span key={message} id={at ? undefined : about} className="field-error" role="alert"><CircleAlert size={12} aria-hidden="true" />{message}</span>
      ))}
      {!messages.length && help && <span id={about} className="field-help">{help}</span>}
      {ends.length > 0 && (
        <span className="field-help mf-cuts"><Scissors size={12} aria-hidden="true" />{`Cut on ${ends.map((cut) => cutAt(cut, text)).join(", ")}`}</span>
      )}
    </>
  );
}
