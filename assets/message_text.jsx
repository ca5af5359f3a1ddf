/* A text with variables: a real text area over a drawing of the same text, in which variables, mistakes and cuts are
   marked. Copy, paste, undo and the caret are the browser's own. */
import { lazy, Suspense, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { Popover } from "@radix-ui/themes";
import { Braces, Smile } from "lucide-react";
import { VariableMenu, goBack } from "./message_variables.jsx";
import { pieces } from "./message_words.js";

const EmojiPicker = lazy(() => import("emoji-picker-react"));
/** Puts text at the caret as if it were typed, so that undo takes it back; at the end of what nobody has been in. */
function insert(field, text) {
  if (!field.dataset.seen) field.setSelectionRange(field.value.length, field.value.length);
  field.focus();
  if (document.execCommand("insertText", false, text)) return;
  field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

export function TextField({ id, value, placeholder, lines, problems, cuts, invalid, describedBy, label, tools, right, onText }) {
  const field = useRef(null);
  const ink = useRef(null);
  const follow = () => {
    ink.current.scrollTop = field.current.scrollTop;
  };
  useLayoutEffect(follow);
  const typed = (event) => onText(lines === 1 ? event.target.value.replace(/[\r\n]+/g, " ") : event.target.value);
  const keep = (event) => {
    if (lines === 1 && event.key === "Enter" && !event.nativeEvent.isComposing) event.preventDefault();
  };
  const heard = useRef(null);
  heard.current = typed;
  // React writes the default text of every area it draws again, and the page is styled anew for each: so an area is drawn once.
  const area = useMemo(() => (
    <textarea id={id} ref={field} className="mf-area" dir={right ? "rtl" : "auto"} rows={lines === 1 ? 1 : 3} defaultValue={value ?? ""}
      placeholder={placeholder} aria-label={label} aria-invalid={invalid || undefined} aria-describedby={describedBy} autoComplete="off" spellCheck="true"
      onFocus={(event) => { event.target.dataset.seen = "true"; }} onInput={(event) => heard.current(event)} onScroll={follow} onKeyDown={keep} />
  ), [id, right, lines, placeholder, label, Boolean(invalid), describedBy]);
  return (
    <div className="mf-text" data-lines={lines} data-invalid={invalid || undefined}>
      <div className="mf-ink" aria-hidden="true" dir="auto" ref={ink}>
        {pieces(value ?? "", problems, cuts).map((piece, at) => (
          <span key={at} className={piece.variable ? "mf-variable" : undefined} data-wrong={piece.wrong || undefined} data-cut={piece.cut || undefined}>
            {piece.text}
          </span>
        ))}
        {"\u200b"}
      </div>
      {area}
      {tools && <Tools field={field} emoji={tools.emoji} />}
    </div>
  );
}

function Tools({ field, emoji }) {
  const put = (text) => insert(field.current, text);
  return (
    <div className="mf-tools">
      {emoji && <EmojiButton field={field} onPick={put} />}
      <VariableMenu onInsert={put} field={field} trigger={
        <button type="button" className="icon-button" aria-label="Insert a variable" title="Insert a variable"><Braces size={14} aria-hidden="true" /></button>
      } />
    </div>
  );
}

function EmojiButton({ onPick, field }) {
  const [open, setOpen] = useState(false);
  const pick = ({ emoji }) => {
    setOpen(false);
    requestAnimationFrame(() => onPick(emoji));
  };
  const back = (event) => goBack(event, field.current);
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger>
        <button type="button" className="icon-button" aria-label="Insert an emoji" title="Insert an emoji"><Smile size={14} aria-hidden="true" /></button>
      </Popover.Trigger>
      <Popover.Content className="mf-emoji" align="end" sideOffset={4} onCloseAutoFocus={back}>
        <Suspense fallback={<div className="mf-wait skeleton" />}>
          {open && <Emoji onPick={pick} />}
        </Suspense>
      </Popover.Content>
    </Popover.Root>
  );
}

function Emoji({ onPick }) {
  const [dark, setDark] = useState(false);
  useEffect(() => setDark(Boolean(document.querySelector(".dark"))), []);
  return (
    <EmojiPicker onEmojiClick={onPick} colorScheme={dark ? "dark" : "light"} emojiStyle="native" width="100%" height={380}
      previewConfig={{ showPreview: false }} autoFocusSearch lazyLoadEmojis={false} />
  );
}
