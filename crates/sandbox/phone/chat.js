// The chat app: the conversation with the business.

import { menu, numberSheet, placeSheet, reactionRow, reactionsOf, shareSheet } from "./actions.js";
import { attempt, get, post } from "./api.js";
import { base64, clockTime, composer, dayName, h, icon, initials, linked, stickToEnd } from "./dom.js";
import { sheets } from "./sheet.js";

const TICKS = { sent: ["✓", "Sent"], delivered: ["✓✓", "Delivered"], read: ["✓✓", "Read"], played: ["✓✓", "Listened to"] };

function ticks(message) {
  const [shown, label] = TICKS[message.status] ?? [];
  return shown && h("span", { class: `ticks ${message.status}`, role: "img", "aria-label": label }, shown);
}

const HOUR = 3_600_000;

// Why nothing can be written here.
function whyClosed(handset) {
  if (handset?.on_whatsapp === false) return "This phone is not on WhatsApp. Switch it on in the settings of this phone to write.";
  if (handset?.blocked) return "You have blocked this business. Unblock it in the settings of this phone to write.";
  if (handset?.online === false) return "This phone is offline. Put it online in the settings of this phone to write.";
  return null;
}

// How long an offer still goes on.
function timeLeft(offer, now) {
  if (offer.ends_at === null) return null;
  const left = offer.ends_at - now;
  if (left <= 0) return "This offer has ended";
  const [days, hours] = [Math.floor(left / (24 * HOUR)), Math.floor((left % (24 * HOUR)) / HOUR)];
  if (days > 0) return `Ends in ${days} d ${hours} h`;
  return `Ends in ${hours} h ${Math.ceil((left % HOUR) / 60_000)} min`;
}

function media(message, played) {
  const { id, mime, caption, filename, voice } = message.media;
  const url = `/sandbox/v1/media/${id}`;
  const what = message.type === "sticker" ? "Sticker" : "Image";
  if (mime.startsWith("image/")) return h("img", { class: message.type, src: url, alt: caption || what });
  const player = { src: url, controls: true, preload: "metadata", "data-testid": "chat-player" };
  if (mime.startsWith("video/")) return h("video", { ...player, "aria-label": caption || "Video" });
  if (mime.startsWith("audio/")) {
    return h("audio", { ...player, "aria-label": voice ? "Voice message" : "Audio", onplay: () => played?.(message) });
  }
  return h("a", { class: "file", href: url, target: "_blank", rel: "noreferrer" }, filename || mime);
}

