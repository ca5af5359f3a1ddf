/* What is typed in the composer is not lost while the server is away: it stays here until it is known to be saved, and
   is handed over when the server asks anew. And which step is open stands in the address. */
(() => {
  "use strict";
  const NAME = "tocsin-unsaved-";
  const MOST = 100;
  const STEPS = ["audience", "message", "experiment", "delivery", "launch"];
  let sent = new Map(); // contents by edit, of what was handed to the server
  let ground = null; // the contents that the server is known to have
  let kept = 0;

  const place = (campaign) => NAME + campaign;
  const stored = (campaign) => {
    try {
      return JSON.parse(sessionStorage.getItem(place(campaign)));
    } catch {
      return null;
    }
  };
  const remember = (draft) => {
    try {
      sessionStorage.setItem(place(draft.of), JSON.stringify({ ...draft, ground }));
    } catch {
      /* no room: it is still in the page */
    }
  };
  const forget = (campaign) => sessionStorage.removeItem(place(campaign));

  /** The draft on its way to the server. */
  const outgoing = (draft) => {
    if (!draft?.of || draft.edit <= kept) return draft;
    sent.set(draft.edit, draft.contents);
    if (sent.size > MOST) sent.delete(sent.keys().next().value);
    remember(draft);
    return draft;
  };

  /** The server has saved the draft as it was at this edit. */
  const saved = (draft, edit) => {
    ground = sent.get(edit) ?? ground;
    kept = Math.max(kept, edit);
    sent = new Map([...sent].filter(([at]) => at > kept));
    if (!draft?.of) return;
    if (draft.edit > kept) remember(draft);
    else forget(draft.of);
  };

  /** What the page has of this campaign that the server has not. */
  const unsaved = (campaign, draft) => {
    if (draft?.of === campaign) return draft.edit > kept ? { ...draft, ground } : null;
    return stored(campaign);
  };

  /** Takes what the server gives as the draft, `safe` when it is saved so; answers with what was not saved before. */
  const welcome = (given, safe, draft, tellDraft, tellKept) => {
    const left = unsaved(given.of, draft);
    sent = new Map();
    ground = safe ? given.contents : (left?.ground ?? ground);
    kept = safe ? given.edit : given.edit - 1;
    if (safe) forget(given.of);
    else remember(given);
    tellDraft(given);
    tellKept(kept);
    return left;
  };

  /* The steps. Each is a place in the history of the browser, which the router need not hear of: the page stays. */
  const bar = () => document.querySelector("[data-steps]");
  const asked = () => {
    const step = new URLSearchParams(location.search).get("step");
    return STEPS.includes(step) ? step : "";
  };
  let tell = null;

  const open = (step, teller, quiet) => {
    tell = teller ?? tell;
    const address = new URL(location.href);
    if (address.searchParams.get("step") !== step) {
      address.searchParams.set("step", step);
      history[quiet ? "replaceState" : "pushState"](history.state, "", address);
    }
    const left = document.activeElement?.closest(".composer-step-panel");
    tell?.(step);
    if (!quiet) window.scrollTo({ top: 0 });
    requestAnimationFrame(() => {
      show();
      if (left?.hidden) bar()?.querySelector("[aria-selected='true']")?.focus();
    });
  };

  /** On a narrow screen the bar is wider than the page: the open step is brought into sight. */
  const show = () => {
    const open = bar()?.querySelector("[aria-selected='true']");
    if (open) bar().scrollLeft = open.offsetLeft + open.offsetWidth / 2 - bar().clientWidth / 2;
  };

  window.addEventListener("popstate", (event) => {
    if (bar()?.dataset.steps !== location.pathname.split("/")[2]) return;
    event.stopImmediatePropagation();
    tell?.(asked() || "audience");
    requestAnimationFrame(show);
  }, true);

  document.addEventListener("keydown", (event) => {
    const items = [...(bar()?.querySelectorAll("[data-step]") ?? [])];
    const at = items.indexOf(event.target);
    const number = event.altKey && !event.ctrlKey && !event.metaKey && /^Digit([1-9])$/.exec(event.code);
    const away = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: items.length - 1 }[event.key];
    const chosen = number ? items[number[1] - 1] : at < 0 || event.altKey ? null : items[away];
    if (!chosen) return;
    event.preventDefault();
    chosen.focus();
    chosen.click();
  });

  Object.assign((globalThis.tocsin ??= {}), { keep: { outgoing, saved, unsaved, welcome }, steps: { asked, open, show } });
})();
