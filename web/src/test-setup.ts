import { afterEach, vi } from 'vitest';

if (typeof window !== 'undefined') {
  window.matchMedia ??= ((query: string) => ({
    matches: false,
    media: query,
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
    addListener: () => undefined,
    removeListener: () => undefined,
    dispatchEvent: () => false,
    onchange: null,
  })) as typeof window.matchMedia;
  // Text areas measure themselves again when fonts have come.
  if (!('fonts' in document)) Object.assign(document, { fonts: new EventTarget() });
  const { cleanup } = await import('@testing-library/react');
  afterEach(() => {
    cleanup();
    localStorage.clear();
  });
}

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});
