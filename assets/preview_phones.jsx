/* An iPhone and a Pixel, in points and dp of the real ones. */
import { Bell, Camera, ChevronDown, ChevronUp, Flashlight, Lock, Search, Signal, BatteryFull, Wifi, X } from "lucide-react";
import { AppIcon, Badge, Buttons, Other, Picture, Texts } from "./preview_parts.jsx";

const IOS_TIMES = { now: "now", hours: "3h ago", yesterday: "Yesterday, 8:37 AM" };
const ANDROID_TIMES = { now: "now", hours: "3h", yesterday: "1d" };
const URGENT = { "time-sensitive": "Time Sensitive", critical: "Critical" };

export function Iphone({ shown, room, state, looks }) {
  const home = state === "banner";
  return (
    <div className="ios" data-state={state}>
      <div className="ios-bar" aria-hidden="true"><span>{home ? "9:41" : ""}</span><i className="ios-island" /><span><Signal size={17} /><Wifi size={17} /><BatteryFull size={22} /></span></div>
      {home ? <IosHome badge={shown.badge} looks={looks} /> : <IosClock small={state !== "lock"} />}
      {state === "centre" && <div className="ios-heading" aria-hidden="true">Notification Centre<X size={16} /></div>}
      {!shown.silent && !(home && shown.quiet) && <IosPush shown={shown} room={room} state={state} looks={looks} />}
      {state === "centre" && <Other className="ios-other" />}
      {state === "lock" && <div className="ios-tools" aria-hidden="true"><i><Flashlight size={22} /></i><i><Camera size={22} /></i></div>}
      <i className="ios-indicator" aria-hidden="true" />
    </div>
  );
}

function IosClock({ small }) {
  return <div className={small ? "ios-clock ios-clock-small" : "ios-clock"} aria-hidden="true"><span>Saturday 21 November</span><b>9:41</b></div>;
}

function IosHome({ badge, looks }) {
  return (
    <div className="ios-home" aria-hidden="true">
      {Array.from({ length: 9 }, (_, at) => <div key={at} className="ios-app"><i /></div>)}
      <div className="ios-app"><AppIcon initials={looks.initials} className="ios-app-icon" /><Badge count={badge} /><span>{looks.appName}</span></div>
      {Array.from({ length: 6 }, (_, at) => <div key={at} className="ios-app"><i /></div>)}
      <div className="ios-dock">{Array.from({ length: 4 }, (_, at) => <i key={at} />)}</div>
    </div>
  );
}

function IosPush({ shown, room, state, looks }) {
  const hidden = looks.hiding && state === "lock";
  const expanded = state === "expanded";
  const pictured = shown.image && !shown.plain && !hidden;
  const stacked = shown.thread && (state === "lock" || state === "centre");
  return (
    <div className="ios-push" dir={shown.dir}>
      <div className="ios-stack" data-stacked={Boolean(stacked)}>
        <div className="ios-card">
          {pictured && expanded && <Picture shown={shown} pictures={looks.pictures} className="ios-hero" />}
          <div className="ios-row">
            <AppIcon initials={looks.initials} />
            <div className="p-words">{hidden ? <IosHidden looks={looks} /> : <IosTexts shown={shown} room={room} looks={looks} />}</div>
            {pictured && !expanded && <Picture shown={shown} pictures={looks.pictures} className="ios-thumb" />}
          </div>
        </div>
      </div>
      {stacked && <div className="ios-more" dir="auto">{hidden ? "1 more" : `1 more in ${shown.thread}`}</div>}
      {expanded && !shown.plain && <Buttons actions={shown.actions} most={room.buttons} className="ios-buttons" />}
    </div>
  );
}

const IosWhen = ({ looks }) => <span className="ios-when" dir="ltr">{IOS_TIMES[looks.time]}</span>;

/** Time sensitive takes a line of its own, and with it the time, so that the title has all the width. */
function IosTexts({ shown, room, looks }) {
  if (!shown.urgent) return <Texts prefix="ios" shown={shown} room={room} appName={looks.appName}><IosWhen looks={looks} /></Texts>;
  return (
    <>
      <div className="ios-line"><span className="ios-urgent">{URGENT[shown.urgent]}</span><IosWhen looks={looks} /></div>
      <Texts prefix="ios" shown={shown} room={room} appName={looks.appName} />
    </>
  );
}

