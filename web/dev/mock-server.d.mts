/** What a request is answered with, as `{ body }`; null where the mock does not know the address. */
export function answerTo(method: string, url: URL, body: unknown): { body: unknown } | null;
