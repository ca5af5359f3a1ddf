/* The right-hand side of a rule: one editor for each kind of value. */
import { Plus, X } from "lucide-react";
import { Chips, SuggestInput, goOn } from "./segment_combo.jsx";

const orNull = (text) => (text === "" ? null : text);

/** A whole or broken number; empty is nothing. `onChange` is told numbers only. */
function NumberInput({ value, onChange, label, part = "value", className = "", ...rest }) {
  return (
    <input type="number" step="any" className={`input sb-number ${className}`} data-part={part} aria-label={label} value={value ?? ""} {...rest}
      onChange={(event) => onChange(event.target.value === "" ? null : Number(event.target.value))} />
  );
}

function Days({ value, onChange, disabled, optional, invalid }) {
  return (
    <span className="sb-unit">
      <NumberInput value={value} onChange={onChange} label="Days" part="days" min="0" disabled={disabled} placeholder={optional ? "any" : ""} aria-invalid={invalid} />
      {value === 1 ? "day" : "days"}
    </span>
  );
}

function TextValue({ value, onChange, field, context, disabled, invalid, label = "Value" }) {
  if (field.options.length) return <Choice value={value} options={field.options} onChange={onChange} disabled={disabled} label={label} invalid={invalid} />;
  return (
    <SuggestInput value={value} onChange={(text) => onChange(orNull(text))} field={field.suggest ? field.name : ""} examples={field.examples ?? []}
      context={context} disabled={disabled} invalid={invalid} label={label} placeholder={value === "" ? "empty text" : "Value"} />
  );
}

function Choice({ value, options, onChange, disabled, label, invalid }) {
  const known = options.some((one) => one.value === value);
  return (
    <select className="input" data-part="value" aria-label={label} aria-invalid={invalid} value={value ?? ""} disabled={disabled} onChange={(event) => onChange(event.target.value)}>
      {!known && <option value={value ?? ""}>{value || "Choose"}</option>}
      {options.map((one) => <option key={one.value} value={one.value}>{one.label}</option>)}
    </select>
  );
}

function ListValue(props) {
  const { field } = props;
  const words = field.options.length ? new Map(field.options.map((one) => [one.value, one.label])) : undefined;
  return <Chips {...props} field={field.suggest ? field.name : ""} examples={field.examples ?? []} words={words} only={field.options.length ? field.options : undefined} label="Values" />;
}

function PairOf({ value, onChange, make }) {
  const [low, high] = Array.isArray(value) ? value : [null, null];
  return (
    <span className="sb-pair">
      {make(low, (now) => onChange([now, high]), "From")}
      <span className="muted">and</span>
      {make(high, (now) => onChange([low, now]), "To")}
    </span>
  );
}

function DateInput({ value, onChange, disabled, invalid, label = "Date" }) {
  const exact = typeof value === "string" && value !== "" && !/^\d{4}-\d\d-\d\d$/.test(value);
  return (
    <input type={exact ? "text" : "date"} className="input sb-date" data-part="value" aria-label={label} aria-invalid={invalid} value={value ?? ""} disabled={disabled}
      title={exact ? "A time with its offset" : "Midnight in UTC"} onChange={(event) => onChange(orNull(event.target.value))} />
  );
}

function DateValue({ value, operator, onChange, disabled, invalid }) {
  if (operator.endsWith("Days")) return <Days value={value} onChange={onChange} disabled={disabled} invalid={invalid} />;
  const one = (now, set, label) => <DateInput value={now} onChange={set} disabled={disabled} invalid={invalid} label={label} />;
  return operator === "between" ? <PairOf value={value} onChange={onChange} make={one} /> : one(value, onChange, "Date");
}

function NumberValue({ value, operator, onChange, disabled, invalid }) {
  const one = (now, set, label) => <NumberInput value={now} onChange={set} disabled={disabled} label={label} aria-invalid={invalid} />;
  return operator === "between" ? <PairOf value={value} onChange={onChange} make={one} /> : one(value, onChange, "Number");
}

function VersionValue(props) {
  const { value, operator, onChange, disabled, invalid } = props;
  if (operator === "in" || operator === "notIn") return <ListValue {...props} />;
  const one = (now, set, label) => (
    <input className="input sb-number" data-part="value" aria-label={label} aria-invalid={invalid} placeholder="5.1.0" value={now ?? ""} disabled={disabled} onChange={(event) => set(orNull(event.target.value))} />
  );
  return operator === "between" ? <PairOf value={value} onChange={onChange} make={one} /> : <TextValue {...props} label="Version" />;
}

