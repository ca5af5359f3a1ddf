/* A push as phones and browsers show it, and the ways to look at it. What each shows is told in `rooms`
   (console/components/preview_rooms.py); what it says comes from `tocsin.shown` (fill.js). */
import { EyeOff, Moon, Sun, Type } from "lucide-react";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { forget, leave, measure } from "./preview.js";
import { Mac, Windows } from "./preview_desks.jsx";
import { Iphone, Pixel } from "./preview_phones.jsx";

const SCREENS = {
  ios: { name: "iPhone", reads: "ios", Screen: Iphone, width: 393, height: 852, short: 620 },
  android: { name: "Android", reads: "android", Screen: Pixel, width: 412, height: 893, short: 650 },
  chrome: { name: "Chrome", reads: "web", Screen: Windows, width: 480, height: 528, short: 528 },
  safari: { name: "Safari", reads: "web", Screen: Mac, width: 480, height: 320, short: 320 },
};
const VIEWS = { phones: "Phones", ios: "iPhone", android: "Android", chrome: "Chrome", safari: "Safari" };
const OPENED = { ios: "ios", android: "android", web: "chrome" };
const TIMES = { now: "now", hours: "3 hours ago", yesterday: "yesterday" };

const host = (address) => {
  try {
    return new URL(address).host;
  } catch {
    return "";
  }
};

export function PushPreview({ draft, held, pictures, rooms, states, appName, initials, color, site }) {
  const [view, setView] = useState("phones");
  const [state, setState] = useState("lock");
  const [dark, setDark] = useState(() => matchMedia("(prefers-color-scheme: dark)").matches);
  const [large, setLarge] = useState(false);
  const [hiding, setHiding] = useState(false);
  const [time, setTime] = useState("now");
  const open = (chosen) => {
    setView(chosen);
    if ((chosen === "chrome" || chosen === "safari") && state === "lock") setState("banner");
  };
  useEffect(() => open(OPENED[draft?.platform] ?? "phones"), [draft?.platform]);
  const looks = { dark, large, hiding, time, appName: appName || "Your app", initials: initials || "A", site: host(site) || "your-site.example", pictures: pictures ?? {} };
  return (
    <div className="stage" data-view={view} data-state={state} data-dark={dark} data-large={large} style={color ? { "--app": color } : undefined}>
      <div className="stage-bar">
        <Choice label="What the preview shows" options={VIEWS} value={view} onChoose={open} />
        <Choice label="In which state" options={Object.fromEntries(states.map((one) => [one.value, one.label]))} value={state} onChoose={setState} />
      </div>
      <div className={view === "phones" ? "stage-phones" : "stage-one"}>
        {(view === "phones" ? ["ios", "android"] : [view]).map((platform) => (
          <Figure key={platform} platform={platform} state={state} room={rooms[platform][state]} draft={draft} held={held} looks={looks}
            onOpen={view === "phones" ? () => open(platform) : undefined} />
        ))}
      </div>
      <div className="stage-bar">
        <Toggle on={dark} onToggle={setDark} sign={dark ? <Sun size={14} aria-hidden="true" /> : <Moon size={14} aria-hidden="true" />} label="Dark" />
        <Toggle on={large} onToggle={setLarge} sign={<Type size={14} aria-hidden="true" />} label="Larger text" />
        <Toggle on={hiding} onToggle={setHiding} sign={<EyeOff size={14} aria-hidden="true" />} label="Hide content when locked" />
        <label className="stage-time">
          <span className="visually-hidden">When it came</span>
          <select className="chip" value={time} onChange={(event) => setTime(event.target.value)}>
            {Object.entries(TIMES).map(([value, label]) => <option key={value} value={value}>Came {label}</option>)}
          </select>
        </label>
      </div>
    </div>
  );
}

function Choice({ label, options, value, onChoose }) {
  return (
    <div className="segmented" role="group" aria-label={label}>
      {Object.entries(options).map(([name, text]) => (
        <button key={name} type="button" aria-pressed={name === value} onClick={() => onChoose(name)}>{text}</button>
      ))}
    </div>
  );
}

function Toggle({ on, onToggle, sign, label }) {
  return <button type="button" className="chip" aria-pressed={on} onClick={() => onToggle(!on)}>{sign}{label}</button>;
}

/** One screen at its own measures, scaled to the room there is: its lines break as they do on the real one. Beside
    another one a phone is shortened where it would only show more of its wallpaper. */
function Figure({ platform, state, room, draft, held, looks, onOpen }) {
  const { name, reads, Screen, width, height, short } = SCREENS[platform];
  const figure = useRef(null);
  const frame = useRef(null);
  const shown = useMemo(() => globalThis.tocsin?.shown?.(draft, held, reads), [draft, held, reads]);
  const maps = useRef(null);
  maps.current = shown?.maps;
  useLayoutEffect(() => measure(figure.current, maps.current));
  useEffect(() => () => leave(platform, state), [platform, state]);
  useEffect(() => {
    const resized = new ResizeObserver(([entry]) => frame.current.style.setProperty("--scale", entry.contentRect.width / width));
    const again = () => {
      forget();
      measure(figure.current, maps.current);
    };
    resized.observe(frame.current);
    document.fonts.addEventListener("loadingdone", again);
    return () => {
      resized.disconnect();
      document.fonts.removeEventListener("loadingdone", again);
    };
  }, [width]);
  if (!shown) return <figure ref={figure} className="p-figure" data-platform={platform} data-state={state} />;
  return (
    <figure ref={figure} className="p-figure" data-platform={platform} data-state={state} data-dir={shown.dir} data-exact={shown.exact} aria-label={`${name}, ${room.name}`}>
      <div ref={frame} className={`p-frame p-frame-${platform}`} style={{ "--width": width, "--height": onOpen && state !== "expanded" ? short : height }}>
        <div className="p-screen"><Screen shown={shown} room={room} state={state} looks={looks} /></div>
      </div>
      <figcaption>
        {onOpen ? <button type="button" className="p-open" onClick={onOpen} aria-label={`Only ${name}`}>{name}</button> : <span>{name}</span>}
        <span className="p-state"> · {room.name}</span>
      </figcaption>
      <p className="p-cuts" data-cuts="" />
      {remarks(platform, reads, room, shown, looks).map((text) => <p key={text} className="p-told">{text}</p>)}
    </figure>
  );
}

/** What the drawing cannot say. */
function remarks(platform, reads, room, shown, looks) {
  const picture = looks.pictures[shown.image];
  const said = [shown.silent ? "Nothing is shown: it wakes the app." : room.told];
  if (shown.quiet && room.name !== "expanded") said.push("Quiet: it neither pops up nor makes a sound.");
  if (shown.image && picture) said.push(picture.problem ?? picture.problems?.[reads] ?? "");
  if (platform === "ios" && shown.plain) said.push("Without mutable content the app's extension adds neither picture nor buttons.");
  if (platform === "android" && shown.by_app) said.push("The app draws data messages itself; this is how Android's own drawing looks.");
  if (platform === "android" && shown.actions.length && !shown.by_app) said.push("Android's own drawing has no buttons. They show where the app draws the push: Android, Drawn by.");
  if (platform === "safari" && shown.image) said.push("Safari shows no picture.");
  if (room.buttons && shown.actions.length > room.buttons) said.push(`Of ${shown.actions.length} buttons the first ${room.buttons} are shown.`);
  return said.filter(Boolean);
}
