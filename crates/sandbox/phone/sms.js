// The SMS app: threads by the number or name at the other end, and one thread with its reply field.

import { attempt, get, post } from "./api.js";
import { avatar, base64, clockTime, composer, dayName, h, icon, linked, stickToEnd } from "./dom.js";

const other = (sms) => (sms.direction === "in" ? sms.from : sms.to);
const canReply = (peer) => /^[+\d][\d ]*$/.test(peer);

// A picture, film or sound of a text, or a link to another file.
function file({ id, mime }) {
  const src = `/sandbox/v1/media/${id}`;
  if (mime.startsWith("image/")) return h("img", { class: "mms", src, alt: "Picture", "data-testid": "sms-picture" });
  const player = { class: "mms", src, controls: true, preload: "metadata" };
  if (mime.startsWith("video/")) return h("video", { ...player, "aria-label": "Video" });
  if (mime.startsWith("audio/")) return h("audio", { ...player, "aria-label": "Audio" });
  return h("a", { class: "file", href: src, target: "_blank", rel: "noreferrer" }, mime);
}

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
          h("span", { class: "who" }, h("span", { class: "name" }, peer), h("div", { class: "last" }, sms.text || (sms.media.length ? "Picture or file" : ""))),
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
        let picked = null;
        const attachment = h("div", { class: "attachment", hidden: true });
        const input = h("input", { type: "file", accept: "image/*,video/*,audio/*", "aria-label": "Attach a picture", "data-testid": "sms-attach" });
        const pick = (chosen) => {
          picked = chosen;
          attachment.hidden = !chosen;
          if (!chosen) {
            input.value = "";
            return;
          }
          attachment.replaceChildren(
            chosen.type.startsWith("image/") && h("img", { src: URL.createObjectURL(chosen), alt: "" }),
            h("span", {}, chosen.name),
            h("button", { class: "icon-button", type: "button", "aria-label": "Remove the picture", onclick: () => pick(null) }, icon("close")),
          );
        };
        input.addEventListener("change", () => pick(input.files[0] ?? null));
        const { form } = composer({
          id: "sms-text", label: "Text message", testid: "sms-reply", sendTestid: "sms-send",
          before: h("label", { class: "attach" }, icon("attach"), input),
          onsend: async (text) => {
            if (!picked) return text ? send(text) : false;
            pin();
            const sent = await attempt(async () => {
              const media = [{ mime: picked.type || "application/octet-stream", media_base64: await base64(picked) }];
              return post(`/handsets/${phone.id}/sms`, { to: peer, text, media });
            });
            if (sent) pick(null);
            return sent;
          },
        });
        const quick = ["STOP", "HELP"].map((word) => h("button", { class: "chip", type: "button", "data-testid": `sms-${word.toLowerCase()}`, onclick: () => send(word) }, `Reply ${word}`));
        return [h("div", { class: "quick" }, quick), attachment, form];
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
      const bubble = h("div", { class: `sms ${sms.direction}`, "data-testid": "sms-message" }, sms.media.map(file), linked(sms.text, anchor));
      const last = sms === shown.at(-1) && sms.direction === "out";
      return [...stamp, bubble, ...(last ? [h("div", { class: "state" }, sms.receipt_state === "acked" ? "Delivered" : "Sent")] : [])];
    });
    draw(...nodes);
    if (phone.handset()?.sms_unread) await post(`/handsets/${phone.id}/sms/open`);
  }
  return { view, update };
}