function BooleanValue({ value, onChange, disabled }) {
  return (
    <select className="input" data-part="value" aria-label="Value" value={String(value)} disabled={disabled} onChange={(event) => onChange(event.target.value === "true")}>
      <option value="true">true</option>
      <option value="false">false</option>
    </select>
  );
}

function ScalarValue({ value, onChange, field, context, disabled, invalid }) {
  const kept = (text) => (typeof value === "number" && text !== "" && Number.isFinite(Number(text)) ? Number(text) : orNull(text));
  return <SuggestInput value={value === null || value === undefined ? null : String(value)} onChange={(text) => onChange(kept(text))} field={field.suggest ? field.name : ""}
    examples={field.examples ?? []} context={context} disabled={disabled} invalid={invalid} label="Value" placeholder="Value" />;
}

const CONDITIONS = "[data-part=days], [data-part=property]";
const without = (values, name) => Object.fromEntries(Object.entries(values).filter(([key]) => key !== name));
const put = (values, name, value) => (value === null && name === "days" ? without(values, name) : { ...values, [name]: value });

function EventValue({ value, operator, onChange, field, disabled, invalid, context }) {
  const asked = value && typeof value === "object" ? value : {};
  const set = (name) => (now) => onChange(put(asked, name, now));
  const where = asked.where ?? {};
  const setWhere = (now) => onChange(Object.keys(now).length ? { ...asked, where: now } : without(asked, "where"));
  return (
    <span className="sb-event">
      {operator !== "notDone" && (
        <span className="sb-line">
          {operator === "sumAtLeast" && <SumOf asked={asked} set={set} field={field} disabled={disabled} invalid={invalid} />}
          {operator.startsWith("count") && (
            <span className="sb-unit">
              <NumberInput value={asked.times} onChange={set("times")} label="Times" min="0" step="1" disabled={disabled} aria-invalid={invalid} />
              {asked.times === 1 ? "time" : "times"}
            </span>
          )}
        </span>
      )}
      <span className={operator === "notDone" ? "sb-line" : "sb-line sb-since"}>
        <span className="sb-unit">
          <span className="muted">in the last</span>
          <Days value={asked.days} onChange={set("days")} disabled={disabled} optional />
        </span>
        {!disabled && !("" in where) && Object.keys(where).length < 10 && (
          <button type="button" className="sb-add sb-small" onClick={(event) => { goOn(event, CONDITIONS); setWhere({ ...where, "": null }); }}>
            <Plus size={12} aria-hidden="true" />where
          </button>
        )}
      </span>
      {Object.entries(where).map(([name, wanted], place) => (
        <WhereRow key={place} first={place === 0} name={name} wanted={wanted} where={where} setWhere={setWhere} field={field} disabled={disabled} context={context} />
      ))}
    </span>
  );
}

function SumOf({ asked, set, field, disabled, invalid }) {
  const numbers = field.properties.filter((one) => !one.kinds.length || one.kinds.includes("number")).map((one) => one.name);
  return (
    <span className="sb-unit">
      <NumberInput value={asked.amount} onChange={set("amount")} label="Amount" disabled={disabled} aria-invalid={invalid} />
      <span className="muted">of</span>
      <SuggestInput className="input sb-name" part="property" value={asked.property} onChange={set("property")} label="Property to add up" examples={["value", ...numbers]} context={NO_ASKING} disabled={disabled} />
    </span>
  );
}

const NO_ASKING = { ask: () => {}, suggestions: null };

const TYPES = { string: "text", number: "number", boolean: "boolean" };
const AS = { text: (value) => (value === null ? null : String(value)), number: (value) => (value === null || value === "" || Number.isNaN(Number(value)) ? null : Number(value)), boolean: (value) => value === true || value === "true" };

