/* The content that is being composed, as the browser holds it: which layer a field is in, what shows through from the
   layers below, and what a device would show. No screen, no server: each function of `compose` gives a new value. */
(() => {
  "use strict";
  const PLATFORMS = ["ios", "android", "web"];
  const SECTIONS = new Set(["locales", ...PLATFORMS]);
  const FIELDS = new Set([
    "title", "subtitle", "body", "image", "link", "actions", "data", "badge", "sound", "silent", "ttl_seconds",
    "collapse_key", "thread",
  ]);
  const WORDS = ["title", "subtitle", "body", "actions"];
  const RIGHT_TO_LEFT = /^(ar|arc|ckb|dv|fa|ha-arab|he|iw|ks|ku-arab|ps|sd|ug|ur|uz-arab|yi)(-|$)/i;

  /** The content of the variant that is open; an empty one before there is any. */
  const content = (draft) => draft?.contents?.[draft.variant ?? 0] ?? {};

  /** The layers from which a field may come, lowest first: base, locale, platform, platform's locale. */
  const layers = (made, platform, tags) => {
    const section = (platform && made?.[platform]) || {};
    const spoken = (layer) => tags.filter((tag) => layer?.locales?.[tag]).map((tag) => layer.locales[tag]);
    return [made ?? {}, ...spoken(made), ...(platform ? [section, ...spoken(section)] : [])];
  };

  /** A language with its wider forms, widest first: pt, pt-BR. */
  const widening = (tag) => {
    const parts = tag ? tag.split("-") : [];
    return parts.map((_, at) => parts.slice(0, at + 1).join("-"));
  };

  const place = (draft) => [draft.platform || "", draft.language || ""];

  const layerOf = (made, platform, language) => {
    const section = platform ? made?.[platform] : made;
    return language ? section?.locales?.[language] : section;
  };

  /** A field as the layer that is open says it; undefined when it says nothing. */
  const own = (draft, name) => {
    const value = layerOf(content(draft), ...place(draft))?.[name];
    return SECTIONS.has(name) ? undefined : value;
  };

  /** What would show there if the open layer said nothing; undefined at the very bottom. */
  const inherited = (draft, name) => {
    const [platform, language] = place(draft);
    if (!platform && !language) return undefined;
    const made = content(draft);
    const top = layerOf(made, platform, language);
    const below = layers(made, platform, widening(language)).filter((layer) => layer !== top);
    return below.reduce((found, layer) => lay(found, layer[name]), undefined);
  };

  const isMap = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
  const lay = (below, value) =>
    value === undefined ? below : isMap(below) && isMap(value) ? { ...below, ...value } : value;

  const without = (map, name) => Object.fromEntries(Object.entries(map ?? {}).filter(([key]) => key !== name));
  const changed = (layer, name, value) =>
    value === undefined ? without(layer, name) : { ...layer, [name]: value };

  const inSection = (section, language, change) =>
    language
      ? { ...section, locales: { ...section?.locales, [language]: change(section?.locales?.[language] ?? {}) } }
      : change(section ?? {});

  /** The draft with a field of the open layer changed; undefined takes it out, so that the layer below shows. */
  const put = (draft, name, value) => {
    const [platform, language] = place(draft);
    const change = (layer) => changed(layer, name, value);
    const made = content(draft);
    const now = platform
      ? { ...made, [platform]: inSection(made[platform], language, change) }
      : inSection(made, language, change);
    return withContent(draft, now);
  };

  /** The draft with another content in the open variant; `edit` tells the server's answers apart. */
  const withContent = (draft, now) => ({
    ...draft,
    edit: (draft.edit ?? 0) + 1,
    contents: (draft.contents ?? [{}]).map((one, at) => (at === (draft.variant ?? 0) ? now : one)),
  });

  /** Every language that any layer of the open variant speaks, sorted. */
  const languages = (draft) => {
    const made = content(draft);
    const tags = [made, ...PLATFORMS.map((name) => made[name])].flatMap((layer) => Object.keys(layer?.locales ?? {}));
    return [...new Set(tags)].sort();
  };

  /** How a tag is usually spelt (pt_br is pt-BR); "" for what is none. */
  const normal = (tag) => {
    const said = String(tag ?? "").trim();
    if (said.length > 35 || !/^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*$/.test(said)) return "";
    const [language, ...rest] = said.split(/[-_]/);
    return [language.toLowerCase(), ...rest.map(subtag)].join("-");
  };
  const subtag = (part) => {
    if (/^[A-Za-z]{2}$/.test(part)) return part.toUpperCase();
    return /^[A-Za-z]{4}$/.test(part) ? part[0].toUpperCase() + part.slice(1).toLowerCase() : part.toLowerCase();
  };

  /** With another language, empty: until something is said there it takes the words from below. */
  const withLanguage = (draft, tag) => {
    const made = content(draft);
    const opened = { ...draft, language: tag };
    if (made.locales?.[tag]) return opened;
    return withContent(opened, { ...made, locales: { ...made.locales, [tag]: {} } });
  };

  /** Without a language, in every layer; the default one is opened. */
  const withoutLanguage = (draft, tag) => {
    const made = content(draft);
    const rest = (layer) => (layer?.locales ? { ...layer, locales: without(layer.locales, tag) } : layer);
    const now = PLATFORMS.reduce(
      (found, name) => (found[name] ? { ...found, [name]: rest(found[name]) } : found), rest(made),
    );
    return withContent({ ...draft, language: "" }, now);
  };

  /** The open layer with the words that another language says in the same place ("" is the default one). */
  const copied = (draft, from) => {
    const [platform, language] = place(draft);
    const said = resolve(content(draft), platform, from ? [from] : []);
    const words = WORDS.filter((name) => said[name]?.length).reduce(
      (found, name) => put(found, name, said[name]), { ...draft, language },
    );
    return words;
  };

  /** The words that the default language says and this one does not, in the layer for all platforms. */
  const missing = (draft, tag) => {
    const made = content(draft);
    const said = widening(tag).reduce((found, one) => ({ ...found, ...made.locales?.[one] }), {});
    return WORDS.filter((name) => made[name]?.length && said[name] === undefined);
  };

  /** Whether a layer says anything of its own. */
  const says = (made, platform, language) =>
    Object.keys(layerOf(made, platform, language) ?? {}).some((name) => !SECTIONS.has(name));

  /** The languages to try, best first, each followed by its wider forms; the app's own ends them. */
  const chain = (device, user, base) => {
    const last = widening(base).reverse();
    const wanted = [...new Set([device, user].flatMap((tag) => widening(tag).reverse()))];
    const at = wanted.findIndex((tag) => last.includes(tag));
    return at < 0 ? [...wanted, ...last] : [...wanted.slice(0, at), ...last.slice(last.indexOf(wanted[at]))];
  };

  /** What `backend.domain.content.resolve` makes of it: base < locale < platform < platform's locale. */
  const resolve = (made, platform, locales) => {
    const section = made?.[platform] ?? {};
    const spoken = new Set([...Object.keys(made?.locales ?? {}), ...Object.keys(section.locales ?? {})]);
    const locale = locales.find((tag) => spoken.has(tag)) ?? locales.at(-1) ?? "";
    const found = {};
    const options = {};
    for (const layer of layers(made, platform, widening(locale))) {
      for (const [name, value] of Object.entries(layer)) {
        if (SECTIONS.has(name)) continue;
        const target = layer === made || FIELDS.has(name) ? found : options;
        target[name] = lay(target[name], value);
      }
    }
    return { ...found, options, locale };
  };

  /* What the previews have told of their cuts before a form listened, by field and by where it is cut. */
  const cuts = {};
  const withCut = (held, detail) => {
    const place = `${detail.platform}-${detail.state}`;
    return { ...held, [detail.field]: { ...held[detail.field], [place]: detail } };
  };
  globalThis.addEventListener?.("tocsin-cut", ({ detail }) => Object.assign(cuts, withCut(cuts, detail)));

  Object.assign((globalThis.tocsin ??= {}), {
    cuts, withCut,
    compose: {
      PLATFORMS, RIGHT_TO_LEFT, content, own, inherited, put, withContent, languages, normal, withLanguage,
      withoutLanguage, copied, missing, says, chain, resolve,
    },
  });
})();
