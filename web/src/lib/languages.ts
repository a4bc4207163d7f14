/** Languages that can be chosen for a customer, by their tags. */
const TAGS = [
  'ar',
  'bg',
  'bn',
  'ca',
  'cs',
  'da',
  'de',
  'el',
  'en',
  'es',
  'et',
  'fa',
  'fi',
  'fr',
  'he',
  'hi',
  'hr',
  'hu',
  'id',
  'it',
  'ja',
  'ka',
  'ko',
  'lt',
  'lv',
  'nb',
  'nl',
  'pl',
  'pt',
  'pt-br',
  'ro',
  'ru',
  'sk',
  'sl',
  'sr',
  'sv',
  'ta',
  'th',
  'tr',
  'uk',
  'ur',
  'vi',
  'zh',
];

/** A language in words; a tag that nobody knows stays as it is. */
export function languageOf(tag: string): string {
  try {
    return new Intl.DisplayNames(['en'], { type: 'language' }).of(tag.replaceAll('_', '-')) ?? tag;
  } catch {
    return tag;
  }
}

/** Choices by name; one that is set and not among them is added. */
export function languageChoices(current: string | null): { value: string; label: string }[] {
  const tags = current === null || TAGS.includes(current) ? TAGS : [...TAGS, current];
  return tags
    .map((tag) => ({ value: tag, label: languageOf(tag) }))
    .toSorted((a, b) => a.label.localeCompare(b.label));
}
