// What a customer does with a message beside reading it, and what they share: reactions, quotes, changes, places and numbers.

import { h } from "./dom.js";

const EMOJI = [["👍", "Thumbs up"], ["❤️", "Heart"], ["😂", "Laughing"], ["😮", "Surprised"], ["😢", "Sad"], ["🙏", "Thank you"]];
const PLACES = [
  ["Alexanderplatz", "Alexanderplatz, 10178 Berlin", 52.5219, 13.4132],
  ["Times Square", "Manhattan, New York 10036", 40.758, -73.9855],
  ["Avenida Paulista", "Bela Vista, São Paulo", -23.5614, -46.6559],
];

// The reactions by message: of each side the newest counts, and an empty one is none.
export function reactionsOf(messages) {
  const all = new Map();
  for (const { type, context_id: target, direction, text } of messages) {
    if (type === "reaction") all.set(target, { ...all.get(target), [direction]: text || undefined });
  }
  return all;
}

export function reactionRow(reactions, business) {
  const shown = [["in", `Reaction of ${business}`], ["out", "Your reaction"]].filter(([side]) => reactions?.[side]);
  if (shown.length === 0) return null;
  return h("div", { class: "reactions", "data-testid": "chat-reactions" },
    shown.map(([side, whose]) => h("span", { role: "img", "aria-label": `${whose}: ${reactions[side]}` }, reactions[side])));
}

const row = (testid, label, detail, onclick) =>
  h("button", { class: "row", type: "button", "data-testid": testid, onclick }, h("strong", {}, label), detail && h("span", {}, detail));

// The sheet of one message. `own` is the reaction of the customer; `quote` and `edit` lead to the field.
export function menu(sheets, opener, { message, own, write, quote, edit }) {
  const act = (change) => async () => {
    sheets.close();
    await write(change);
  };
  const emoji = EMOJI.map(([shown, name]) =>
    h("button", { type: "button", class: "emoji", "data-testid": "chat-react", "aria-label": name, "aria-pressed": String(shown === own),
      onclick: act({ type: "reaction", message_id: message.id, emoji: shown === own ? "" : shown }) }, shown));
  const mine = message.direction === "out";
  const leading = (target) => () => {
    sheets.close();
    target(message);
  };
  sheets.show({ label: "This message", closing: "Close the choices", opener },
    h("div", { class: "emojis", role: "group", "aria-label": "React" }, emoji),
    own && row("chat-react-back", `Take back ${own}`, null, act({ type: "reaction", message_id: message.id, emoji: "" })),
    row("chat-quote", "Reply", "Quotes this message.", leading(quote)),
    message.text && row("chat-forward", "Forward", "Sends this text once more, marked as forwarded.", act({ type: "text", text: message.text, forwarded: true })),
    mine && message.type === "text" && row("chat-edit", "Edit", null, leading(edit)),
    mine && row("chat-delete", "Delete for everyone", null, act({ type: "revoke", message_id: message.id })));
}

// What the business asks for: the own number, after a question.
export function numberSheet(sheets, opener, { message, phone, business, write }) {
  const answer = async () => {
    sheets.close();
    await write({ type: "contact_reply", reply_to: message.id });
  };
  sheets.show({ label: "Share phone number?", closing: "Do not share the number", opener },
    h("p", { class: "ask" }, `${business} will see ${phone}.`),
    h("button", { class: "primary wide", type: "button", "data-testid": "share-number", onclick: answer }, "Share"));
}

// A place: a known one, or any by its coordinates. `context_id` names the message that asked.
export function placeSheet(sheets, opener, { context_id, write }) {
  const send = async (place) => {
    if (await write({ type: "location", context_id, ...place })) sheets.close();
  };
  const field = (label, name, more) =>
    h("label", { class: "field" }, h("span", {}, label), h("input", { name, autocomplete: "off", "data-testid": `place-${name}`, ...more }));
  const number = (edge) => ({ type: "number", step: "any", min: -edge, max: edge, required: true });
  const other = h("form", { class: "fill" }, field("Name (optional)", "name"), field("Latitude", "latitude", number(90)), field("Longitude", "longitude", number(180)),
    h("button", { class: "primary", type: "submit", "data-testid": "place-send" }, "Send this place"));
  other.addEventListener("submit", (event) => {
    event.preventDefault();
    const { name, latitude, longitude } = Object.fromEntries(new FormData(other));
    send({ latitude: Number(latitude), longitude: Number(longitude), name: name.trim() || undefined });
  });
  sheets.show({ label: "Send a place", closing: "Close without sending", opener, stays: true },
    PLACES.map(([name, address, latitude, longitude]) =>
      row("place-known", name, address, () => send({ latitude, longitude, name, address }))),
    h("details", { class: "other" }, h("summary", { "data-testid": "place-other" }, "Another place"), other));
}

// What can be shared without being asked.
export function shareSheet(sheets, opener, { handset, write }) {
  const card = h("form", { class: "fill" },
    h("label", { class: "field" }, h("span", {}, "Name"), h("input", { name: "name", required: true, autocomplete: "off", "data-testid": "card-name" })),
    h("label", { class: "field" }, h("span", {}, "Phone number"), h("input", { name: "phone", type: "tel", required: true, autocomplete: "off", "data-testid": "card-phone" })),
    h("button", { class: "primary", type: "submit", "data-testid": "card-send" }, "Send this contact"));
  const send = async (name, phone) => {
    if (await write({ type: "contact", name, phone })) sheets.close();
  };
  card.addEventListener("submit", (event) => {
    event.preventDefault();
    const { name, phone } = Object.fromEntries(new FormData(card));
    send(name.trim(), phone.trim());
  });
  sheets.show({ label: "Share", closing: "Close without sharing", opener, stays: true },
    row("share-place", "A place", null, () => placeSheet(sheets, opener, { write })),
    row("share-own", "My own contact", `${handset.name}, ${handset.phone}`, () => send(handset.name, handset.phone)),
    h("details", { class: "other" }, h("summary", { "data-testid": "share-other" }, "Somebody else’s contact"), card));
}
