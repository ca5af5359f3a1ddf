/* The languages of a message: which there are, who reads which, and what is missing. */
import { useMemo, useState } from "react";
import { Button, DropdownMenu, Popover } from "@radix-ui/themes";
import { CircleAlert, Copy, Plus, Trash2 } from "lucide-react";
import { toast } from "sonner";
import "./compose.js";
import { autonym, called, matching } from "./languages.js";
import { readers } from "./message_words.js";

const { compose } = globalThis.tocsin;
const SUGGESTED = 3;

const share = (devices, of) => {
  const percent = (100 * devices) / of;
  return percent >= 0.95 || percent === 0 ? `${Math.round(percent)}%` : "under 1%";
};

export function Languages({ draft, coverage, counts, change, onAsk }) {
  const { read, lacking, of } = useMemo(() => readers(compose.languages(draft), draft.default_locale, coverage), [draft.contents, draft.variant, draft.default_locale, coverage]);
  const tags = compose.languages(draft);
  const open = (tag) => change((held) => ({ ...held, language: tag }), null);
  const add = (tag) => change((held) => compose.withLanguage(held, tag));
  const tab = (tag, label, title) => {
    const missing = tag ? compose.missing(draft, tag) : [];
    const wrong = counts.get(tag) ?? 0;
    return (
      <button key={tag} type="button" aria-pressed={draft.language === tag} title={title} onClick={() => open(tag)} lang={tag || draft.default_locale}>
        <span dir="auto">{label}</span>
        {of > 0 && <span className="muted tnum">{share(read.get(tag) ?? 0, of)}</span>}
        {wrong > 0 ? <span className="mf-dot" data-tone="red" title="Something is wrong here" /> : missing.length > 0 && <span className="mf-dot" data-tone="amber" title={`Not translated: ${missing.join(", ")}`} />}
      </button>
    );
  };
  return (
    <div className="stack-s">
      <div className="mf-languages">
        <div className="segmented" role="group" aria-label="Language">
          {tab("", `${called(draft.default_locale)} (default)`, `${autonym(draft.default_locale)}: read where nothing else fits`)}
          {tags.map((tag) => tab(tag, called(tag), `${autonym(tag)}, ${tag}`))}
        </div>
        <AddLanguage taken={tags} onAdd={add} onOpen={onAsk} lacking={lacking} of={of} />
      </div>
      {draft.language && <Chain draft={draft} tags={tags} read={read.get(draft.language) ?? 0} of={of} change={change} />}
      {!draft.language && <Suggestions lacking={lacking} of={of} onAdd={add} />}
    </div>
  );
}

/* What is read where this language says nothing, in words. */
function Chain({ draft, tags, read, of, change }) {
  const missing = compose.missing(draft, draft.language);
  const wider = compose.chain(draft.language).filter((tag, at) => at === 0 || compose.languages(draft).includes(tag));
  const chain = [...wider.map(called), `${called(draft.default_locale)} (default)`].join(" → ");
  return (
    <div className="mf-chain small muted">
      <span>{chain}</span>
      {of > 0 && <span className="tnum">{`read on ${read.toLocaleString("en")} of ${of.toLocaleString("en")} devices`}</span>}
      {missing.length > 0 && <span className="care mf-missing"><CircleAlert size={12} aria-hidden="true" />{`Not translated: ${missing.map((name) => NAMES[name]).join(", ")}`}</span>}
      <Tools draft={draft} tags={tags} change={change} />
    </div>
  );
}

const NAMES = { title: "title", subtitle: "subtitle", body: "body", actions: "buttons" };

function Suggestions({ lacking, of, onAdd }) {
  const worth = lacking.filter(([, devices]) => devices >= of / 100).slice(0, SUGGESTED);
  if (!worth.length) return null;
  return (
    <div className="mf-suggestions small muted">
      <span>Not spoken yet:</span>
      {worth.map(([tag, devices]) => (
        <button key={tag} type="button" className="chip" onClick={() => onAdd(tag)} title={`${devices.toLocaleString("en")} devices are set to ${called(tag)}`}>
          <Plus size={12} aria-hidden="true" />{`${called(tag)}, ${share(devices, of)}`}
        </button>
      ))}
    </div>
  );
}

