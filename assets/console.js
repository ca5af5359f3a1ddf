/* Keyboard and small text helpers of the console; no state of its own, nothing from elsewhere. */
(() => {
  "use strict";
  const command = (event) => event.metaKey || event.ctrlKey;
  const click = (selector) => {
    const target = document.querySelector(selector);
    if (target) target.click();
    return Boolean(target);
  };

  document.addEventListener("keydown", (event) => {
    if (command(event) && event.key.toLowerCase() === "k" && click("[data-open-palette]")) event.preventDefault();
    if (command(event) && event.key.toLowerCase() === "s" && document.querySelector("[data-save]")) {
      event.preventDefault();
      click("[data-save]");
    }
    if (event.target instanceof Element && event.target.closest(".palette")) palette(event);
    else if (!along(event)) turn(event);
  });

  /* Along a row of choices the arrows go from one to the next, and choose it. */
  function along(event) {
    const row = event.target instanceof Element && event.target.closest("[data-along]");
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!row || !step || command(event) || event.altKey) return false;
    const items = [...row.querySelectorAll("button")];
    const next = items[items.indexOf(event.target) + step];
    event.preventDefault();
    next?.focus();
    next?.click();
    return true;
  }

  /* On a page of days the arrows go on and back, unless they have something to do where one is. */
  function turn(event) {
    const way = { ArrowLeft: "[data-previous]", ArrowRight: "[data-following]" }[event.key];
    const busy = event.target instanceof Element && event.target.closest("input, select, textarea, [role='dialog'], [role='menu']");
    if (way && !busy && !command(event) && !event.altKey && !event.shiftKey && click(way)) event.preventDefault();
  }

  /* What a form needs from the page's own address is filled in as it is sent: it may be sent before the page has
     heard from the server. */
  document.addEventListener("submit", (event) => {
    const asked = new URLSearchParams(location.search);
    for (const field of event.target.querySelectorAll("input[data-asked]")) {
      field.value = asked.get(field.name) || "";
    }
  }, true);

  /* What is not saved is not left without asking; a section says so itself. */
  const unsaved = () => document.querySelector("[data-unsaved='true']");
  window.addEventListener("beforeunload", (event) => {
    if (unsaved()) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    const away = event.target instanceof Element && event.target.closest("a[href]");
    const elsewhere = away && !command(event) && new URL(away.href).pathname !== location.pathname;
    if (!elsewhere || !unsaved() || confirm("Leave without saving your changes?")) return;
    event.preventDefault();
    event.stopPropagation();
  }, true);

  /* A file is read here and put into the text field of that name: it goes to the server with the form. */
  document.addEventListener("change", async (event) => {
    const name = event.target instanceof HTMLInputElement && event.target.dataset.fills;
    const field = name && document.getElementById(name);
    if (!field || !event.target.files.length) return;
    field.value = readable(await event.target.files[0].arrayBuffer());
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });

  /* A slider and its number field follow each other. */
  document.addEventListener("input", (event) => {
    const twin = event.target instanceof HTMLInputElement && document.getElementById(event.target.dataset.twin);
    if (twin) twin.value = event.target.value;
  });

  /* Text as it stands; anything else, such as a .p12, in base64. */
  function readable(buffer) {
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(buffer);
    } catch {
      return btoa(Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join(""));
    }
  }

  function palette(event) {
    const list = event.target.closest(".palette");
    const items = [...list.querySelectorAll(".palette-item")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && items.length) {
      event.preventDefault();
      const at = items.indexOf(document.activeElement);
      const next = at < 0 ? (step > 0 ? 0 : items.length - 1) : at + step;
      (items[next] || list.querySelector("input")).focus();
    } else if (event.target.tagName !== "INPUT") {
      if ((event.key.length === 1 || event.key === "Backspace") && !command(event)) list.querySelector("input").focus();
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      enter(list, event.target, event.target.value);
    }
  }

  /* Enter opens the first thing. What is still being looked for is waited for, until something else is done. */
  function enter(list, input, text) {
    const first = list.querySelector(".palette-item");
    const busy = list.querySelector(".palette-list[aria-busy='true']");
    if (first && !(busy && first.closest(".palette-things"))) first.click();
    else if (busy && input.value === text && input.matches(":focus")) setTimeout(enter, 30, list, input, text);
  }
})();
