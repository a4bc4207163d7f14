// Building nodes. Everything a customer or the business wrote becomes a text node, never markup.

export function h(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined && child !== false) node.append(child);
  }
  return node;
}

const ICONS = {
  back: "M15.5 4.5 8 12l7.5 7.5",
  send: "M4 12 20 4.5 14.5 20l-3-6.5L4 12zM11.5 13.5 20 4.5",
  attach: "M19 11.5l-7.6 7.6a4.6 4.6 0 0 1-6.5-6.5l8-8a3.1 3.1 0 0 1 4.4 4.4l-8 8a1.6 1.6 0 0 1-2.2-2.2l7-7",
  close: "M6 6l12 12M18 6 6 18",
  more: "M6 12h.01M12 12h.01M18 12h.01",
  share: "M12 5v14M5 12h14",
  chat: "M12 3.5a8.5 8.5 0 0 0-7.3 12.8L3.5 20.5l4.4-1.1A8.5 8.5 0 1 0 12 3.5zM8.5 11h7M8.5 14h4.5",
  text: "M5 4.5h14a2 2 0 0 1 2 2v8.5a2 2 0 0 1-2 2h-7l-5 4v-4H5a2 2 0 0 1-2-2V6.5a2 2 0 0 1 2-2zM8 10.8h.01M12 10.8h.01M16 10.8h.01",
};

export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": "2", "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true", focusable: "false" })) svg.setAttribute(key, value);
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

// A link ends before the punctuation of the sentence; a closing bracket stays when it was opened in the link.
function withoutPunctuation(link) {
  let shown = link;
  while (/[.,;:!?)\]}>'"]$/.test(shown) && !(shown.endsWith(")") && shown.includes("("))) shown = shown.slice(0, -1);
  return shown;
}

// The text with its links as anchors. `anchor` makes the node of one link.
export function linked(text, anchor) {
  const nodes = [];
  let last = 0;
  for (const match of text.matchAll(/(?:https?:\/\/|\bwa\.me\/)[^\s]+/gi)) {
    const shown = withoutPunctuation(match[0]);
    nodes.push(text.slice(last, match.index));
    nodes.push(anchor(/^https?:/i.test(shown) ? shown : `https://${shown}`, shown));
    last = match.index + shown.length;
  }
  nodes.push(text.slice(last));
  return nodes;
}

export function initials(name) {
  const words = name.replace(/[^\p{L}\p{N} ]/gu, "").split(" ").filter(Boolean);
  return words.slice(0, 2).map((word) => word[0].toUpperCase()).join("") || "?";
}

export function avatar(name, seed = name) {
  const tone = [...seed].reduce((sum, c) => sum + c.codePointAt(0), 0) % 5;
  return h("span", { class: `avatar tone${tone}`, "aria-hidden": "true" }, initials(name));
}

export const clockTime = (at) => new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
export const longDay = (at) => new Date(at).toLocaleDateString([], { weekday: "long", day: "numeric", month: "long" });

export function dayName(at, now) {
  const day = (time) => new Date(time).setHours(0, 0, 0, 0);
  const days = Math.round((day(now) - day(at)) / 86_400_000);
  return days === 0 ? "Today" : days === 1 ? "Yesterday" : longDay(at);
}

// Keeps a list at its end while it changes and its images load, unless the reader has scrolled away from it. `draw(...nodes)` changes
// the list, `pin()` goes back to its end.
export function stickToEnd(list) {
  let stuck = true;
  let last = { top: 0, height: 0 };
  const note = () => {
    last = { top: list.scrollTop, height: list.scrollHeight };
  };
  const stick = () => {
    if (stuck) list.scrollTop = list.scrollHeight;
    note();
  };
  list.addEventListener("scroll", () => {
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
    // Content that grew is no reading back; only moving up in the same content is.
    if (atEnd) stuck = true;
    else if (list.scrollHeight === last.height && list.scrollTop < last.top) stuck = false;
    note();
  });
  list.addEventListener("load", stick, true);
  return {
    draw(...nodes) {
      const top = list.scrollTop;
      list.replaceChildren(...nodes);
      if (!stuck) list.scrollTop = top;
      stick();
    },
    pin() {
      stuck = true;
      stick();
    },
  };
}

export function composer({ id, label, testid, sendTestid, onsend, before }) {
  const field = h("textarea", { id, rows: "1", "aria-label": label, placeholder: label, "data-testid": testid, autocomplete: "off" });
  const button = h("button", { class: "send", type: "submit", "aria-label": "Send", "data-testid": sendTestid }, icon("send"));
  const form = h("form", { class: "composer" }, before, field, button);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await onsend(field.value)) field.value = "";
    field.focus();
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  return { form, field };
}

// The bytes of a file as base64.
export const base64 = (file) =>
  new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(new Error("The file cannot be read."));
    reader.readAsDataURL(file);
  });
