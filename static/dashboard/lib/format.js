const grouped = new Intl.NumberFormat("en-US");
const cents = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });
const threeDigits = new Intl.NumberFormat("en-US", { notation: "compact", minimumSignificantDigits: 3, maximumSignificantDigits: 3 });

export const integer = (n) => grouped.format(Math.round(n));
export const short = (n) => (Math.abs(n) < 100000 ? integer(n) : threeDigits.format(n));

/** US dollars: cents are exact, and a cost below a cent keeps its first three digits. */
export function dollars(n) {
  if (n !== 0 && Math.abs(n) < 0.01) return `$${Number(n.toPrecision(3))}`;
  return `$${cents.format(n)}`;
}

/** What one request cost: so many decimals that a column of them lines up. */
export const price = (n) => (n > 0 && n < 0.00005 ? "<$0.0001" : `$${n.toFixed(4)}`);

export function milliseconds(n) {
  if (n === null || n === undefined) return "–";
  if (n < 1) return `${n.toFixed(2)} ms`;
  if (n < 1000) return `${n < 10 ? n.toFixed(1) : Math.round(n)} ms`;
  if (n < 60000) return `${(n / 1000).toFixed(n < 10000 ? 2 : 1)} s`;
  if (n < 3600000) return `${Math.floor(n / 60000)} min ${Math.floor((n % 60000) / 1000)} s`;
  return `${integer(Math.floor(n / 3600000))} h ${Math.floor((n % 3600000) / 60000)} min`;
}

/** The same for an axis, whose numbers are round. */
export const axis = {
  count: (n) => compact.format(n),
  dollars: (n) => (n < 1000 ? `$${Number(n.toPrecision(3))}` : `$${compact.format(n)}`),
  milliseconds: (n) => (n >= 1000 ? `${Number((n / 1000).toPrecision(3))} s` : `${Number(n.toPrecision(3))} ms`),
};

export const perMinute = (n) => (n < 100 ? String(Number(n.toPrecision(2))) : short(n));
export const percent = (part, whole) => (whole > 0 ? `${((part / whole) * 100).toFixed(part && part !== whole ? 2 : 0)} %` : "–");

export function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (n >= 1024 && unit < units.length - 1) { n /= 1024; unit += 1; }
  return `${unit ? n.toFixed(1) : n} ${units[unit]}`;
}

const dateTime = new Intl.DateTimeFormat(undefined, { month: "short", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

/** A time in the browser's zone; UTC is for the title. @param {string|number} t ISO 8601 or unix seconds */
export function time(t) {
  const date = new Date(typeof t === "number" ? t * 1000 : t);
  return Number.isNaN(date.getTime()) ? { text: "–", utc: "" } : { text: dateTime.format(date), utc: `${date.toISOString()} (UTC)` };
}

const day = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });
const hour = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

const second = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

/** The heads of a time axis: hours, and the date where a day begins. @param {number[]} times unix seconds */
export const timeAxis = (times, step) => times.map((t) => {
  if (t === null) return null;
  const date = new Date(t * 1000);
  if (step < 60) return second.format(date);
  return step >= 86400 || (date.getHours() === 0 && date.getMinutes() === 0) ? day.format(date) : hour.format(date);
});

const sign = (n) => (n > 0 ? "+" : n < 0 ? "−" : "±");
const tone = (difference, liked) => (liked === "none" || difference === 0 ? "" : (difference > 0) === (liked === "up") ? "good" : "bad");

/** The change from before to now, as text, and whether it is one to like.
 * @param {"up"|"down"|"none"} liked the direction that is good */
export function change(now, before, liked) {
  if (!before || now === null) return { text: now ? "new" : "±0 %", tone: "" };
  const ratio = Math.round(((now - before) / before) * 1000) / 1000;
  const text = ratio >= 10 ? `×${short(now / before)}` : `${sign(ratio)}${Math.abs(ratio * 100).toFixed(Math.abs(ratio) < 0.1 ? 1 : 0)} %`;
  return { text, tone: tone(ratio, liked) };
}

/** The change of a rate between 0 and 1, in percentage points. */
export function points(now, before, liked) {
  const difference = Math.round((now - before) * 10000) / 100;
  return { text: `${sign(difference)}${Math.abs(difference).toFixed(2)} pp`, tone: tone(difference, liked) };
}
