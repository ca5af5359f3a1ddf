/* What every drawn notification is made of. */
import { Image, ImageOff } from "lucide-react";

/** One text; `room` is how many lines of it are seen. */
export function Words({ field, text, room, className }) {
  if (!text || !room) return null;
  return <div className={`${className} ${room === 1 ? "p-line" : "p-lines"}`} data-field={field} data-room={room} style={{ "--room": room }} dir="auto">{text}</div>;
}

/** Stands where nothing was written yet; it is no text of the push. */
export function Ghost({ className, children }) {
  return <div className={`${className} p-ghost`} aria-hidden="true">{children}</div>;
}

export const isEmpty = (shown) => !shown.title && !shown.subtitle && !shown.body;

/** Title, subtitle and body as one platform lays them below each other; the app's name stands for a missing title. */
export function Texts({ prefix, shown, room, appName, children }) {
  const body = room.pictured && shown.image ? room.pictured : room.body;
  return (
    <>
      <div className={`${prefix}-line`}>
        {shown.title ? <Words field="title" text={shown.title} room={room.title} className={`${prefix}-title`} /> : <Ghost className={`${prefix}-title p-line`}>{appName}</Ghost>}
        {children}
      </div>
      <Words field="subtitle" text={shown.subtitle} room={room.subtitle} className={`${prefix}-subtitle`} />
      {isEmpty(shown) ? <Ghost className={`${prefix}-body p-line`}>What you want to say</Ghost> : <Words field="body" text={shown.body} room={body} className={`${prefix}-body`} />}
    </>
  );
}

/** The app's own icon: its initials on its colour. */
export function AppIcon({ initials, className = "", src }) {
  return src ? <img className={`p-icon ${className}`} src={src} alt="" /> : <div className={`p-icon ${className}`} aria-hidden="true">{initials}</div>;
}

/** The picture as our own origin serves it; until then, or when it cannot be had, where it comes from. */
export function Picture({ shown, pictures, className }) {
  if (!shown.image) return null;
  const known = pictures[shown.image];
  if (known?.src) return <img className={`p-picture ${className}`} src={known.src} alt="" data-picture="shown" />;
  const missing = Boolean(known?.problem);
  const Sign = missing ? ImageOff : Image;
  return (
    <div className={`p-picture p-waiting ${className}`} data-picture={missing ? "missing" : "waiting"} aria-hidden="true">
      <Sign size={20} />
      <span>{missing ? "Picture cannot be loaded" : hostOf(shown.image)}</span>
    </div>
  );
}

const hostOf = (address) => {
  try {
    return new URL(address).host || "Picture";
  } catch {
    return "Picture";
  }
};

/** The buttons that this place has room for. */
export function Buttons({ actions, most, className }) {
  const seen = actions.slice(0, most);
  if (!seen.length) return null;
  return <ul className={`p-buttons ${className}`} aria-label="Buttons">{seen.map((one, at) => <li key={at} className="p-button" dir="auto">{one.title}</li>)}</ul>;
}

/** Notifications of others, which only show where ours stands among them. */
export function Other({ className }) {
  return <div className={`p-other ${className}`} aria-hidden="true"><span /><i /><i /></div>;
}

export function Badge({ count }) {
  return count ? <b className="p-badge">{count > 99 ? "99+" : count}</b> : null;
}
