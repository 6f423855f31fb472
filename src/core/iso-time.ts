/** Times as people and sorted keys have them: ISO 8601, UTC, with milliseconds. Core has no clock, and so no Date. */

const DAY_MS = 86_400_000;
/** 400 years of the Gregorian calendar. */
const ERA_DAYS = 146_097;
/** From the first of March of the year 0 to 1970. */
const TO_1970_DAYS = 719_468;
/** The end of the year 9999: what comes later has a longer year, and sorts wrongly. */
const LAST_MS = 253_402_300_799_999;

/** Of milliseconds since 1970; what lies before that or after the year 9999 is taken for the nearest that does not. */
export function isoTime(ms: number): string {
  const whole = Math.min(Math.max(0, Math.floor(ms)), LAST_MS);
  const { year, month, day } = dateOf(Math.floor(whole / DAY_MS));
  const inDay = whole % DAY_MS;
  const time = [inDay / 3_600_000, (inDay / 60_000) % 60, (inDay / 1000) % 60].map((part) => padded(part, 2));
  return `${padded(year, 4)}-${padded(month, 2)}-${padded(day, 2)}T${time.join(':')}.${padded(inDay % 1000, 3)}Z`;
}

/** days_from_civil's inverse, by Howard Hinnant (https://howardhinnant.github.io/date_algorithms.html). */
function dateOf(days: number): { readonly year: number; readonly month: number; readonly day: number } {
  const shifted = days + TO_1970_DAYS;
  const era = Math.floor(shifted / ERA_DAYS);
  const dayOfEra = shifted % ERA_DAYS;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1,
  };
}

const padded = (value: number, digits: number): string => String(Math.floor(value)).padStart(digits, '0');
