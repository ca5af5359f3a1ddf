/* Tocsin's service worker: shows pushes, opens what they lead to, reports what became of them.
 *
 * A browser takes a worker from your own site only. Serve a file there, say /push-worker.js, with the one line
 *   importScripts("https://push.example.com/push-worker.js");
 * tocsin.js registers it and leaves in IndexedDB what it needs: the address of the API, the client key, and the
 * device with its secret. Reports that find no network wait there for the next push.
 */
"use strict";

(() => {
  const STORE = "tocsin";

  // IndexedDB as a small map, shared with tocsin.js
  const opened = () =>
    new Promise((done, fail) => {
      const asked = indexedDB.open(STORE, 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore(STORE);
      asked.onsuccess = () => done(asked.result);
      asked.onerror = () => fail(asked.error);
    });

  const within = async (mode, act) => {
    const db = await opened();
    try {
      return await new Promise((done, fail) => {
        const transaction = db.transaction(STORE, mode);
        const request = act(transaction.objectStore(STORE));
        transaction.oncomplete = () => done(request?.result);
        transaction.onabort = transaction.onerror = () => fail(transaction.error);
      });
    } finally {
      db.close();
    }
  };

  const read = (name) => within("readonly", (store) => store.get(name));
  const write = (name, value) => within("readwrite", (store) => store.put(value, name));
  const waiting = () =>
    within("readonly", (store) => store.getAll(IDBKeyRange.bound("receipt:", "receipt;", false, true)));
  const settled = (receipts) =>
    within("readwrite", (store) => receipts.forEach((one) => store.delete(nameOf(one))));
  const nameOf = (receipt) => `receipt:${receipt.m}:${receipt.type}:${receipt.action ?? ""}`;

  /** Keeps a report, then sends all that wait; what the API has taken is forgotten. */
  const report = async (push, type, action) => {
    if (!push.m || !push.t) return;
    const receipt = { m: push.m, t: push.t, type, at: new Date().toISOString(), ...(action ? { action } : {}) };
    await write(nameOf(receipt), receipt);
    const api = await read("api");
    const receipts = (await waiting()).slice(0, 500);
    if (!api || !receipts.length) return;
    try {
      const answer = await fetch(`${api}/api/v1/receipts`, {
        method: "POST",
        headers: { "Content-Type": "text/plain" }, // needs no preflight; the API reads JSON whatever it is called
        body: JSON.stringify({ receipts }),
        keepalive: true,
      });
      if (answer.ok || answer.status === 422) await settled(receipts);
    } catch {
      // no network: they wait for the next push
    }
  };

  const parsed = (data) => {
    try {
      return data?.json() ?? {};
    } catch {
      return {};
    }
  };

  self.addEventListener("push", (event) => {
    const push = parsed(event.data);
    event.waitUntil(push.notification ? show(push) : quietly(push));
  });

  const show = async (push) => {
    const { title, navigate, actions = [], data, ...looks } = push.notification;
    const buttons = Object.fromEntries(actions.map((one) => [one.action, one.navigate ?? ""]));
    if (push.app_badge !== undefined) self.navigator.setAppBadge?.(Number(push.app_badge)).catch(() => {});
    await self.registration.showNotification(title, {
      ...looks,
      actions: actions.map(({ action, title: said, icon }) => ({ action, title: said, icon })),
      data: { m: push.m, t: push.t, navigate, buttons, data },
    });
    await report(push, "delivered");
    await report(push, "displayed");
  };

  /** A silent push goes to the pages that are open: `navigator.serviceWorker.onmessage`. */
  const quietly = async (push) => {
    const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    pages.forEach((page) => page.postMessage({ tocsin: "silent", data: push.data ?? {} }));
    await report(push, "delivered");
  };

  self.addEventListener("notificationclick", (event) => {
    const push = event.notification.data ?? {};
    event.notification.close();
    const target = (event.action && push.buttons?.[event.action]) || push.navigate;
    event.waitUntil(
      Promise.all([
        target ? open(target) : undefined,
        report(push, "opened").then(() => event.action && report(push, "action", event.action)),
      ]),
    );
  });

  self.addEventListener("notificationclose", (event) => {
    event.waitUntil(report(event.notification.data ?? {}, "dismissed"));
  });

  /** A page that shows the address already comes to the front; else a new one opens. */
  const open = async (target) => {
    const url = new URL(target, self.registration.scope).href;
    const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    const page = pages.find((one) => one.url === url);
    return page ? page.focus() : self.clients.openWindow(url);
  };

  // The browser has given the device another address: the device keeps its id and its history.
  self.addEventListener("pushsubscriptionchange", (event) => {
    event.waitUntil(
      (async () => {
        const [api, key, device] = await Promise.all([read("api"), read("key"), read("device")]);
        const old = event.oldSubscription?.options;
        const fresh = event.newSubscription ?? (old && (await self.registration.pushManager.subscribe(old)));
        if (!api || !device || !fresh) return;
        await fetch(`${api}/api/v1/devices/${device.id}`, {
          method: "PATCH",
          headers: {
            Authorization: `Bearer ${key}`,
            "Content-Type": "application/json",
            "Tocsin-Device": `${device.id}.${device.secret}`,
          },
          body: JSON.stringify({ subscription: fresh.toJSON() }),
        });
      })(),
    );
  });

  self.addEventListener("install", () => self.skipWaiting());
  self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
})();
