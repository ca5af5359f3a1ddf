/* What a template needs as `data`: rows of name, type, need and example, and the same as JSON Schema beside them. Both
   write the schema into the draft; the examples are the data that the preview is filled in with. */
import { useEffect, useRef, useState } from "react";
import { CircleAlert, Plus, Trash2 } from "lucide-react";

const PAUSE = 400;
const TYPES = [
  ["text", "Text", { type: "string" }],
  ["number", "Number", { type: "number" }],
  ["integer", "Whole number", { type: "integer" }],
  ["boolean", "Yes or no", { type: "boolean" }],
  ["date", "Day", { type: "string", format: "date" }],
  ["instant", "Time", { type: "string", format: "date-time" }],
  ["array", "List", { type: "array" }],
  ["object", "Group", { type: "object" }],
];
const HINT = { text: "Anna", number: "49.90", integer: "3", date: "2026-12-24", instant: "2026-12-24T18:00:00Z", array: '["red", "blue"]', object: '{"id": 1001}' };
const JSON_TYPES = new Set(["array", "object"]);
const OTHER = "other";

const isMap = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

/** The builder's word for what a property may hold; `other` for what only JSON can say. */
function kindOf(schema) {
  if (!isMap(schema) || Array.isArray(schema.type)) return OTHER;
  if (schema.type === "string") return { date: "date", "date-time": "instant" }[schema.format] ?? "text";
  return TYPES.some(([kind]) => kind === schema.type) ? schema.type : OTHER;
}

const written = (value) => (value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value));

function rowsOf(schema) {
  const required = new Set(Array.isArray(schema?.required) ? schema.required : []);
  return Object.entries(isMap(schema?.properties) ? schema.properties : {}).map(([name, own]) => ({
    name, own, kind: kindOf(own), required: required.has(name), example: written(own?.examples?.[0]),
  }));
}

/** What was typed as an example, as the type has it; undefined for what is none. */
function valueOf(kind, text) {
  if (text === "") return undefined;
  if (["text", "date", "instant"].includes(kind)) return text;
  try {
    const value = JSON.parse(text);
    const fits = { number: typeof value === "number", integer: Number.isInteger(value), boolean: typeof value === "boolean", array: Array.isArray(value), object: isMap(value) };
    return fits[kind] ?? true ? value : undefined;
  } catch {
    return undefined;
  }
}

function propertyOf(row) {
  const { examples, ...rest } = isMap(row.own) ? row.own : {};
  const value = valueOf(row.kind, row.example);
  return value === undefined ? rest : { ...rest, examples: [value] };
}

/** The schema that the rows say; null for none at all. */
function schemaOf(rows, before) {
  const { type, properties, required, ...rest } = isMap(before) ? before : {};
  const named = rows.filter((row) => row.name.trim());
  if (!named.length && !Object.keys(rest).length) return null;
  const made = { ...rest, type: "object", properties: Object.fromEntries(named.map((row) => [row.name.trim(), propertyOf(row)])) };
  const needed = named.filter((row) => row.required).map((row) => row.name.trim());
  return needed.length ? { ...made, required: [...new Set(needed)] } : made;
}

const pretty = (schema) => (schema ? JSON.stringify(schema, null, 2) : "");

export function DataEditor({ draft, ...rest }) {
  return <Editor key={`${draft.of}|${draft.revision}`} draft={draft} {...rest} />;
}

/* What is typed is told after a pause, and at once when a field is left. */
function useTelling(onEdited) {
  const timer = useRef(0);
  const latest = useRef();
  latest.current = onEdited;
  const flush = () => {
    if (!timer.current) return;
    clearTimeout(timer.current);
    timer.current = 0;
    latest.current?.();
  };
  const soon = () => {
    clearTimeout(timer.current);
    timer.current = setTimeout(flush, PAUSE);
  };
  useEffect(() => flush, []);
  return { soon, flush };
}

function Editor({ draft, hold, tell, problems, reads, onEdited }) {
  const { soon, flush } = useTelling(onEdited);
  const [rows, setRows] = useState(() => rowsOf(draft.schema));
  const [text, setText] = useState(() => pretty(draft.schema));
  const [broken, setBroken] = useState("");
  const into = (schema, wrong) => {
    const held = hold();
    tell({ ...held, schema, broken: Boolean(wrong), edit: (held.edit ?? 0) + 1 });
    setBroken(wrong);
    soon();
  };
  const build = (next) => {
    const schema = schemaOf(next, hold().schema);
    setRows(next);
    setText(pretty(schema));
    into(schema, "");
  };
  const write = (typed) => {
    setText(typed);
    const { schema, wrong } = parsed(typed);
    if (!wrong) setRows(rowsOf(schema));
    into(wrong ? hold().schema : schema, wrong);
  };
  const add = (name) => build([...rows, { name, own: { type: "string" }, kind: "text", required: true, example: "" }]);
  const known = new Set(rows.map((row) => row.name.trim()));
  const unknown = reads.filter((name) => !known.has(name));
  return (
    <div className="data-editor" onBlur={flush}>
      <div className="stack">
        {rows.length > 0 && <Rows rows={rows} problems={problems} build={build} />}
        {!rows.length && !unknown.length && <p className="muted">{"Describe here what a program has to send with this template. Texts read it as {{ data.order_id }}."}</p>}
        {unknown.length > 0 && <Unknown names={unknown} onAdd={add} />}
        <button type="button" className="mf-add" onClick={() => add("")}><Plus size={14} aria-hidden="true" />Add a value</button>
      </div>
      <Text text={text} broken={broken} problems={problems.filter((one) => !placed(rows, one))} onText={write} />
    </div>
  );
}

