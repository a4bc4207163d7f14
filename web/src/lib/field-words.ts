/** Whether two labels name the same field: capitals, spaces and signs are not part of its name. */
export function isSameField(one: string, other: string): boolean {
  const plain = (label: string) =>
    label
      .toLowerCase()
      .replace(/[^\p{Alphabetic}\p{N}]+/gu, '_')
      .replace(/^_+|_+$/g, '');
  return plain(one) === plain(other);
}

/** The name of a contact's field as words: `order_number` becomes "Order number". */
export function fieldWords(name: string): string {
  const words = name.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
