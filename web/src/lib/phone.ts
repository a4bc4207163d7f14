/** Calling codes of one and two digits; all others have three. */
const SHORT_CODES = '1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]';
const OTHER = new RegExp(`^\\+(${SHORT_CODES}|\\d{3})(\\d{2,3})(\\d{3,4})(\\d*)$`);

/** British numbers: places of two digits such as London, of three, and all others such as mobiles. */
const BRITISH = [
  /^\+44(2[03489])(\d{4})(\d{4})$/,
  /^\+44(11\d|1\d1|[389]\d\d)(\d{3})(\d{4})$/,
  /^\+44(\d{4})(\d{6})$/,
];

/** Groups an E.164 number for reading; anything else is shown as it is. */
export function formatPhone(phone: string | null): string {
  if (phone === null) return '–';
  const north = /^\+1(\d{3})(\d{3})(\d{4})$/.exec(phone);
  if (north) return `+1 ${north[1]} ${north[2]} ${north[3]}`;
  const british = BRITISH.map((each) => each.exec(phone)).find((found) => found !== null);
  if (british) return `+44 ${british.slice(1).join(' ')}`;
  const other = OTHER.exec(phone);
  if (other) return `+${other.slice(1).filter(Boolean).join(' ')}`;
  return phone;
}

export function fullName(person: {
  first_name: string | null;
  last_name: string | null;
}): string | null {
  const name = [person.first_name, person.last_name].filter(Boolean).join(' ');
  return name === '' ? null : name;
}

/** One or two letters for an avatar; digits of a number are no initials. */
export function initials(name: string): string {
  const words = name.split(/\s+/).filter((word) => /^\p{L}/u.test(word));
  const first = words[0]?.[0] ?? '';
  const last = words.length > 1 ? (words.at(-1)?.[0] ?? '') : '';
  return (first + last).toUpperCase();
}