function parsed(text) {
  if (!text.trim()) return { schema: null, wrong: "" };
  try {
    const schema = JSON.parse(text);
    return isMap(schema) ? { schema, wrong: "" } : { schema: null, wrong: "A schema is a JSON object: it begins with {." };
  } catch (error) {
    return { schema: null, wrong: `This is no JSON yet: ${error.message}` };
  }
}

const pathOf = (row) => `properties.${row.name.trim()}`;
const ofRow = (row, one) => one.path === pathOf(row) || one.path.startsWith(`${pathOf(row)}.`) || one.path.startsWith(`${pathOf(row)}[`);
const placed = (rows, one) => rows.some((row) => ofRow(row, one));

function Rows({ rows, problems, build }) {
  const change = (at, changes) => build(rows.map((row, place) => (place === at ? { ...row, ...changes } : row)));
  return (
    <div className="data-rows" role="table" aria-label="Required data">
      <div className="data-row data-head" role="row">
        {["Name", "Type", "Needed", "Example"].map((label) => <span key={label} role="columnheader">{label}</span>)}
      </div>
      {rows.map((row, at) => (
        <Row key={at} row={row} twice={rows.some((one, place) => place < at && one.name.trim() && one.name.trim() === row.name.trim())}
          problems={problems.filter((one) => ofRow(row, one))} onChange={(changes) => change(at, changes)} onRemove={() => build(rows.filter((_, place) => place !== at))} />
      ))}
    </div>
  );
}

function Row({ row, twice, problems, onChange, onRemove }) {
  const messages = [...problems.map((one) => one.message), ...(twice ? ["There is another value of this name."] : []), ...misfit(row)];
  const called = row.name || "new value";
  const retype = (kind) => onChange({ kind, own: TYPES.find(([name]) => name === kind)[2] });
  return (
    <>
      <div className="data-row" role="row">
        <span role="cell"><input className="input mono" aria-label="Name" placeholder="order_id" defaultValue={row.name} maxLength={64} autoComplete="off" spellCheck="false"
          aria-invalid={messages.length > 0 || undefined} onChange={(event) => onChange({ name: event.target.value })} /></span>
        <span role="cell">
          <select className="input" aria-label={`Type of ${called}`} value={row.kind} onChange={(event) => retype(event.target.value)}>
            {TYPES.map(([kind, label]) => <option key={kind} value={kind}>{label}</option>)}
            {row.kind === OTHER && <option value={OTHER} disabled>As in the JSON</option>}
          </select>
        </span>
        <span role="cell" className="data-needed"><input type="checkbox" aria-label={`${called} is needed`} checked={row.required} onChange={(event) => onChange({ required: event.target.checked })} /><span className="only-phone small muted" aria-hidden="true">needed</span></span>
        <span role="cell"><Example row={row} called={called} onChange={(example) => onChange({ example })} /></span>
        <span role="cell"><button type="button" className="icon-button" aria-label={`Remove ${called}`} title="Remove" onClick={onRemove}><Trash2 size={14} aria-hidden="true" /></button></span>
      </div>
      {messages.map((message) => <span key={message} className="field-error" role="alert"><CircleAlert size={12} aria-hidden="true" />{message}</span>)}
    </>
  );
}

function misfit(row) {
  if (row.example === "" || valueOf(row.kind, row.example) !== undefined) return [];
  return [JSON_TYPES.has(row.kind) ? "The example has to be JSON." : "The example does not fit the type."];
}

function Example({ row, called, onChange }) {
  const label = `Example of ${called}`;
  if (row.kind === "boolean")
    return (
      <select className="input" aria-label={label} value={row.example} onChange={(event) => onChange(event.target.value)}>
        <option value="">None</option>
        <option value="true">Yes</option>
        <option value="false">No</option>
      </select>
    );
  return (
    <input key={row.kind} className={JSON_TYPES.has(row.kind) ? "input mono" : "input"} aria-label={label} placeholder={HINT[row.kind] ?? ""} defaultValue={row.example}
      autoComplete="off" onChange={(event) => onChange(event.target.value)} />
  );
}

function Unknown({ names, onAdd }) {
  return (
    <div className="note" data-tone="amber" role="note">
      <CircleAlert size={16} aria-hidden="true" />
      <div className="row-wrap">
        <span>The texts read what is not described here:</span>
        {names.map((name) => (
          <button key={name} type="button" className="chip" onClick={() => onAdd(name)}><Plus size={12} aria-hidden="true" />{name}</button>
        ))}
      </div>
    </div>
  );
}

function Text({ text, broken, problems, onText }) {
  const messages = broken ? [broken] : problems.map((one) => (one.path ? `${one.path}: ${one.message}` : one.message));
  return (
    <div className="field data-text">
      <label htmlFor="schema" className="field-label">JSON Schema</label>
      <textarea id="schema" className="input mono" value={text} spellCheck="false" placeholder="{}" aria-invalid={messages.length > 0 || undefined}
        aria-describedby="schema-about" onChange={(event) => onText(event.target.value)} />
      {messages.map((message) => <span key={message} className="field-error" role="alert"><CircleAlert size={12} aria-hidden="true" />{message}</span>)}
      <span id="schema-about" className="field-help">Draft 2020-12. What is sent by POST /messages is held to it; the examples fill in the preview.</span>
    </div>
  );
}
