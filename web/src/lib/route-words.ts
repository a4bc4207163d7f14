/** What decides by which account a text leaves, in words. */
import type { RouteBy, RouteNote } from '@/api/sender-types';

export const ROUTE_BY: Record<RouteBy, string> = {
  order: 'The first that can send',
  price: 'The cheapest for the country',
  delivery: 'The one that delivers most',
};

/** Why a message leaves by its account. */
export function routeWords(note: RouteNote): string {
  const why = reasonWords(note);
  return note.by_characters === true ? `${why}, of those that take its characters` : why;
}

function reasonWords(note: RouteNote): string {
  switch (note.reason) {
    case 'first':
      return 'the first of the order';
    case 'cheapest':
      return 'the lowest price there';
    case 'no_price':
      return 'no price known there, so the first of the order';
    case 'most_delivered':
      return `most delivered: ${note.delivered ?? 0} of ${note.settled ?? 0}`;
    case 'too_little_known':
      return 'too little delivered yet to compare, so the first of the order';
    case 'trial':
      return 'one of the few that try this account';
  }
}
