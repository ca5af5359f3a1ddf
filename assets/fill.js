/* What a push says on one platform, as far as a browser can tell: the part of the template language that needs no
   server, and the draft as one phone or browser would show it. No screen, no server. */
(() => {
  "use strict";
  const ROOTS = ["user", "device", "event", "data", "app"];
  const LONGEST = 8192;
  const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
  const TOKEN = new RegExp(
    `[${SPACE}]+|(?<name>[\\p{L}_][\\p{L}\\p{N}_]*)|(?<number>(?:(?<!\\.)\\d+\\.\\d+|\\d+)(?![\\p{L}\\p{N}_]))` +
      `|(?<string>'(?:[^'\\\\]|\\\\[\\s\\S])*'|"(?:[^"\\\\]|\\\\[\\s\\S])*")|(?<sign>[=!<>]=|[|()[\\].,+<>-])`,
    "uy",
  );
  const UNSHOWN =
    /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff\ufff9-\ufffb\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

  /** What a browser cannot tell: another filter, a value that is not there, a text that is still being typed. */
  class Unsure extends Error {}
  class Missing {}
  const fail = () => {
    throw new Unsure();
  };
  const there = (value) => (value instanceof Missing ? fail() : value);
  const isList = Array.isArray;
  const isMap = (value) => value !== null && typeof value === "object" && !isList(value) && !(value instanceof Missing);
  const isNumber = (value) => typeof value === "number";
  const isText = (value) => typeof value === "string";
  const entry = (map, name) => (isMap(map) && Object.hasOwn(map, name) ? (map[name] ?? new Missing()) : new Missing());

  /** How a value reads in a text, as `template_filters.as_text` writes it. */
  const asText = (value) => {
    if (isText(value)) return value.length > LONGEST ? fail() : value;
    if (typeof value === "boolean") return String(value);
    if (!isNumber(value)) return fail();
    const plain = value === 0 || (Math.abs(value) >= 1e-4 && Math.abs(value) < 1e15);
    return plain ? String(value) : fail();
  };
  const truth = (value) => {
    if (isMap(there(value))) return Object.keys(value).length > 0;
    return isList(value) ? value.length > 0 : Boolean(value);
  };
  const number = (value) => {
    if (isNumber(value)) return value;
    return isText(value) && /^-?\d{1,15}(\.\d{1,15})?$/.test(value) ? Number(value) : fail();
  };
  const plus = (left, right) => (isText(left) && isText(right) ? left + right : number(there(left)) + number(there(right)));
  const scalar = (value) => {
    if (value === null || typeof there(value) === "object" || /[\ud800-\udfff]/.test(value)) fail();
    return typeof value === "boolean" ? Number(value) : value;
  };
  const ordered = (test) => (left, right) => {
    const [a, b] = [scalar(left), scalar(right)];
    return typeof a === typeof b ? test(a, b) : fail();
  };
  const within = (part, whole) => {
    if (isText(there(whole))) return isText(part) ? whole.includes(part) : fail();
    return isList(whole) ? whole.map(scalar).includes(scalar(part)) : fail();
  };
  const COMPARE = {
    "==": (a, b) => scalar(a) === scalar(b),
    "!=": (a, b) => scalar(a) !== scalar(b),
    "<": ordered((a, b) => a < b),
    "<=": ordered((a, b) => a <= b),
    ">": ordered((a, b) => a > b),
    ">=": ordered((a, b) => a >= b),
    in: within,
    "not in": (a, b) => !within(a, b),
  };

  /* Where Python and JavaScript may write a letter's case differently, a browser does not say that it knows. */
  const cased = (text) => (/[\u0130\u01c4-\u01cc\u01f1-\u01f3\u03a3\u10a0-\u10ff\u1c90-\u1cbf]/.test(text) ? fail() : text);
  const headCase = (letter) => {
    const head = letter.toUpperCase();
    return [...head].length === 1 ? head : fail();
  };
  const capitalize = (text) => {
    const [first = "", ...rest] = [...cased(text)];
    return headCase(first || " ").trim() + rest.join("").toLowerCase();
  };
  const AFTER_APOSTROPHE = /(?<=[\p{L}\p{Nl}\p{No}]{2}['’])[\p{L}\p{Nl}\p{No}]/gu;
  const titled = (text) => {
    let inside = false;
    const heads = [...cased(text)].map((letter) => {
      const written = inside ? letter.toLowerCase() : /\p{Cased}/u.test(letter) ? headCase(letter) : letter;
      inside = /\p{Cased}/u.test(letter);
      return written;
    });
    return heads.join("").replace(AFTER_APOSTROPHE, (letter) => letter.toLowerCase());
  };
  /** In Turkish an i keeps its dot and an ı has none. */
  const dotted = (locale, pairs) => (text) =>
    /^(tr|az)(-|$)/.test(locale) ? text.replace(/[iIİ]/g, (letter) => pairs[letter] ?? letter) : cased(text);
  const trimEnd = (text) => text.replace(new RegExp(`[${SPACE}]+$`), "");
  const trim = (text) => trimEnd(text).replace(new RegExp(`^[${SPACE}]+`), "");
  const truncate = (text, length = 80, end = "…") => {
    const [letters, ending] = [[...text], [...asText(end)]];
    if (!isNumber(length) || ending.length > length || length > LONGEST) fail();
    if (letters.length <= length) return text;
    const cut = length - ending.length;
    const sign = [letters[cut - 1], letters[cut]].join("");
    return /[\p{M}\p{Cf}\p{Emoji_Modifier}]/u.test(sign) ? fail() : trimEnd(letters.slice(0, cut).join("")) + ending.join("");
  };
  const fallback = (_locale, value, other = "", alsoEmpty = false) =>
    value instanceof Missing || (truth(alsoEmpty) && !truth(value)) ? other : value;
  const ofText = (change) => (_locale, value, ...args) => change(asText(there(value)), ...args);
  const FILTERS = {
    default: [fallback, 2],
    upper: [(locale, value) => dotted(locale, { i: "İ" })(asText(there(value))).toUpperCase(), 0],
    lower: [(locale, value) => dotted(locale, { I: "ı", İ: "i" })(asText(there(value))).toLowerCase(), 0],
    title: [ofText(titled), 0],
    capitalize: [ofText(capitalize), 0],
    trim: [ofText(trim), 0],
    truncate: [ofText(truncate), 2],
  };
  const TESTS = {
    defined: (value) => !(value instanceof Missing),
    undefined: (value) => value instanceof Missing,
    none: (value) => value instanceof Missing,
    string: isText,
    number: isNumber,
  };
  const CONSTANTS = { true: true, True: true, false: false, False: false, none: "", None: "" };
  const WORDS = new Set(["if", "else", "elif", "endif", "and", "or", "not", "in", "is"]);
  const ESCAPES = { "\\": "\\", "'": "'", '"': '"', n: "\n", t: "\t" };
  const quoted = (token) =>
    token.slice(1, -1).replace(/\\([\s\S])/g, (_, escaped) => ESCAPES[escaped] ?? fail()).replace(/\r\n?/g, "\n");

  /** The words of what stands between the marks, and where the text goes on; throws when it never ends. */
  const words = (source, from, close) => {
    const found = [];
    for (let at = from; ; ) {
      const end = /^[-+]?/.exec(source.slice(at, at + 1))[0];
      if (source.startsWith(close, at)) return { found, next: at + close.length, trims: false };
      const signed = source.startsWith(end + close, at) && end && !(end === "+" && close === "}}");
      if (signed) return { found, next: at + 1 + close.length, trims: end === "-" };
      TOKEN.lastIndex = at;
      const match = TOKEN.exec(source) ?? fail();
      const kind = Object.keys(match.groups).find((name) => match.groups[name] !== undefined);
      if (kind) found.push({ kind, text: match[0] });
      at = TOKEN.lastIndex;
    }
  };

  /** An expression as a function of its variables; `path` holds the names that it reads. */
  const parser = (tokens, locale) => {
    let at = 0;
    const named = [];
    const peek = (text, kind = "sign") => tokens[at]?.text === text && tokens[at].kind === kind;
    const skip = (text, kind) => peek(text, kind) && Boolean((at += 1));
    const need = (text, kind) => skip(text, kind) || fail();
    const take = (kind) => (tokens[at]?.kind === kind ? tokens[at++].text : fail());

    const conditional = () => {
      const value = either();
      if (!skip("if", "name")) return value;
      const test = either();
      const other = skip("else", "name") ? conditional() : () => "";
      const chosen = (scope) => (truth(test(scope)) ? value(scope) : other(scope));
      return peek("if", "name") ? fail() : chosen;
    };
    const either = () => {
      let left = both();
      while (skip("or", "name")) {
        const [first, second] = [left, both()];
        left = (scope) => ((value) => (truth(value) ? value : second(scope)))(first(scope));
      }
      return left;
    };
    const both = () => {
      let left = negated();
      while (skip("and", "name")) {
        const [first, second] = [left, negated()];
        left = (scope) => ((value) => (truth(value) ? second(scope) : value))(first(scope));
      }
      return left;
    };
    const negated = () => {
      if (!skip("not", "name")) return compared();
      const value = negated();
      return (scope) => !truth(value(scope));
    };
    const operator = () => {
      if (tokens[at]?.kind === "sign" && tokens[at].text in COMPARE) return tokens[at++].text;
      if (skip("in", "name")) return "in";
      const notIn = peek("not", "name") && tokens[at + 1]?.text === "in";
      return notIn ? ((at += 2), "not in") : "";
    };
    const compared = () => {
      const left = sum();
      const name = operator();
      if (!name) return left;
      const right = sum();
      const test = (scope) => COMPARE[name](left(scope), right(scope));
      return operator() ? fail() : test;
    };
    const sum = () => {
      let left = signed(true);
      for (;;) {
        const sign = skip("+") ? "+" : skip("-") ? "-" : "";
        if (!sign) return left;
        const [first, second] = [left, signed(true)];
        left =
          sign === "+"
            ? (scope) => plus(first(scope), second(scope))
            : (scope) => number(there(first(scope))) - number(there(second(scope)));
      }
    };
    const signed = (filters) => {
      const sign = skip("-") ? -1 : skip("+") ? 1 : 0;
      let value = sign ? signed(false) : postfix(primary());
      if (sign) value = ((plain) => (scope) => (isNumber(plain(scope)) ? sign * plain(scope) : fail()))(value);
      return filters ? filtered(value) : value;
    };
    const primary = () => {
      if (skip("(")) {
        const inner = conditional();
        need(")");
        return inner;
      }
      const { kind, text } = tokens[at++] ?? fail();
      if (kind === "string") return string(quoted(text));
      if (kind === "number") return literal(text);
      if (kind !== "name" || WORDS.has(text)) return fail();
      if (Object.hasOwn(CONSTANTS, text)) return /none/i.test(text) ? fail() : () => CONSTANTS[text];
      named.push(text);
      return ROOTS.includes(text) ? (scope) => (isMap(scope?.[text]) ? scope[text] : {}) : fail();
    };
    const literal = (text) => {
      const whole = !text.includes(".");
      return !whole && Number.isInteger(Number(text)) ? fail() : Object.assign(() => Number(text), { whole });
    };
    const string = (first) => {
      let text = first;
      while (tokens[at]?.kind === "string") text += quoted(take("string"));
      return () => text;
    };
    const postfix = (first) => {
      let value = first;
      for (;;) {
        const whole = value;
        if (skip(".")) value = attribute(whole);
        else if (skip("[")) value = item(whole);
        else return value;
      }
    };
    const attribute = (whole) => {
      if (tokens[at]?.kind === "number") return picked(whole, literal(take("number")));
      const name = take("name");
      named.push(name);
      return name.startsWith("_") ? fail() : (scope) => entry(whole(scope), name);
    };
    const item = (whole) => {
      const key = conditional();
      need("]");
      return picked(whole, key);
    };
    const picked = (whole, key) => (scope) => {
      const [value, name] = [whole(scope), there(key(scope))];
      if (isNumber(name) && !key.whole) fail();
      if (isList(value) && isNumber(name)) return value.at(name) ?? new Missing();
      return isText(name) && name.startsWith("_") ? fail() : entry(value, asText(name));
    };
    const filtered = (first) => {
      let value = first;
      for (;;) {
        if (skip("|")) value = filter(value);
        else if (skip("is", "name")) value = tested(value);
        else return value;
      }
    };
    const filter = (value) => {
      const name = take("name");
      const args = [];
      if (skip("(") && !skip(")")) {
        do args.push(conditional());
        while (skip(","));
        need(")");
      }
      const [apply, most] = Object.hasOwn(FILTERS, name) ? FILTERS[name] : fail();
      if (args.length > most || (name === "truncate" && args[0] && !args[0].whole)) fail();
      return (scope) => apply(locale, value(scope), ...args.map((arg) => arg(scope)));
    };
    const tested = (value) => {
      const wanted = !skip("not", "name");
      const name = take("name");
      const test = Object.hasOwn(TESTS, name) ? TESTS[name] : fail();
      const follows = tokens[at];
      const ends = !follows || (follows.kind === "sign" ? !"([".includes(follows.text) : ["else", "or", "and"].includes(follows.text));
      if (!ends) fail();
      return (scope) => test(value(scope)) === wanted;
    };
    const whole = (parse) => {
      const value = parse();
      return at === tokens.length ? value : fail();
    };
    return { conditional, either, whole, path: () => named };
  };

  const guess = (inside) => /[\w.]*\w/.exec(inside.replace(/'[^']*'|"[^"]*"/g, ""))?.[0].split(".").pop() ?? "…";

  /** The text as pieces: what stands as it is, what is filled in, and the conditions. */
  const pieces = (source, locale) => {
    const found = [];
    let at = 0;
    let trims = false;
    const text = (to, cut) => {
      let piece = source.slice(at, to);
      const skipped = trims ? piece.length - trimStart(piece).length : 0;
      piece = piece.slice(skipped);
      found.push({ kind: "text", at: at + skipped, text: cut ? trimEnd(piece) : piece });
    };
    for (;;) {
      const open = source.slice(at).search(/\{[{%]/);
      if (open < 0) return text(source.length, false), found;
      const start = at + open;
      text(start, source[start + 2] === "-");
      const piece = marked(source, start, locale);
      found.push(piece);
      if (piece.next < 0) return found;
      [at, trims] = [piece.next, piece.trims];
    }
  };
  const trimStart = (text) => text.replace(new RegExp(`^[${SPACE}]+`), "");

  const marked = (source, at, locale) => {
    const close = source[at + 1] === "{" ? "}}" : "%}";
    const sign = source[at + 2];
    const from = at + (sign === "-" || (sign === "+" && close === "%}") ? 3 : 2);
    try {
      const { found, next, trims } = words(source, from, close);
      return { at, next, trims, ...(close === "}}" ? output(found, locale) : statement(found, locale)) };
    } catch (error) {
      if (!(error instanceof Unsure)) throw error;
      const end = source.indexOf(close, from);
      const rest = { at, kind: "text", text: source.slice(at), unsure: true, next: -1 };
      const name = guess(source.slice(from, Math.max(end, from)));
      return end < 0 ? rest : { at, next: end + 2, trims: false, unsure: true, kind: close === "}}" ? "output" : "broken", name, value: fail };
    }
  };
  const output = (tokens, locale) => {
    const parse = parser(tokens, locale);
    const value = parse.whole(parse.conditional);
    return { kind: "output", value, name: parse.path().at(-1) ?? "…" };
  };
  const statement = (tokens, locale) => {
    const [{ text: kind } = fail(), ...rest] = tokens;
    if (kind === "else" || kind === "endif") return rest.length ? fail() : { kind };
    const parse = parser(rest, locale);
    return kind === "if" || kind === "elif" ? { kind, value: parse.whole(parse.either) } : fail();
  };

  /** `{text, map, sure}`: the text filled in, for each of its characters where in the source it comes from, and
      whether the server would say exactly the same. What is not known shows as ‹its name›. */
  const fill = (source, variables, locale = "") => {
    const made = { text: "", map: [], sure: true };
    const given = String(source ?? "");
    if (!/\{[{%]/.test(given)) return clean(add(made, given, (index) => index));
    const open = [];
    for (const piece of pieces(given, locale)) {
      const shows = open.every((one) => one.shows);
      if (piece.kind === "text") shows && add(made, piece.text, (index) => piece.at + index);
      else if (piece.kind === "output") shows && add(made, known(made, piece, variables), () => piece.at);
      else branch(made, open, piece, variables);
      if (piece.unsure) made.sure = false;
    }
    if (open.length || [given, made.text].some((text) => new TextEncoder().encode(text).length > LONGEST)) made.sure = false;
    return clean(made);
  };

  const add = (made, text, place) => {
    made.text += text;
    for (let index = 0; index < text.length; index += 1) made.map.push(place(index));
    return made;
  };
  const attempt = (made, act, otherwise) => {
    try {
      return act();
    } catch (error) {
      if (!(error instanceof Unsure)) throw error;
      made.sure = false;
      return otherwise;
    }
  };
  const known = (made, piece, variables) =>
    attempt(made, () => asText(there(piece.value(variables ?? {}))), `‹${piece.name}›`);

  const branch = (made, open, piece, variables) => {
    const around = open.slice(0, -1).every((one) => one.shows);
    const now = open.at(-1);
    const holds = () => attempt(made, () => truth(piece.value(variables ?? {})), false);
    if (piece.kind === "if") {
      const shows = open.every((one) => one.shows) && holds();
      open.push({ shows, done: shows, last: false });
    } else if (!now || piece.kind === "broken" || (now.last && piece.kind !== "endif")) {
      made.sure = false;
    } else if (piece.kind === "endif") {
      open.pop();
    } else {
      now.shows = around && !now.done && (piece.kind === "else" || holds());
      now.done ||= now.shows;
      now.last = piece.kind === "else";
    }
  };

  /** Without what cannot or must not be shown, as `backend.domain.content.clean`. */
  const clean = (made) => {
    if (!made.text.match(UNSHOWN)) return made;
    const kept = { ...made, text: "", map: [] };
    let last = 0;
    const keep = (to) => add(kept, made.text.slice(last, to), ((from) => (index) => made.map[from + index])(last));
    for (const { 0: letter, index } of made.text.matchAll(UNSHOWN)) {
      keep(index);
      const lineEnd = letter === "\r" ? made.text[index + 1] !== "\n" : "\u2028\u2029\x85".includes(letter);
      const other = lineEnd ? "\n" : /[\ud800-\udfff]/.test(letter) ? "\ufffd" : "";
      add(kept, other, () => made.map[index]);
      last = index + letter.length;
    }
    keep(made.text.length);
    return kept;
  };

  const agrees = (draft, held) =>
    Boolean(held) &&
    held.edit === draft?.edit &&
    (held.variant ?? 0) === (draft?.variant ?? 0) &&
    (held.language ?? "") === (draft?.language ?? "");

  const TEXTS = ["title", "subtitle", "body"];
  const RIGHT_TO_LEFT = /^[^\p{L}]*[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;

  /** What one platform shows of the draft now: the server's rendering while it is of this very text, else as far as
      a browser can fill it in. `maps` says for each character of a text where in its source it comes from. */
  const shown = (draft, held, platform) => {
    const { chain, content, resolve } = globalThis.tocsin.compose;
    const answer = agrees(draft, held) ? held.exact?.[platform] : undefined;
    const said = resolve(content(draft), platform, chain(draft?.language || held?.locale, null, draft?.default_locale));
    const filled = (text) => fill(text, held?.variables, said.locale);
    const words = Object.fromEntries(TEXTS.map((name) => [name, worded(filled(said[name]), answer?.[name], said.options, name)]));
    if (platform === "web" && !words.title.text) [words.title, words.body] = [words.body, words.title];
    const { locale, options = {}, ...from } = answer ?? said;
    const actions = (from.actions ?? []).map((one) => (answer ? one : { ...one, title: filled(one.title).text }));
    return {
      ...Object.fromEntries(TEXTS.map((name) => [name, words[name].text])),
      image: answer ? (from.image ?? "") : filled(from.image).text.trim(),
      link: answer ? (from.link ?? "") : filled(from.link).text.trim(),
      actions: actions.filter((one) => one.title),
      badge: from.badge ?? null,
      sound: from.sound ?? null,
      silent: Boolean(from.silent),
      thread: answer ? (from.thread ?? "") : filled(from.thread).text,
      ...looks(options, platform, from.badge ?? null),
      dir: direction(options, locale, words),
      locale: locale ?? "",
      exact: Boolean(answer),
      maps: Object.fromEntries(TEXTS.map((name) => [name, words[name].map])),
    };
  };

  /** A text the app brings itself is told by its key; an answer of other words has no places in the source. */
  const worded = (typed, answer, options, name) => {
    const key = options?.[`${name}_loc_key`];
    if (answer === undefined) return typed.text || !key ? typed : { text: `‹${key}›`, map: null };
    return { text: answer || (key ? `‹${key}›` : ""), map: answer === typed.text ? typed.map : null };
  };

  const looks = (options, platform, badge) => ({
    urgent: { "time-sensitive": "time-sensitive", critical: "critical" }[options.interruption_level] ?? "",
    quiet: options.interruption_level === "passive" || ["min", "low"].includes(options.notification_priority),
    hidden: { private: "private", secret: "secret" }[options.visibility] ?? "",
    color: options.color ?? "",
    icon: options.icon ?? "",
    channel: options.channel_id ?? "",
    count: platform === "android" ? badge : null,
    require_interaction: Boolean(options.require_interaction),
    by_app: options.mode === "data",
    plain: options.mutable_content === false,
  });

  const direction = (options, locale, words) => {
    if (options.dir === "ltr" || options.dir === "rtl") return options.dir;
    const spoken = globalThis.tocsin.compose.RIGHT_TO_LEFT.test(locale ?? "");
    return spoken || RIGHT_TO_LEFT.test(words.title.text || words.body.text) ? "rtl" : "ltr";
  };

  Object.assign((globalThis.tocsin ??= {}), { fill, shown });
})();