export function chat(phone, { text }) {
  const business = phone.business;
  const path = `/handsets/${phone.id}/chats/${business.digits}`;
  const list = h("div", { class: "scroll", role: "log", "aria-label": `Chat with ${business.name}`, tabindex: "0" });
  const subtitle = h("p", { class: "sub" }, "Business account");
  const { draw, pin } = stickToEnd(list);
  const write = (message) => {
    pin();
    return attempt(() => post(`${path}/messages`, message));
  };

  // Attaching a file.
  const KINDS = { image: "image", video: "video", audio: "audio" };
  const kindOf = (file) => (file.type === "image/webp" ? "sticker" : (KINDS[file.type.split("/")[0]] ?? "document"));
  const played = (message) => {
    if (message.direction === "in" && message.media.voice && message.status !== "played") {
      attempt(() => post(`${path}/messages/${encodeURIComponent(message.id)}/play`));
    }
  };
  let picked = null;
  const attachment = h("div", { class: "attachment", hidden: true });
  const input = h("input", { type: "file", "aria-label": "Attach a file", "data-testid": "chat-attach" });
  function pick(file) {
    picked = file;
    attachment.hidden = !file;
    if (!file) {
      input.value = "";
      return;
    }
    attachment.replaceChildren(
      ...(file.type.startsWith("image/") ? [h("img", { src: URL.createObjectURL(file), alt: "" })] : []),
      h("span", {}, file.name),
      h("button", { class: "icon-button", type: "button", "aria-label": "Remove the file", onclick: () => pick(null) }, icon("close")),
    );
    field.focus();
  }
  input.addEventListener("change", () => pick(input.files[0] ?? null));

  // What the next message answers, or which one it changes.
  let quoting = null;
  let changing = null;
  const target = h("div", { class: "attachment", hidden: true, "data-testid": "chat-target" });
  let draft = "";
  function aim({ quote = null, change = null }) {
    // What was being written waits until the change of an earlier message is done.
    if (change && !changing) draft = field.value;
    if (changing && !change) field.value = draft;
    [quoting, changing] = [quote, change];
    const message = quote ?? change;
    target.hidden = !message;
    if (!message) return;
    const name = quote ? "Reply to" : "Edit";
    target.replaceChildren(
      h("span", {}, h("strong", {}, name), " ", message.text || message.type),
      h("button", { class: "icon-button", type: "button", "aria-label": quote ? "Do not quote" : "Do not edit", "data-testid": "chat-target-off", onclick: () => {
        aim({});
        field.focus();
      } }, icon("close")));
    if (change) field.value = change.text;
    field.focus();
  }
  const sharing = h("button", { class: "attach", type: "button", "aria-label": "Share a place or a contact", "aria-haspopup": "dialog", "data-testid": "chat-share", onclick: () => shareSheet(sheet, sharing, { handset: phone.handset(), write }) }, icon("share"));

  const { form, field } = composer({
    id: "chat-text", label: "Message", testid: "chat-composer", sendTestid: "chat-send",
    before: [h("label", { class: "attach" }, icon("attach"), input), sharing],
    onsend: async (written) => {
      if (changing) {
        const changed = written.trim() && (await write({ type: "edit", message_id: changing.id, text: written }));
        if (changed) aim({});
        return changed;
      }
      const context_id = quoting?.id;
      if (picked) {
        const kind = kindOf(picked);
        const caption = kind === "audio" || kind === "sticker" ? undefined : written || undefined;
        const filename = kind === "document" ? picked.name : undefined;
        const file = { type: kind, mime: picked.type || undefined, caption, filename, context_id };
        pin();
        const sent = await attempt(async () => post(`${path}/messages`, { ...file, media_base64: await base64(picked) }));
        if (sent) {
          pick(null);
          aim({});
        }
        return sent;
      }
      const sent = written.trim() ? await write({ type: "text", text: written, context_id }) : false;
      if (sent) aim({});
      return sent;
    },
  });
  if (text) field.value = text;
  const blocked = h("p", { class: "blocked", hidden: true, "data-testid": "chat-closed" });

  const view = h("div", { class: "screen chat" },
    h("div", { class: "appbar" },
      h("button", { class: "icon-button", type: "button", "aria-label": "Back to the home screen", "data-testid": "back", onclick: () => phone.show("home") }, icon("back")),
      h("span", { class: "avatar", "aria-hidden": "true" }, initials(business.name)),
      h("div", { class: "title" }, h("h2", {}, business.name), subtitle)),
    list, target, attachment, form, blocked);
  const sheet = sheets(view, () => field);

  function openSheet(message, opener) {
    const rows = message.sections.flatMap((section) => [
      section.title && h("h4", {}, section.title),
      ...section.rows.map((row) =>
        h("button", { class: "row", type: "button", "data-testid": "chat-list-row", onclick: async () => {
          sheet.close();
          await write({ type: "list_reply", reply_to: message.id, id: row.id });
        } }, h("strong", {}, row.title), row.description && h("span", {}, row.description))),
    ]);
    sheet.show({ label: message.list_button, closing: "Close the list", opener }, rows);
  }

  // A form of the business, filled in and sent back.
  function openForm(message, opener) {
    const { form } = message;
    const control = (one) => {
      const shared = { name: one.name, required: one.required, "data-testid": `form-${one.name}` };
      if (one.kind === "choice") {
        return h("select", shared, h("option", { value: "" }, "Choose"), ...one.options.map((option) => h("option", { value: option }, option)));
      }
      return h("input", { ...shared, type: { date: "date", check: "checkbox" }[one.kind] ?? "text" });
    };
    const fields = form.fields.map((one) =>
      h("label", { class: one.kind === "check" ? "field check" : "field" }, h("span", {}, one.label), control(one)));
    const filled = h("form", { class: "fill" }, fields, h("button", { class: "primary", type: "submit", "data-testid": "form-send" }, "Send"));
    filled.addEventListener("submit", async (event) => {
      event.preventDefault();
      const answers = {};
      for (const one of form.fields) {
        const input = filled.elements.namedItem(one.name);
        const answer = one.kind === "check" ? input.checked : input.value.trim();
        if (answer !== "" && answer !== false) answers[one.name] = answer;
      }
      if (await write({ type: "form_reply", reply_to: message.id, answers })) sheet.close();
    });
    sheet.show({ label: form.label, closing: "Close the form", opener, stays: true }, filled);
  }

  function tappable(message, all, answered) {
    return all.map((button) => {
      if (button.kind === "url" || button.kind === "phone") {
        return h("a", { href: button.url, "data-testid": "chat-button", target: "_blank", rel: "noreferrer" }, button.title);
      }
      if (button.kind === "share_number" || button.kind === "share_place") {
        const opener = h("button", { type: "button", "data-testid": `chat-${button.kind.replace("_", "-")}`, "aria-haspopup": "dialog", disabled: answered }, button.title);
        const { phone: number } = phone.handset() ?? {};
        opener.addEventListener("click", () =>
          button.kind === "share_place"
            ? placeSheet(sheet, opener, { context_id: message.id, write })
            : numberSheet(sheet, opener, { message, phone: number, business: business.name, write }));
        return opener;
      }
      const reply = button.kind === "reply"
        ? { type: "button_reply", reply_to: message.id, id: button.id }
        : { type: "button", reply_to: message.id, text: button.title, payload: button.id };
      const off = button.kind === "copy" || (answered && button.kind === "reply");
      return h("button", { type: "button", "data-testid": "chat-button", disabled: off, onclick: () => write(reply) }, button.title);
    });
  }

  // Cards below the text. The row is scrolled by swiping, by its buttons when they get the focus, and by the arrow keys.
  function cards(message, answered) {
    const one = (card, index) =>
      h("div", { class: "chat-card", role: "group", "aria-label": `Card ${index + 1} of ${message.cards.length}`, "data-testid": "chat-card" },
        media({ type: "image", media: { ...card.media, caption: card.media.caption || `Picture on card ${index + 1}` } }),
        card.text && h("div", { class: "text" }, card.text),
        h("div", { class: "actions" }, tappable(message, card.buttons, answered)));
    return h("div", { class: "cards", role: "region", "aria-label": "Cards to swipe through", tabindex: "0", "data-testid": "chat-cards" }, message.cards.map(one));
  }

  function offer(message) {
    const { text: what, code } = message.offer;
    const left = timeLeft(message.offer, phone.now());
    return h("div", { class: "offer", "data-testid": "chat-offer" },
      h("strong", {}, what), left && h("span", { "data-testid": "chat-offer-left" }, left), code && h("span", {}, `Code ${code}`));
  }

  function actions(message, answered) {
    const buttons = tappable(message, message.buttons, answered);
    if (message.list_button) {
      const opener = h("button", { type: "button", "data-testid": "chat-list-open", "aria-haspopup": "dialog" }, message.list_button);
      opener.addEventListener("click", () => openSheet(message, opener));
      buttons.push(opener);
    }
    if (message.form) {
      const opener = h("button", { type: "button", "data-testid": "chat-form-open", "aria-haspopup": "dialog", disabled: answered }, message.form.label);
      opener.addEventListener("click", () => openForm(message, opener));
      buttons.push(opener);
    }
    return buttons.length > 0 && h("div", { class: "actions" }, buttons);
  }

  // Buttons are answered by what they ask for; a quote or a reaction is no answer.
  const ANSWERS = ["interactive", "button", "contacts", "location"];
  const KIND_NAMES = { location: "Place", contacts: "Contact" };

  function bubble(message, all, previous, reactions) {
    const quoted = message.context_id && all.find((one) => one.id === message.context_id);
    const answered = all.some((one) => one.direction === "out" && one.context_id === message.id && ANSWERS.includes(one.type));
    const anchor = (href, label) => h("a", { href, target: "_blank", rel: "noreferrer" }, label);
    const turn = previous && previous.direction !== message.direction ? "turn" : "";
    const deleted = message.mark === "deleted";
    const words = deleted ? [h("em", {}, "You deleted this message.")] : linked(message.text, anchor);
    const own = reactions.get(message.id)?.out;
    const more = h("button", { class: "more", type: "button", "aria-haspopup": "dialog", "aria-label": `More about “${(message.text || message.type).slice(0, 40)}”`, "data-testid": "chat-more" }, icon("more"));
    more.addEventListener("click", () =>
      menu(sheet, more, { message, own, write, quote: (quote) => aim({ quote }), edit: (change) => aim({ change }) }));
    return h("div", { class: `message ${message.direction} ${turn}`, "data-testid": "chat-message", "data-id": message.id, "data-direction": message.direction, "data-status": message.status },
      h("div", { class: "bubble" },
        message.mark === "forwarded" && h("div", { class: "foot" }, "Forwarded"),
        quoted && h("div", { class: "quote" }, quoted.text || quoted.type),
        message.media && media(message, played),
        message.header && h("div", { class: "head" }, message.header),
        KIND_NAMES[message.type] && h("div", { class: "foot" }, KIND_NAMES[message.type]),
        message.offer && offer(message),
        h("div", { class: "text" }, words),
        message.footer && h("div", { class: "foot" }, message.footer),
        h("div", { class: "meta" }, message.mark === "edited" && h("span", {}, "Edited"), h("time", {}, clockTime(message.at)), message.direction === "out" && ticks(message)),
        !deleted && more),
      reactionRow(reactions.get(message.id), business.name),
      message.direction === "in" && actions(message, answered),
      message.cards?.length > 0 && cards(message, answered));
  }

  // Draws the list anew; what had the focus in it gets it back.
  function redraw(nodes) {
    const active = document.activeElement;
    const at = list.contains(active) && active !== list ? { id: active.closest("[data-id]")?.dataset.id, test: active.dataset.testid } : null;
    const nth = at ? [...list.querySelectorAll(`[data-testid="${at.test}"]`)].filter((one) => one.closest("[data-id]")?.dataset.id === at.id).indexOf(active) : 0;
    draw(...nodes);
    if (!at) return;
    const same = [...list.querySelectorAll(`[data-testid="${at.test}"]`)].filter((one) => one.closest("[data-id]")?.dataset.id === at.id)[nth];
    (same && !same.disabled ? same : list).focus();
  }

  let first = true;
  let drawn = "";
  async function update() {
    const { chats } = await get(`/handsets/${phone.id}/chats`);
    const messages = chats[0]?.messages ?? [];
    const typing = chats[0]?.typing ?? false;
    const handset = phone.handset();
    const closed = whyClosed(handset);
    blocked.hidden = !closed;
    blocked.textContent = closed ?? "";
    form.hidden = Boolean(closed);
    subtitle.textContent = typing ? "typing…" : "Business account";
    const state = JSON.stringify([messages, typing]);
    if (state !== drawn) {
      drawn = state;
      let day = "";
      const reactions = reactionsOf(messages);
      const bubbles = messages.filter((message) => message.type !== "reaction");
      const nodes = bubbles.flatMap((message, index) => {
        const name = dayName(message.at, phone.now());
        const separator = name === day ? [] : [h("div", { class: "day" }, name)];
        day = name;
        return [...separator, bubble(message, messages, bubbles[index - 1], reactions)];
      });
      if (typing) {
        nodes.push(h("div", { class: "message in turn", "data-testid": "chat-typing" },
          h("div", { class: "bubble" }, h("span", { class: "typing", role: "img", "aria-label": `${business.name} is typing` }, h("i"), h("i"), h("i")))));
      }
      if (nodes.length === 0) nodes.push(h("p", { class: "empty" }, `Say hello to ${business.name}.`));
      redraw(nodes);
    }
    if (first) {
      field.focus();
      first = false;
    }
    if (chats[0]?.unread && document.visibilityState === "visible") await post(`${path}/open`);
  }
  return { view, update };
}
