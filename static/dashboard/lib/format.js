/** Numbers and times as text, in English as all of the page.  Not by Intl: the first
 * use of it in a tab takes 35 ms, an eighth of the time until the overview is there. */

const grouped = (n, decimals) => n.toFixed(decimals).replace(/\B(?=(\d{3})+(\.|$))/g, ",");

const powers = ["", "K", "M", "B", "T"];

/** Three digits and a unit. */
function scaled(n) {
  let unit = 0;
  while (Math.abs(n) >= 999.5 && unit < powers.length - 1) { n /= 1000; unit += 1; }
  return [n.toPrecision(3), powers[unit]];
}

function compact(n) {
  const [digits, unit] = scaled(n);
  return `${Number(digits)}${unit}`;
}

export const integer = (n) => grouped(Math.round(n), 0);
export const short = (n) => (Math.abs(n) < 100000 ? integer(n) : scaled(n).join(""));

/** US dollars: cents are exact, and a cost below a cent keeps its first three digits. */
export function dollars(n) {
  if (n !== 0 && Math.abs(n) < 0.01) return `$${Number(n.toPrecision(3))}`;
  return `$${grouped(n, 2)}`;
}

/** The cost of a group of requests; none of which has a known price: unknown, not nothing. */
export const spent = (group) =>
  (group.requests > 0 && group.unpriced_requests >= group.requests
    ? "–" : dollars(group.cost_usd));

/** What one request cost, null where nobody knows: so many decimals that a column of them lines
 * up. */
export function price(n) {
  if (n === null) return "–";
  return n > 0 && n < 0.00005 ? "<$0.0001" : `$${n.toFixed(4)}`;
}

export function milliseconds(n) {
  if (n === null || n === undefined) return "–";
  if (n < 1) return `${n.toFixed(2)} ms`;
  if (n < 1000) return `${n < 10 ? n.toFixed(1) : Math.round(n)} ms`;
  if (n < 60000) return `${(n / 1000).toFixed(n < 10000 ? 2 : 1)} s`;
  if (n < 3600000) return `${Math.floor(n / 60000)} min ${Math.floor((n % 60000) / 1000)} s`;
  return `${integer(Math.floor(n / 3600000))} h ${Math.floor((n % 3600000) / 60000)} min`;
}

/** How long requests took; 0 is what a row shows that does not know. */
export const duration = (n) => milliseconds(n > 0 ? n : null);

/** The same for an axis, whose numbers are round. */
export const axis = {
  count: compact,
  dollars: (n) => (n < 1000 ? `$${Number(n.toPrecision(3))}` : `$${compact(n)}`),
  milliseconds: (n) => (n >= 1000
    ? `${Number((n / 1000).toPrecision(3))} s`
    : `${Number(n.toPrecision(3))} ms`),
};

export const perMinute = (n) => (n < 100 ? String(Number(n.toPrecision(2))) : short(n));
export const percent = (part, whole) => (whole > 0
  ? `${((part / whole) * 100).toFixed(part && part !== whole ? 2 : 0)} %`
  : "–");

export function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (n >= 1024 && unit < units.length - 1) { n /= 1024; unit += 1; }
  return `${unit ? n.toFixed(1) : n} ${units[unit]}`;
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const two = (n) => String(n).padStart(2, "0");
const day = (date) => `${months[date.getMonth()]} ${date.getDate()}`;
const minute = (date) => `${two(date.getHours())}:${two(date.getMinutes())}`;

export const clock = (date) => `${minute(date)}:${two(date.getSeconds())}`;
export const moment = (date) => `${weekdays[date.getDay()]}, ${day(date)}, ${minute(date)}`;

/** A time in the browser's zone; UTC is for the title. @param {string|number} t ISO
 * 8601 or unix seconds */
export function time(t) {
  const date = new Date(typeof t === "number" ? t * 1000 : t);
  if (Number.isNaN(date.getTime())) return { text: "–", utc: "" };
  return { text: `${months[date.getMonth()]} ${two(date.getDate())}, ${clock(date)}`,
    utc: `${date.toISOString()} (UTC)` };
}

/** The heads of a time axis: hours, and the date where a day begins. @param {number[]}
 * times unix seconds */
export const timeAxis = (times, step) => times.map((t) => {
  if (t === null) return null;
  const date = new Date(t * 1000);
  if (step < 60) return clock(date);
  return step >= 86400 || (date.getHours() === 0 && date.getMinutes() === 0)
    ? day(date)
    : minute(date);
});

const sign = (n) => (n > 0 ? "+" : n < 0 ? "−" : "±");
const tone = (difference, liked) => (liked === "none" || difference === 0 ? ""
  : (difference > 0) === (liked === "up") ? "good" : "bad");

/** The change from before to now, as text, and whether it is one to like.
 * @param {"up"|"down"|"none"} liked the direction that is good */
export function change(now, before, liked) {
  if (!before || now === null) return { text: now ? "new" : "±0 %", tone: "" };
  const ratio = Math.round(((now - before) / before) * 1000) / 1000;
  const text = ratio >= 10
    ? `×${short(now / before)}`
    : `${sign(ratio)}${Math.abs(ratio * 100).toFixed(Math.abs(ratio) < 0.1 ? 1 : 0)} %`;
  return { text, tone: tone(ratio, liked) };
}

/** The change of a rate between 0 and 1, in percentage points. */
export function points(now, before, liked) {
  const difference = Math.round((now - before) * 10000) / 100;
  return { text: `${sign(difference)}${Math.abs(difference).toFixed(2)} pp`,
    tone: tone(difference, liked) };
}
