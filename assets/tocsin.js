/* Tocsin for web pages: asks for permission, registers the browser as a device, tells who it is and what it does.
 *
 *   <script src="https://push.example.com/tocsin.js"></script>
 *   tocsin.start({ key: "your client key" });
 *   button.onclick = () => tocsin.subscribe();
 *
 * Every call gives a promise. What the API refuses rejects it with an Error whose `status` and `problem` say why.
 */
"use strict";

globalThis.tocsin = (() => {
  const STORE = "tocsin";
  const served = new URL(document.currentScript.src).origin;
  const given = { api: served, key: "", worker: "/push-worker.js", token: undefined };

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
  const forget = (name) => within("readwrite", (store) => store.delete(name));

  const call = async (method, path, body) => {
    const device = await read("device");
    const headers = { Authorization: `Bearer ${given.key}` };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (device?.secret) headers["Tocsin-Device"] = `${device.id}.${device.secret}`;
    if (given.token) headers["Tocsin-User"] = given.token;
    const sent = body === undefined ? undefined : JSON.stringify(body);
    const answer = await fetch(`${given.api}/api/v1${path}`, { method, headers, body: sent });
    const told = answer.status === 204 ? null : await answer.json().catch(() => null);
    if (answer.ok) return told;
    const wrong = told?.errors?.map((one) => `${one.field}: ${one.message}`).join("; ");
    throw Object.assign(new Error(wrong || told?.detail || answer.statusText), { status: answer.status, problem: told });
  };

  const own = async (method, wishes) => {
    const device = await read("device");
    if (!device) throw new Error("This browser is not subscribed.");
    return call(method, `/devices/${device.id}/preferences`, wishes);
  };

  /** Such as "Chrome on Windows": by this a person knows it among their devices. */
  const model = () => {
    const found = (names) => names.find(([mark]) => mark.test(navigator.userAgent))?.[1];
    const browser = found([[/Edg/, "Edge"], [/OPR/, "Opera"], [/Firefox|FxiOS/, "Firefox"], [/Chrome|CriOS/, "Chrome"], [/Safari/, "Safari"]]);
    const system = found([[/iPhone/, "iPhone"], [/iPad/, "iPad"], [/Android/, "Android"], [/CrOS/, "ChromeOS"], [/Windows/, "Windows"], [/Mac/, "Mac"], [/Linux/, "Linux"]]);
    return browser && system ? `${browser} on ${system}` : undefined;
  };

  const facts = () => ({
    model: model(),
    locale: navigator.language,
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    permission: { granted: "granted", denied: "denied", default: "unknown" }[Notification.permission],
  });

  const supported = () => "serviceWorker" in navigator && "PushManager" in globalThis && "Notification" in globalThis;

  const bytes = (text) =>
    Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));

  const same = (one, other) => !!one && new Uint8Array(one).toString() === other.toString();

  const registered = async (subscription, userId) => {
    const body = { platform: "web", subscription: subscription.toJSON(), ...facts() };
    if (userId) body.user_id = userId;
    const made = await call("POST", "/devices", body);
    const known = await read("device");
    const device = { id: made.id, secret: made.secret ?? (known?.id === made.id ? known.secret : undefined) };
    await write("device", device);
    return device;
  };

  const subscription = async () => (await navigator.serviceWorker.getRegistration(given.worker))?.pushManager.getSubscription();

  return {
    /** Says which installation and app this page belongs to: `{key, api?, worker?, token?}`; brings a known device up to date. */
    async start(options) {
      Object.assign(given, options);
      given.api = given.api.replace(/\/$/, "");
      await write("api", given.api);
      await write("key", given.key);
      const [device, current] = [await read("device"), supported() && (await subscription())];
      if (device && current) await registered(current);
      return this.state();
    },

    /** unsupported (an iPhone must first add the page to its home screen), denied, off or on. */
    async state() {
      if (!supported()) return "unsupported";
      if (Notification.permission === "denied") return "denied";
      return (await read("device")) && (await subscription()) ? "on" : "off";
    },

    /** Asks for permission and registers this browser; call it from a click. The device's id, or null when declined. */
    async subscribe(userId) {
      if (!supported()) throw new Error("This browser takes no pushes here.");
      if ((await Notification.requestPermission()) !== "granted") return null;
      const key = bytes((await call("GET", "/webpush-key")).public_key);
      const worker = await navigator.serviceWorker.register(given.worker);
      await navigator.serviceWorker.ready;
      const old = await worker.pushManager.getSubscription();
      if (old && !same(old.options.applicationServerKey, key)) await old.unsubscribe();
      const asked = { userVisibleOnly: true, applicationServerKey: key };
      const made = await worker.pushManager.subscribe(asked);
      const device = await registered(made, userId);
      if (device.secret) return device.id;
      await made.unsubscribe(); // known there, but this browser has lost the secret: a new address gets a new one
      return (await registered(await worker.pushManager.subscribe(asked), userId)).id;
    },

    /** Takes this browser off: nothing is sent to it any more. */
    async unsubscribe() {
      const [device, current] = [await read("device"), await subscription()];
      if (device) await call("DELETE", `/devices/${device.id}`);
      await forget("device");
      await current?.unsubscribe();
    },

    /** Says who signed in. `token` is the JWT that your back end signed, where the app asks for one. */
    async identify(userId, token) {
      given.token = token;
      const device = await read("device");
      if (device) await call("PATCH", `/devices/${device.id}`, { user_id: userId });
    },

    /** The person has signed out: the device goes on as nobody in particular. */
    async signOut() {
      const device = await read("device");
      if (device) await call("PATCH", `/devices/${device.id}`, { user_id: null });
      given.token = undefined;
    },

    /** Tells what the person did: `tocsin.event("purchase", { properties: { plan: "pro" }, value: 9.9, currency: "EUR" })`. */
    event: (name, details = {}) => call("POST", "/events", { events: [{ id: crypto.randomUUID(), name, ...details }] }),

    /** Merges attributes into the person's profile; null removes one. */
    attributes: (attributes) => call("PUT", "/users/me", { attributes }),

    /** What the person wants to hear, and when; see `PUT /users/{user_id}/preferences` for what may be set. */
    preferences: () => call("GET", "/users/me/preferences"),
    setPreferences: (wishes) => call("PUT", "/users/me/preferences", wishes),

    /** The same for this browser alone: `{ categories: { marketing: false } }`; null follows the person again. */
    devicePreferences: () => own("GET"),
    setDevicePreferences: (wishes) => own("PUT", wishes),

    /** The address of the person's own preference page, good for so many days: `{ url, expires_at }`. */
    preferencesLink: (days = 30) => call("POST", "/users/me/preferences-link", { expires_in_days: days }),
  };
})();