function AddLanguage({ taken, onAdd, onOpen, lacking, of }) {
  const [open, setOpen] = useState(false);
  const show = (wanted) => {
    setOpen(wanted);
    if (wanted) onOpen();
  };
  const pick = (tag) => {
    setOpen(false);
    onAdd(tag);
  };
  return (
    <Popover.Root open={open} onOpenChange={show}>
      <Popover.Trigger>
        <button type="button" className="icon-button" aria-label="Add a language" title="Add a language"><Plus size={14} aria-hidden="true" /></button>
      </Popover.Trigger>
      <Popover.Content className="mf-pop" align="start" sideOffset={4} onKeyDown={(event) => event.stopPropagation()}>
        {open && <Search taken={taken} onPick={pick} lacking={new Map(lacking)} of={of} />}
      </Popover.Content>
    </Popover.Root>
  );
}

function Search({ taken, onPick, lacking, of }) {
  const [asked, setAsked] = useState("");
  const [cursor, setCursor] = useState(0);
  const rows = useMemo(() => {
    const found = matching(asked).filter((row) => !taken.includes(row.tag));
    const typed = compose.normal(asked);
    const own = typed && ![...taken, ...found.map((row) => row.tag)].includes(typed) && typed.length < 12 ? [{ tag: typed, called: called(typed), autonym: typed }] : [];
    const wanted = (row) => lacking.get(row.tag) ?? 0;
    return [...(asked ? found : found.toSorted((one, other) => wanted(other) - wanted(one))), ...own];
  }, [asked]);
  const onKeyDown = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      const next = Math.max(0, Math.min(rows.length - 1, cursor + step));
      setCursor(next);
      document.getElementById(`mf-language-${next}`)?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter" && rows[cursor]) {
      event.preventDefault();
      onPick(rows[cursor].tag);
    }
  };
  return (
    <>
      <input className="sb-search" role="combobox" aria-expanded="true" aria-controls="mf-language-list" aria-activedescendant={rows[cursor] && `mf-language-${cursor}`}
        aria-label="Search languages" placeholder="Polish, polski or pl" autoFocus autoComplete="off" value={asked}
        onChange={(event) => { setAsked(event.target.value); setCursor(0); }} onKeyDown={onKeyDown} />
      <div className="sb-options" role="listbox" id="mf-language-list" aria-label="Languages">
        {rows.map((row, at) => (
          <div key={row.tag} role="option" id={`mf-language-${at}`} aria-selected={at === cursor} className="sb-option" onPointerMove={() => setCursor(at)} onClick={() => onPick(row.tag)}>
            <span className="nowrap">{row.called}</span>
            <span className="muted truncate" dir="auto" lang={row.tag}>{row.autonym}</span>
            <span className="sb-hint">{lacking.get(row.tag) && of ? share(lacking.get(row.tag), of) : row.tag}</span>
          </div>
        ))}
        {!rows.length && <div className="sb-none">No language is called that.</div>}
      </div>
    </>
  );
}

function Tools({ draft, tags, change }) {
  const from = ["", ...tags].filter((tag) => tag !== draft.language);
  const label = (tag) => (tag ? called(tag) : `${called(draft.default_locale)} (default)`);
  const remove = () => {
    const before = draft;
    change((held) => compose.withoutLanguage(held, draft.language), 0);
    const undo = () => change((held) => ({ ...compose.withContent(held, compose.content(before)), language: before.language, revision: `${held.revision}+` }));
    toast.success(`${called(before.language)} removed`, { action: { label: "Undo", onClick: undo }, duration: 10_000 });
  };
  return (
    <div className="row mf-language-tools">
      <DropdownMenu.Root>
        <DropdownMenu.Trigger><Button type="button" size="1" variant="ghost"><Copy size={12} aria-hidden="true" />Copy texts from</Button></DropdownMenu.Trigger>
        <DropdownMenu.Content size="1">
          {from.map((tag) => (
            <DropdownMenu.Item key={tag} onSelect={() => change((held) => ({ ...compose.copied(held, tag), revision: `${held.revision}+` }))}>{label(tag)}</DropdownMenu.Item>
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Root>
      <button type="button" className="icon-button" aria-label="Remove this language" title="Remove this language" onClick={remove}><Trash2 size={14} aria-hidden="true" /></button>
    </div>
  );
}