function WhereRow({ first, name, wanted, where, setWhere, field, disabled }) {
  const property = field.properties.find((one) => one.name === name);
  const type = wanted === null ? (property?.kinds.find((kind) => kind in AS) ?? "text") : TYPES[typeof wanted];
  const entries = Object.entries(where);
  const rename = (now) => {
    const other = field.properties.find((one) => one.name === now);
    const kind = other?.kinds.find((one) => one in AS);
    if (now !== name && now in where) return;
    setWhere(Object.fromEntries(entries.map(([key, value]) => (key === name ? [now, kind && value !== null ? AS[kind](value) : value] : [key, value]))));
  };
  const set = (value) => setWhere({ ...where, [name]: value });
  return (
    <span className="sb-line sb-where">
      <span className="muted sb-word">{first ? "where" : "and"}</span>
      <SuggestInput className="input sb-name" part="property" value={name} onChange={rename} label="Property" placeholder="Property" context={NO_ASKING} disabled={disabled}
        examples={field.properties.map((one) => one.name).filter((one) => !(one in where))} />
      <select className="input sb-type" aria-label="Compared as" value={type} disabled={disabled} onChange={(event) => set(AS[event.target.value](wanted))}>
        <option value="text">is</option>
        <option value="number">is number</option>
        <option value="boolean">is true/false</option>
      </select>
      {type === "number" && <NumberInput value={wanted} onChange={set} label="Value" disabled={disabled} />}
      {type === "boolean" && <BooleanValue value={wanted ?? true} onChange={set} disabled={disabled} />}
      {type === "text" && <SuggestInput value={wanted} onChange={(text) => set(orNull(text))} label="Value" placeholder="Value" examples={property?.examples ?? []} context={NO_ASKING} disabled={disabled} />}
      {!disabled && (
        <button type="button" className="icon-button" aria-label="Remove this condition" onClick={(event) => { goOn(event, CONDITIONS); setWhere(without(where, name)); }}>
          <X size={14} aria-hidden="true" />
        </button>
      )}
    </span>
  );
}

function PushValue({ value, onChange, field, disabled }) {
  const asked = value && typeof value === "object" ? value : { campaign: "any" };
  return (
    <span className="sb-line">
      <Choice value={asked.campaign} options={[{ value: "any", label: "any campaign" }, ...field.options]} onChange={(campaign) => onChange({ ...asked, campaign })} disabled={disabled} label="Campaign" />
      <span className="sb-unit">
        <span className="muted">in the last</span>
        <Days value={asked.days} onChange={(days) => onChange(put(asked, "days", days))} disabled={disabled} optional />
      </span>
    </span>
  );
}

const STANCES = [{ value: "opted_in", label: "opted in" }, { value: "opted_out", label: "opted out" }];

function CategoryValue({ value, onChange, disabled }) {
  return <Choice value={value} options={STANCES} onChange={onChange} disabled={disabled} label="Opted in or out" />;
}

/** Segments or lists by name. */
function PickValue({ value, onChange, field, context, disabled, invalid }) {
  const words = new Map(field.options.map((one) => [one.value, one.label]));
  return <Chips value={Array.isArray(value) ? value : value ? [value] : []} onChange={onChange} field="" examples={[]} context={context} words={words} only={field.options} label={field.label} disabled={disabled} invalid={invalid} />;
}

function SampleValue({ value, onChange, disabled }) {
  return (
    <span className="sb-sample">
      <input type="range" className="slider" min="0" max="100" step="1" aria-label="Percent of people" value={value ?? 0} disabled={disabled} onChange={(event) => onChange(Number(event.target.value))} />
      <span className="sb-unit"><NumberInput value={value} onChange={onChange} label="Percent" min="0" max="100" disabled={disabled} />%</span>
    </span>
  );
}

function PlaceValue({ value, onChange, disabled, invalid }) {
  const asked = value ?? {};
  const set = (name) => (now) => onChange({ ...asked, [name]: now });
  const part = (name, label, low, high) => <NumberInput value={asked[name]} onChange={set(name)} label={label} part={name} min={low} max={high} placeholder={name} disabled={disabled} aria-invalid={invalid} />;
  return (
    <span className="sb-line">
      <span className="sb-unit">{part("km", "Kilometres", 0, 20038)}km of</span>
      <span className="sb-unit">{part("lat", "Latitude", -90, 90)}{part("lon", "Longitude", -180, 180)}</span>
    </span>
  );
}

const EDITORS = {
  number: NumberValue, boolean: BooleanValue, date: DateValue, list: ScalarValue, version: VersionValue, event: EventValue, push: PushValue,
  category: CategoryValue, segment: PickValue, members: PickValue, sample: SampleValue, place: PlaceValue,
};

/** The editor of a rule's value; nothing where the operator takes none. */
export function RuleValue({ kind, ...props }) {
  const { operator } = props;
  if (!kind || operator === "null" || operator === "notNull") return null;
  if (kind === "text") return operator === "in" || operator === "notIn" ? <ListValue {...props} /> : <TextValue {...props} />;
  const Editor = EDITORS[kind];
  return Editor ? <Editor {...props} /> : null;
}
