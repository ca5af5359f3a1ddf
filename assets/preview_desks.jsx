/* A corner of a Windows 11 and of a macOS screen, in the pixels and points of the real ones. */
import { BatteryFull, Bell, ChevronDown, Ellipsis, Search, Volume2, Wifi, X } from "lucide-react";
import { AppIcon, Buttons, Other, Picture, Texts } from "./preview_parts.jsx";

const MAC_TIMES = { now: "now", hours: "3h ago", yesterday: "Yesterday" };

export function Windows({ shown, room, state, looks }) {
  if (state === "lock") return <div className="win win-lock" aria-hidden="true"><b>9:41</b><span>Saturday, 21 November</span></div>;
  const centre = state === "centre";
  return (
    <div className="win" data-state={state}>
      <div className={centre ? "win-centre" : "win-corner"}>
        {centre && <div className="win-heading" aria-hidden="true">Notifications<span>Clear all</span></div>}
        {!shown.silent && <Toast shown={shown} room={room} centre={centre} looks={looks} />}
        {centre && <Other className="win-other" />}
      </div>
      <div className="win-bar" aria-hidden="true">
        <span className="win-start"><i /><i /><i /><i /></span><Search size={16} /><i className="win-dot" />
        <span className="win-tray"><Wifi size={14} /><Volume2 size={14} /><BatteryFull size={16} /><span>09:41<br />21.11.2026</span><Bell size={14} /></span>
      </div>
    </div>
  );
}

function Toast({ shown, room, centre, looks }) {
  const full = room.picture === "full";
  return (
    <div className="chrome-card" dir={shown.dir}>
      {full && <Picture shown={shown} pictures={looks.pictures} className="chrome-hero" />}
      <div className="chrome-head" aria-hidden="true"><i className="chrome-dot" />Google Chrome<span>{centre ? <ChevronDown size={14} /> : <Ellipsis size={14} />}<X size={14} /></span></div>
      <div className="chrome-row">
        <AppIcon initials={looks.initials} src={looks.pictures[shown.icon]?.src} />
        <div className="p-words">
          <Texts prefix="chrome" shown={{ ...shown, subtitle: "" }} room={room} appName={looks.appName} />
          <div className="chrome-origin">{looks.site}</div>
        </div>
      </div>
      <Buttons actions={shown.actions} most={room.buttons} className="chrome-buttons" />
      {shown.require_interaction && !centre && <div className="chrome-stays">Stays until it is dismissed</div>}
    </div>
  );
}

export function Mac({ shown, room, state, looks }) {
  const locked = state === "lock";
  return (
    <div className="mac" data-state={state}>
      {locked ? (
        <div className="mac-clock" aria-hidden="true"><span>Sat 21 November</span><b>9:41</b></div>
      ) : (
        <div className="mac-bar" aria-hidden="true"><b>Safari</b><span>File</span><span>Edit</span><span>View</span><span className="mac-tray"><BatteryFull size={16} /><Wifi size={14} /><span>Sat 21 Nov  9:41</span></span></div>
      )}
      <div className="mac-corner">
        {!shown.silent && <MacPush shown={shown} room={room} hidden={locked && looks.hiding} state={state} looks={looks} />}
        {state === "centre" && <Other className="mac-other" />}
      </div>
    </div>
  );
}

function MacPush({ shown, room, hidden, state, looks }) {
  const when = <span className="safari-when" dir="ltr">{MAC_TIMES[looks.time]}</span>;
  const stacked = shown.thread && state === "centre";
  return (
    <div className="safari-push" dir={shown.dir}>
      <div className="safari-card" data-stacked={Boolean(stacked)}>
        <AppIcon initials={looks.initials} src={looks.pictures[shown.icon]?.src} />
        <div className="p-words">
          {hidden ? (
            <><div className="safari-line"><div className="safari-title p-line">{looks.site}</div>{when}</div><div className="safari-body p-line">Notification</div></>
          ) : (
            <Texts prefix="safari" shown={{ ...shown, subtitle: "" }} room={room} appName={looks.site}>{when}</Texts>
          )}
        </div>
      </div>
      {state === "expanded" && shown.actions.length > 0 && (
        <div className="safari-options"><span aria-hidden="true">Options<ChevronDown size={12} /></span><Buttons actions={shown.actions} most={room.buttons} className="safari-buttons" /></div>
      )}
    </div>
  );
}
