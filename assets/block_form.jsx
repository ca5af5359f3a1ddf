/* A content block's form: its text for everybody, and in other languages. What is typed is held here for the page's
   own buttons (`tocsin.block`), and told when typing pauses. */
import { useEffect, useRef, useState } from "react";
import { CircleAlert, Plus, X } from "lucide-react";
import "./compose.js";
import { TextField } from "./message_text.jsx";
import { Menu } from "./message_variables.jsx";

const { compose } = globalThis.tocsin;
const PAUSE = 400;
const NONE = [];
const named = typeof Intl.DisplayNames === "function" ? new Intl.DisplayNames(["en"], { type: "language", fallback: "none" }) : null;
const languageName = (tag) => named?.of(tag) ?? "";

export function BlockForm({ given, ...rest }) {
  return <Form key={`${given.id}|${given.revision}`} given={given} {...rest} />;
}

function Form({ given, problems, variables, onEdited }) {
  const [said, setSaid] = useState({ id: given.id, name: given.name, text: given.text, locales: given.locales });
  const timer = useRef(0);
  const latest = useRef();
  latest.current = { said, onEdited };
  globalThis.tocsin.block = said;
  const flush = () => {
    if (!timer.current) return;
    clearTimeout(timer.current);
    timer.current = 0;
    latest.current.onEdited?.(latest.current.said);
  };
  useEffect(() => flush, []);
  const change = (changes) => {
    const next = { ...latest.current.said, ...changes };
    latest.current.said = next;
    globalThis.tocsin.block = next;
    setSaid(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(flush, PAUSE);
  };
  const speak = (tag, text) => change({ locales: { ...latest.current.said.locales, [tag]: text } });
  const drop = (tag) => change({ locales: Object.fromEntries(Object.entries(latest.current.said.locales).filter(([one]) => one !== tag)) });
  const wrong = (field) => problems.filter((one) => one.field === field);
  return (
    <Menu.Provider value={variables}>
      <div className="stack mf" onBlur={flush}>
        {given.fresh && <Name wrong={wrong("name")} onName={(name) => change({ name })} value={said.name} />}
        <Text id="text" label={Object.keys(said.locales).length ? "Text, for all other languages" : "Text"} value={said.text} wrong={wrong("text")} onText={(text) => change({ text })} />
        {Object.keys(said.locales).map((tag) => (
          <Text key={tag} id={`text-${tag}`} label={[languageName(tag), tag].filter(Boolean).join(" · ")} value={said.locales[tag]} wrong={wrong(`locales.${tag}`)}
            right={compose.RIGHT_TO_LEFT.test(tag)} onText={(text) => speak(tag, text)} onDrop={() => drop(tag)} />
        ))}
        <AddLanguage taken={said.locales} onAdd={(tag) => speak(tag, "")} />
      </div>
    </Menu.Provider>
  );
}

function Problems({ id, wrong }) {
  return wrong.map((one, at) => (
    <span key={one.message} id={at ? undefined : id} className="field-error" role="alert"><CircleAlert size={12} aria-hidden="true" />{one.message}</span>
  ));
}

function Name({ value, wrong, onName }) {
  return (
    <div className="field">
      <label htmlFor="block-name" className="field-label">Name</label>
      <input id="block-name" className="input mono" defaultValue={value} placeholder="opening_hours" maxLength={64} autoFocus autoComplete="off" spellCheck="false"
        aria-invalid={wrong.length > 0 || undefined} aria-describedby="block-name-about" onChange={(event) => onName(event.target.value.trim())} />
      <Problems id="block-name-about" wrong={wrong} />
      {!wrong.length && <span id="block-name-about" className="field-help">{`Texts call it {{ block.${value || "opening_hours"} }}, so the name stays as it is.`}</span>}
    </div>
  );
}

function Text({ id, label, value, wrong, right, onText, onDrop }) {
  return (
    <div className="field">
      <div className="field-label">
        <label htmlFor={id}>{label}</label>
        {onDrop && <span className="mf-acts"><button type="button" className="icon-button" aria-label={`Remove ${label}`} title="Remove this language" onClick={onDrop}><X size={14} aria-hidden="true" /></button></span>}
      </div>
      <TextField id={id} value={value} lines={3} problems={wrong} cuts={NONE} invalid={wrong.length > 0} describedBy={`${id}-about`} tools={{ emoji: true }} right={right} onText={onText} />
      <Problems id={`${id}-about`} wrong={wrong} />
    </div>
  );
}

function AddLanguage({ taken, onAdd }) {
  const [open, setOpen] = useState(false);
  const [typed, setTyped] = useState("");
  const tag = compose.normal(typed);
  const add = () => {
    if (!tag || tag in taken) return;
    onAdd(tag);
    setTyped("");
    setOpen(false);
  };
  if (!open) return <button type="button" className="mf-add" onClick={() => setOpen(true)}><Plus size={14} aria-hidden="true" />Add a language</button>;
  const keys = (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      add();
    } else if (event.key === "Escape") setOpen(false);
  };
  return (
    <div className="row">
      <input className="input block-tag" aria-label="Language tag" placeholder="pl or pt-BR" autoFocus value={typed} maxLength={35} autoComplete="off" spellCheck="false"
        onChange={(event) => setTyped(event.target.value)} onKeyDown={keys} />
      <button type="button" className="mf-add" disabled={!tag || tag in taken} onClick={add}>{tag in taken ? "Already there" : `Add ${(tag && languageName(tag)) || "it"}`}</button>
    </div>
  );
}
