// Numbers, times and names as people read them. Times are local; UTC stands beside them.

const whole = new Intl.NumberFormat("en-US");
const short = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });
const dollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });
const cents = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD", maximumSignificantDigits: 2 });
const day = new Intl.DateTimeFormat("en-US", { month: "short", day: "numeric" });
const dayUtc = new Intl.DateTimeFormat("en-US", { month: "short", day: "numeric", timeZone: "UTC" });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const clockUtc = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone: "UTC" });
const hour = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

/** What stands for a value that is not there. */
export const NONE = "–";

export const number = (value) => (isNumber(value) ? whole.format(value) : NONE);
export const compact = (value) => (isNumber(value) ? (Math.abs(value) < 10_000 ? whole.format(value) : short.format(value)) : NONE);
export const money = (value) => (isNumber(value) ? (value > 0 && value < 0.01 ? cents : dollars).format(value) : NONE);
export const percent = (share) => `${(share * 100).toFixed(share > 0 && share < 0.01 ? 2 : 1)}%`;

export function milliseconds(value) {
  if (!isNumber(value)) return NONE;
  return value < 1000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(value < 10_000 ? 2 : 1)} s`;
}

export function bytes(value) {
  if (!isNumber(value)) return NONE;
  if (value < 1000) return `${value} B`;
  const power = Math.min(4, Math.floor(Math.log10(value) / 3));
  return `${(value / 1000 ** power).toPrecision(3)} ${["B", "kB", "MB", "GB", "TB"][power]}`;
}

export const localTime = (text) => timed(text, (moment) => `${day.format(moment)}, ${clock.format(moment)}`);
export const utcTime = (text) => timed(text, (moment) => `${clockUtc.format(moment)} UTC`);
export const fullUtc = (text) => timed(text, (moment) => moment.toISOString().replace("T", " ").replace("Z", " UTC"));
export const clockTime = (moment) => clock.format(moment);

/** The time a key of `groupBy=hour` or `day` begins, and how the chart calls it. Days are days of UTC. */
export function slot(key) {
  const isDay = key.length === 10;
  const start = new Date(isDay ? `${key}T00:00Z` : key);
  const end = new Date(start.getTime() + (isDay ? 86_400_000 : 3_600_000));
  const name = isDay ? `${dayUtc.format(start)} (UTC)` : `${day.format(start)}, ${hour.format(start)}–${hour.format(end)}`;
  return { start, end, isDay, name, tick: isDay ? dayUtc.format(start) : hour.format(start), day: day.format(start) };
}

/** The telling part of an ARN, such as `role/analyst`. */
export function principal(arn) {
  if (!arn) return NONE;
  return arn.split(":").slice(5).join(":").replace(/^(assumed-role|user|role)\//, "") || arn;
}

/** The account in an ARN. */
export const accountOf = (arn) => arn?.split(":")[4] || NONE;

function timed(text, form) {
  const moment = new Date(text);
  return Number.isNaN(moment.getTime()) ? NONE : form(moment);
}

function isNumber(value) {
  return typeof value === "number" && Number.isFinite(value);
}
