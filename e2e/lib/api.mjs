// The product's API and the sandbox's headless API, as programs use them.

async function answer(response) {
  const text = await response.text();
  const body = text ? JSON.parse(text) : null;
  if (!response.ok) throw new Error(`${response.status} ${response.url}: ${text.slice(0, 400)}`);
  return body;
}

/** Calls of the product's REST API with an API key. */
export function productApi(demo) {
  const call = (method, path, body) =>
    fetch(`${demo.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${demo.api_key}`, 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    }).then(answer);
  /** All pages of a list. */
  const all = async (path) => {
    const rows = [];
    let cursor = null;
    do {
      const separator = path.includes('?') ? '&' : '?';
      const page = await call('GET', cursor ? `${path}${separator}cursor=${encodeURIComponent(cursor)}` : path);
      rows.push(...page.data);
      cursor = page.next_cursor;
    } while (cursor);
    return rows;
  };
  return {
    get: (path) => call('GET', path),
    post: (path, body = {}) => call('POST', path, body),
    put: (path, body) => call('PUT', path, body),
    patch: (path, body) => call('PATCH', path, body),
    all,
  };
}

/** Calls of the sandbox's JSON API. */
export function sandboxApi(demo) {
  const call = (method, path, body) =>
    fetch(`${demo.sandbox_url}/sandbox/v1${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    }).then(answer);
  return {
    get: (path) => call('GET', path),
    post: (path, body = {}) => call('POST', path, body),
    put: (path, body) => call('PUT', path, body),
    patch: (path, body) => call('PATCH', path, body),
    /** Every entry of the ledger. */
    ledger: async () => (await call('GET', '/ledger')).entries,
  };
}

/** Waits until `look` gives something truthy; fails with what was last seen. */
export async function eventually(what, look, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  let last;
  while (Date.now() < end) {
    last = await look();
    if (last) return last;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited ${seconds} s for: ${what}`);
}
