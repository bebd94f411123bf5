/** What GET /-/retention tells, in tiles: what is kept, what went, what the disk takes. */
import { bytes, integer, time } from "./format.js";

const DAY = 86400;
const names = { rows: "requests", minute: "minutes", hour: "hours", day: "days" };

const age = (seconds) => (seconds % DAY ? `${integer(seconds / 3600)} h`
  : `${integer(seconds / DAY)} days`);

function limitsText(limits) {
  const ages = Object.keys(names).filter((what) => limits[what])
    .map((what) => `${names[what]} ${age(limits[what])}`);
  if (limits.max_bytes) ages.push(`at most ${bytes(limits.max_bytes)}`);
  if (limits.min_free) ages.push(`${bytes(limits.min_free)} stay free`);
  return ages.length ? ages.join(", ") : "everything is kept";
}

const sinceText = (since) => (since ? `since ${time(since).text}` : "all that ever came");

function wentText(went, next) {
  const gone = `${integer(went.cells)} figures, ${bytes(went.given_back_bytes)} given back`;
  return next ? `${gone}; ${names[next.what]} go next at ${time(next.at).text}` : gone;
}

function growthText(growth) {
  const more = `${bytes(growth.bytes_per_day)} a day more`;
  return growth.full_in_days ? `${more}: full in ${integer(growth.full_in_days)} days` : more;
}

/** @returns {[string, string, string][]} name, figure, note */
export const retentionFacts = ({ limits, kept, space, growth, went, next }) => [
  ["Kept", sinceText(kept.rows.since), limitsText(limits)],
  ["Requests gone", integer(went.rows), wentText(went, next)],
  ["Free on the disk",
    space.disk_free_bytes === null ? "–" : bytes(space.disk_free_bytes), growthText(growth)],
];
