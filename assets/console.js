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
  });

  /* What a form needs from the page's own address is filled in as it is sent: it may be sent before the page has
     heard from the server. */
  document.addEventListener("submit", (event) => {
    const asked = new URLSearchParams(location.search);
    for (const field of event.target.querySelectorAll("input[data-asked]")) {
      field.value = asked.get(field.name) || "";
    }
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
    } else if (event.key === "Enter" && event.target.tagName === "INPUT" && items.length) {
      event.preventDefault();
      items[0].click();
    }
  }

  /* What a text looks like before a person is chosen: a variable shows its default, else its own name. */
  const OUTPUT = /\{\{\s*([^}|]+?)\s*(?:\|([^}]*))?\}\}/g;
  const sample = (text) =>
    String(text ?? "")
      .replace(/\{%[^%]*%\}/g, "")
      .replace(OUTPUT, (_, name, filters) => {
        const preset = /default\(\s*(['"])(.*?)\1/.exec(filters || "");
        return preset ? preset[2] : `‹${name.split(".").pop()}›`;
      });
  const host = (address) => {
    try {
      return new URL(address).host;
    } catch {
      return "";
    }
  };
  globalThis.tocsin = { sample, host };
})();
