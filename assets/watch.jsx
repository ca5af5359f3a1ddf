/* Tells when something that the browser alone holds has changed; it shows nothing. */
import { useEffect } from "react";

export function Watch({ value, onChange }) {
  useEffect(() => {
    onChange();
  }, [value]);
  return null;
}
