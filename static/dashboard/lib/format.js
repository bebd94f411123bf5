const grouped = new Intl.NumberFormat("en-US");
const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 2 });

export const integer = (n) => grouped.format(Math.round(n));
export const short = (n) => (Math.abs(n) < 10000 ? integer(n) : compact.format(n));

/** US dollars: cents are exact, and a cost below a cent keeps its first three digits. */
export function dollars(n) {
  if (n === 0) return "$0.00";
  if (Math.abs(n) < 0.01) return `$${n.toPrecision(3)}`;
  return `$${n.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

export function milliseconds(n) {
  if (n === null || n === undefined) return "–";
  if (n < 1) return `${n.toFixed(2)} ms`;
  if (n < 1000) return `${n < 10 ? n.toFixed(1) : Math.round(n)} ms`;
  if (n < 60000) return `${(n / 1000).toFixed(2)} s`;
  return `${Math.floor(n / 60000)} min ${Math.round((n % 60000) / 1000)} s`;
}

export const percent = (part, whole) => (whole > 0 ? `${((part / whole) * 100).toFixed(part && part !== whole ? 2 : 0)} %` : "–");

export function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (n >= 1024 && unit < units.length - 1) { n /= 1024; unit += 1; }
  return `${unit ? n.toFixed(1) : n} ${units[unit]}`;
}

const dateTime = new Intl.DateTimeFormat(undefined, { month: "short", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

/** A time in the browser's zone; UTC is for the title. @param {string|number} t ISO 8601 or unix seconds */
export function time(t) {
  const date = new Date(typeof t === "number" ? t * 1000 : t);
  return Number.isNaN(date.getTime()) ? { text: "–", utc: "" } : { text: dateTime.format(date), utc: `${date.toISOString()} (UTC)` };
}

/** The change from before to now, as text, and whether it is one to like.
 * @param {"up"|"down"|"none"} liked the direction that is good */
export function change(now, before, liked) {
  if (!before) return { text: now ? "new" : "±0 %", tone: "" };
  const ratio = (now - before) / before;
  const text = `${ratio > 0 ? "+" : ratio < 0 ? "−" : "±"}${Math.abs(ratio * 100).toFixed(Math.abs(ratio) < 0.1 ? 1 : 0)} %`;
  if (liked === "none" || Math.abs(ratio) < 0.0005) return { text, tone: "" };
  return { text, tone: ratio > 0 === (liked === "up") ? "good" : "bad" };
}
