/** The name of a contact's field as words: `order_number` becomes "Order number". */
export function fieldWords(name: string): string {
  const words = name.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
