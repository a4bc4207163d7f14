// The SMS app: threads by the number or name at the other end, and one thread with its reply field.

import { attempt, get, post } from "./api.js";
import { avatar, clockTime, composer, dayName, h, icon, linked, stickToEnd } from "./dom.js";

const other = (sms) => (sms.direction === "in" ? sms.from : sms.to);
const canReply = (peer) => /^[+\d][\d ]*$/.test(peer);

export function threadList(phone) {
  const list = h("div", { class: "scroll threads" });
  const view = h("div", { class: "screen" }, h("div", { class: "appbar large" }, h("h2", {}, "Messages")), list);
  async function update() {
    const { messages } = await get(`/handsets/${phone.id}/sms`);
    const threads = new Map();
    for (const sms of messages) threads.set(other(sms), sms);
    const newest = [...threads.entries()].sort((a, b) => b[1].at - a[1].at);
    list.replaceChildren(
      ...newest.map(([peer, sms]) =>
        h("button", { class: "thread", type: "button", "data-testid": "sms-thread", onclick: () => phone.show("thread", { peer }) },
          avatar(peer),
          h("span", { class: "who" }, h("span", { class: "name" }, peer), h("div", { class: "last" }, sms.text)),
          h("span", { class: "when" }, clockTime(sms.at)))),
      ...(newest.length ? [] : [h("p", { class: "empty" }, "No texts yet. They appear here as soon as the carrier delivers one.")]),
    );
    return newest;
  }
  return { view, update };
}

export function thread(phone, { peer }) {
  const list = h("div", { class: "scroll", role: "log", "aria-label": `Texts with ${peer}`, tabindex: "0" });
  const { draw, pin } = stickToEnd(list);
  const send = (text) => {
    pin();
    return attempt(() => post(`/handsets/${phone.id}/sms`, { to: peer, text }));
  };
  const reply = canReply(peer)
    ? (() => {
        const { form } = composer({ id: "sms-text", label: "Text message", testid: "sms-reply", sendTestid: "sms-send", onsend: (text) => (text ? send(text) : false) });
        const quick = ["STOP", "HELP"].map((word) => h("button", { class: "chip", type: "button", "data-testid": `sms-${word.toLowerCase()}`, onclick: () => send(word) }, `Reply ${word}`));
        return [h("div", { class: "quick" }, quick), form];
      })()
    : [h("p", { class: "blocked" }, "This sender is a name: replies are not possible.")];
  const view = h("div", { class: "screen" },
    h("div", { class: "appbar" },
      h("button", { class: "icon-button", type: "button", "aria-label": "Back to messages", "data-testid": "back", onclick: () => phone.show("sms") }, icon("back")),
      avatar(peer), h("div", { class: "title" }, h("h2", {}, peer), h("p", { class: "sub" }, "Text message"))),
    list, reply);
  async function update() {
    const { messages } = await get(`/handsets/${phone.id}/sms`);
    const shown = messages.filter((sms) => other(sms) === peer);
    let day = "";
    const nodes = shown.flatMap((sms) => {
      const name = `${dayName(sms.at, phone.now())} ${clockTime(sms.at)}`;
      const stamp = name === day ? [] : [h("div", { class: "stamp" }, name)];
      day = name;
      const anchor = (href, label) => h("a", { href, "data-testid": "sms-link", rel: "noreferrer" }, label);
      const bubble = h("div", { class: `sms ${sms.direction}`, "data-testid": "sms-message" }, linked(sms.text, anchor));
      const last = sms === shown.at(-1) && sms.direction === "out";
      return [...stamp, bubble, ...(last ? [h("div", { class: "state" }, sms.receipt_state === "acked" ? "Delivered" : "Sent")] : [])];
    });
    draw(...nodes);
    if (phone.handset()?.sms_unread) await post(`/handsets/${phone.id}/sms/open`);
  }
  return { view, update };
}
