// The headless API of the sandbox, and its event stream.

const notice = document.getElementById("notice");
let hide;

export function tell(message) {
  notice.textContent = message;
  notice.classList.add("shown");
  clearTimeout(hide);
  hide = setTimeout(() => notice.classList.remove("shown"), 4500);
}

async function call(method, path, body) {
  const response = await fetch(`/sandbox/v1${path}`, {
    method,
    headers: body === undefined ? {} : { "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  const answer = text ? JSON.parse(text) : null;
  if (!response.ok) throw new Error(answer?.error ?? `The sandbox answered ${response.status}.`);
  return answer;
}

export const get = (path) => call("GET", path);
export const post = (path, body = {}) => call("POST", path, body);
export const put = (path, body) => call("PUT", path, body);
export const patch = (path, body) => call("PATCH", path, body);

// Runs an action of the person; a refusal becomes a notice. True when it worked.
export async function attempt(action) {
  try {
    await action();
    return true;
  } catch (error) {
    tell(error.message);
    return false;
  }
}

// Calls `changed({handset_id, kind})` for every event, and once with kind "reset" after each new connection.
export function listen(changed) {
  const source = new EventSource("/sandbox/v1/events");
  source.onopen = () => changed({ handset_id: null, kind: "reset" });
  source.onmessage = (event) => changed(JSON.parse(event.data));
}
