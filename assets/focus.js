/* The keyboard is never nowhere: when what had the focus is taken away (a dialog, a button that has done its work, a
   whole page), the focus goes on nearby. For a mouse nothing is done. */
(() => {
  "use strict";
  const ABOVE = "[role='dialog'], [role='alertdialog'], [role='menu']";
  const REACHED = "a[href], button, input, select, textarea, summary, [tabindex]";
  const PAUSE = 60; // a menu that closes gives the focus back by itself, a moment later
  const PATIENCE = 20; // pauses in which a button that works may be out of use
  const MOST = 20;
  let past = []; // what had the focus, the latest last
  let keys = false;
  let timer = 0;

  const nowhere = () => document.activeElement === document.body;
  const usable = (node) =>
    node.isConnected && node.matches(REACHED) && node.tabIndex >= 0 && !node.disabled && node.checkVisibility({ visibilityProperty: true });

  /** Where a node stands within its page or dialog: the boxes around it, each with the place of the child that leads to it. */
  const around = (node) => {
    const found = [];
    for (let child = node; child.parentElement && !child.matches(`main, body, ${ABOVE}`); child = child.parentElement)
      found.push({ box: child.parentElement, at: [...child.parentElement.children].indexOf(child) });
    return found;
  };

  /** The first thing to reach at that place of a box or after it, else before it. */
  const nearby = ({ box, at }) => {
    if (!box.isConnected || box.matches("main, body")) return null;
    const children = [...box.children];
    return [...children.slice(at), ...children.slice(0, at).reverse()].flatMap((child) => [child, ...child.querySelectorAll(REACHED)]).find(usable);
  };

  /** What takes the place of what had the focus; of a dialog, what had it before. */
  const next = ({ node, above, places }) => {
    if (above && !above.isConnected) return past.findLast((one) => usable(one.node))?.node;
    const again = node.id && document.getElementById(node.id);
    if (again && usable(again)) return again;
    return places.map(nearby).find(Boolean);
  };

  const page = () => {
    const main = document.getElementById("content");
    if (main) main.tabIndex = -1;
    return main;
  };

  const restore = (patience) => {
    timer = 0;
    const lost = past.at(-1);
    if (!nowhere() || !lost || !keys) return;
    const works = lost.node.isConnected && lost.node.disabled;
    if (works && patience > 0) timer = setTimeout(restore, PAUSE, patience - 1);
    else (usable(lost.node) ? lost.node : (next(lost) ?? page()))?.focus();
  };

  const look = () => {
    if (keys && !timer && past.length && nowhere()) timer = setTimeout(restore, PAUSE, PATIENCE);
  };

  document.addEventListener("focusin", ({ target }) => {
    past = [...past.slice(1 - MOST), { node: target, above: target.closest(ABOVE), places: around(target) }];
  });
  document.addEventListener("focusout", ({ target }) => {
    setTimeout(() => {
      if (nowhere() && usable(target)) past = []; // left on purpose
    });
  });
  document.addEventListener("keydown", () => { keys = true; }, true);
  document.addEventListener("pointerdown", () => { keys = false; }, true);
  new MutationObserver(look).observe(document.documentElement, { childList: true, subtree: true, attributeFilter: ["disabled", "hidden"] });
})();