function IosHidden({ looks }) {
  return <><div className="ios-line"><div className="ios-title p-line">{looks.appName}</div><IosWhen looks={looks} /></div><div className="ios-body p-line">Notification</div></>;
}

export function Pixel({ shown, room, state, looks }) {
  const secret = shown.hidden === "secret" && state === "lock";
  const silent = shown.silent || secret || (state === "banner" && shown.quiet);
  const shade = state === "expanded" || state === "centre";
  return (
    <div className="android" data-state={state}>
      <div className="android-bar" aria-hidden="true"><span>9:41{!silent && state !== "banner" && <i>{looks.initials[0]}</i>}</span><span><Wifi size={16} /><Signal size={16} /><BatteryFull size={18} /></span></div>
      {state === "lock" && <div className="android-clock" aria-hidden="true"><b>9:41</b><span>Sat, 21 Nov</span></div>}
      {state === "banner" && <AndroidHome count={shown.count} looks={looks} />}
      {shade && <AndroidTiles />}
      {!silent && <AndroidPush shown={shown} room={room} state={state} looks={looks} />}
      {secret && !shown.silent && <div className="android-none">Not shown on the lock screen</div>}
      {shade && <Other className="android-other" />}
      {shade && <div className="android-foot" aria-hidden="true"><span>Manage</span><span>Clear all</span></div>}
      {state === "lock" && <div className="android-lock" aria-hidden="true"><Lock size={20} /></div>}
      <i className="android-indicator" aria-hidden="true" />
    </div>
  );
}

function AndroidHome({ count, looks }) {
  return (
    <div className="android-home" aria-hidden="true">
      <div className="android-glance">Sat, 21 Nov</div>
      <div className="android-dock">
        <div className="ios-app"><AppIcon initials={looks.initials} className="p-round" />{count ? <b className="android-dot" /> : null}</div>
        {Array.from({ length: 4 }, (_, at) => <i key={at} />)}
      </div>
      <div className="android-search"><Search size={20} /></div>
    </div>
  );
}

function AndroidTiles() {
  return (
    <div className="android-tiles" aria-hidden="true">
      {["Internet", "Bluetooth", "Do Not Disturb", "Torch"].map((name, at) => <span key={name} data-on={at === 0}>{name}</span>)}
    </div>
  );
}

function AndroidPush({ shown, room, state, looks }) {
  const hidden = state === "lock" && (looks.hiding || shown.hidden === "private");
  const expanded = state === "expanded";
  const pictured = shown.image && !hidden;
  const Arrow = expanded ? ChevronUp : ChevronDown;
  const actions = shown.by_app && !hidden ? shown.actions : [];
  const when = ANDROID_TIMES[looks.time];
  const chevron = <span className="android-chevron" aria-hidden="true"><Arrow size={16} /></span>;
  return (
    <div className="android-card" dir={shown.dir} style={shown.color ? { "--accent": shown.color } : undefined}>
      <div className="android-small" aria-hidden="true">{shown.icon ? <Bell size={14} /> : looks.initials[0]}</div>
      <div className="p-words">
        <div className="android-row">
          <div className="p-words">
            {expanded && <div className="android-line"><div className="android-app p-line">{looks.appName} · {when}</div>{chevron}</div>}
            {hidden ? <AndroidHidden looks={looks} when={when} /> : <AndroidTexts shown={shown} room={room} when={expanded ? "" : when} looks={looks} />}
          </div>
          {pictured && !expanded && <Picture shown={shown} pictures={looks.pictures} className="android-thumb" />}
          {!expanded && chevron}
        </div>
        {pictured && expanded && <Picture shown={shown} pictures={looks.pictures} className="android-hero" />}
        <Buttons actions={actions} most={room.buttons} className="android-buttons" />
      </div>
    </div>
  );
}

const AndroidWhen = ({ when }) => <span className="android-when" dir="ltr">{when}</span>;

/** Android has no subtitle. */
function AndroidTexts({ shown, room, when, looks }) {
  return <Texts prefix="android" shown={{ ...shown, subtitle: "" }} room={room} appName={looks.appName}>{when && <AndroidWhen when={when} />}</Texts>;
}

function AndroidHidden({ looks, when }) {
  return <><div className="android-line"><div className="android-title p-line">{looks.appName}</div><AndroidWhen when={when} /></div><div className="android-body p-line">Contents hidden</div></>;
}
