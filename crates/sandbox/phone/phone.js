// The phone page: which handset is in the hand, which app is open, and what the sandbox says.

import { attempt, get, listen, patch, post, tell } from "./api.js";
import { chat } from "./chat.js";
import { avatar, clockTime, h, icon, longDay } from "./dom.js";
import { thread, threadList } from "./sms.js";

const byId = (id) => document.getElementById(id);
const frame = byId("phone");
let handsets = [];
let status = null;
let clockOffset = 0;
let open = null;
let offline = false;
let total = 0;

// A carrier under load knows very many phones; the page shows the ones that are in use.
const SHOWN = 60;
const PAUSE_MS = 120;

const phone = {
  id: null,
  business: null,
  now: () => (status?.clock.mode === "virtual" ? status.clock.now : Date.now() + clockOffset),
  handset: () => handsets.find((handset) => handset.id === phone.id),
  show,
};

const VIEWS = { home: homeScreen, sms: threadList, thread, chat };

function show(name, details = {}) {
  const leaving = document.activeElement && byId("screen").contains(document.activeElement);
  open = { name, details, ...VIEWS[name](phone, details) };
  frame.dataset.view = name;
  byId("home").hidden = name === "home";
  byId("screen").replaceChildren(open.view);
  const query = new URLSearchParams(phone.id ? { handset: phone.id } : {});
  if (name !== "home") query.set("app", name === "thread" ? "sms" : name);
  if (details.peer) query.set("peer", details.peer);
  history.replaceState(null, "", `/phone?${query}`);
  refreshView();
  if (leaving && name !== "chat") open.view.querySelector("button")?.focus();
}

function refreshView() {
  const shown = open;
  shown?.update().catch((error) => shown === open && tell(error.message));
}

const badge = (unread) => h("span", { class: "badge" }, unread, h("span", { class: "unseen" }, " unread"));

function homeScreen() {
  const view = h("div", { class: "homescreen" });
  async function update() {
    const handset = phone.handset();
    const app = (name, testid, label, unread, target) =>
      h("button", { class: `app ${testid}`, type: "button", "data-testid": testid, onclick: target },
        h("span", { class: "icon" }, icon(name)), h("span", {}, label), unread > 0 && badge(unread));
    const focused = document.activeElement?.dataset?.testid;
    view.replaceChildren(
      h("div", { class: "big" }, clockTime(phone.now())),
      h("div", { class: "date" }, longDay(phone.now())),
      handset && !handset.online ? h("div", { class: "off" }, "Offline") : "",
      handset
        ? h("div", { class: "apps" },
            app("text", "app-sms", "Messages", handset.sms_unread, openSms),
            app("chat", "app-whatsapp", "WhatsApp", handset.chat_unread, () => show("chat")))
        : h("p", { class: "off" }, "Add a phone to begin."),
    );
    if (focused?.startsWith("app-")) view.querySelector(`[data-testid=${focused}]`)?.focus();
  }
  return { view, update };
}

// With a single sender the thread opens at once.
async function openSms() {
  await attempt(async () => {
    const { messages } = await get(`/handsets/${phone.id}/sms`);
    const peers = new Set(messages.map((sms) => (sms.direction === "in" ? sms.from : sms.to)));
    if (peers.size === 1) show("thread", { peer: [...peers][0] });
    else show("sms");
  });
}

function choose(id, name = "home", details = {}) {
  phone.id = id;
  if (id) {
    localStorage.setItem("sandbox_handset", id);
    document.cookie = `sandbox_handset=${encodeURIComponent(id)}; path=/; SameSite=Lax`;
  }
  drawHandsets();
  const list = byId("handsets");
  const chosen = list.querySelector("[aria-current]")?.closest("li");
  if (chosen) list.scrollLeft = chosen.offsetLeft - list.offsetLeft - 8;
  drawSettings();
  show(name, details);
}

function drawHandsets() {
  const list = byId("handsets");
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.testid : null;
  list.replaceChildren(...handsets.map((handset) => {
    const unread = handset.sms_unread + handset.chat_unread;
    return h("li", {},
      h("button", { class: "handset", type: "button", "data-testid": `handset-${handset.id}`, "aria-current": handset.id === phone.id ? "true" : null, onclick: () => choose(handset.id) },
        avatar(handset.name, handset.id),
        h("span", { class: "who" }, h("span", { class: "name" }, handset.name), h("span", { class: "number" }, handset.phone)),
        unread > 0 && badge(unread)));
  }));
  if (focused) list.querySelector(`[data-testid="${focused}"]`)?.focus();
  const filter = byId("find-text").value;
  byId("find").hidden = total <= 8 && !filter;
  byId("more").hidden = total <= SHOWN;
  byId("more").textContent = `${total - SHOWN} more: search by name or number.`;
  if (!handsets.length && !filter) byId("add-box").open = true;
}

const SWITCHES = [
  ["online", "Online"],
  ["read_receipts", "Read receipts"],
  ["on_whatsapp", "On WhatsApp"],
  ["shares_phone", "Shares phone number"],
  ["blocked", "Business blocked"],
  ["marketing_stopped", "Marketing stopped"],
];

let shownName = "";

function drawSettings() {
  const handset = phone.handset();
  const hidden = handset && !handset.shares_phone;
  byId("owner").textContent = handset ? `${handset.name} · ${hidden && handset.username ? `@${handset.username}` : handset.phone}` : "No phone chosen.";
  byId("number-box").hidden = !handset;
  byId("report").hidden = !handset;
  byId("name-box").hidden = !handset;
  // What somebody types stays until the name itself changes.
  const known = `${handset?.id} ${handset?.username}`;
  if (known !== shownName) byId("username").value = handset?.username ?? "";
  shownName = known;
  const box = byId("switches");
  if (!handset) {
    box.replaceChildren();
    return;
  }
  for (const [field, label] of SWITCHES) {
    let input = box.querySelector(`[name=${field}]`);
    if (!input) {
      input = h("input", { type: "checkbox", role: "switch", name: field, "data-testid": `switch-${field}` });
      input.addEventListener("change", async () => {
        await attempt(() => patch(`/handsets/${phone.id}`, { [field]: input.checked }));
        await refresh();
      });
      box.append(h("label", { class: "switch" }, h("span", {}, label), input));
    }
    input.checked = handset[field];
  }
}

function drawStatus() {
  const now = phone.now();
  const virtual = status?.clock.mode === "virtual";
  byId("time").textContent = clockTime(now);
  byId("signal").textContent = phone.handset()?.online === false ? "No service" : "5G";
  byId("clock").textContent = `${new Date(now).toLocaleDateString([], { day: "numeric", month: "short" })}, ${clockTime(now)}${virtual ? " (stands still)" : ""}`;
  byId("skip").hidden = !virtual;
  byId("binds").textContent = status?.smpp.binds ?? "–";
  byId("queued").textContent = status?.webhook.queued ?? "–";
}

async function load() {
  const wanted = new URLSearchParams({ limit: SHOWN, q: byId("find-text").value });
  const [list, now] = await Promise.all([get(`/handsets?${wanted}`), get("/status")]);
  if (phone.id && !list.handsets.some((handset) => handset.id === phone.id)) {
    const chosen = await get(`/handsets/${phone.id}`).catch(() => null);
    if (chosen) list.handsets.unshift(chosen);
  }
  ({ handsets, total } = list);
  status = now;
  phone.business = status.business;
  clockOffset = status.clock.now - Date.now();
}

let running = null;
let again = false;

// Loads everything that is shown; events that come meanwhile cause one more round.
function refresh() {
  if (running) {
    again = true;
    return running;
  }
  running = (async () => {
    do {
      again = false;
      try {
        await load();
        offline = false;
      } catch {
        if (!offline) tell("The sandbox does not answer.");
        offline = true;
        break;
      }
      if (phone.id && !phone.handset()) choose(handsets[0]?.id ?? null);
      else if (!phone.id && handsets.length) choose(handsets[0].id);
      drawHandsets();
      drawSettings();
      drawStatus();
      refreshView();
      if (again) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    } while (again);
    running = null;
  })();
  return running;
}

byId("home").addEventListener("click", () => show("home"));
byId("skip").addEventListener("click", () => attempt(() => post("/clock", { advance_ms: 86_400_000 })));
byId("add").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  const data = new FormData(form);
  await attempt(async () => {
    const added = await post("/handsets", { phone: data.get("phone"), name: data.get("name") || undefined });
    form.reset();
    byId("add-box").open = false;
    await load();
    choose(added.id);
  });
});
byId("report").addEventListener("click", () =>
  attempt(async () => {
    const { quality_rating } = await post(`/handsets/${phone.id}/report`);
    tell(`Reported. The quality of the business's number is ${quality_rating} now.`);
  }));

byId("number").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  const data = new FormData(form);
  await attempt(async () => {
    const changed = await post(`/handsets/${phone.id}/number`, { phone: data.get("phone") });
    form.reset();
    byId("number-box").open = false;
    phone.id = changed.id;
    await load();
    choose(changed.id);
  });
});
byId("naming").addEventListener("submit", async (event) => {
  event.preventDefault();
  const username = byId("username").value.trim();
  const done = await attempt(() => patch(`/handsets/${phone.id}`, { username }));
  if (done) tell(username ? `Known as @${username}.` : "No user name any more.");
  await refresh();
});
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && refresh());
byId("find-text").addEventListener("input", refresh);
setInterval(() => {
  drawStatus();
  refreshView();
}, 10_000);

async function start() {
  const query = new URLSearchParams(location.search);
  await attempt(load);
  const known = (id) => handsets.some((handset) => handset.id === id);
  const asked = query.get("handset");
  const kept = asked || localStorage.getItem("sandbox_handset");
  if (/^\d{7,15}$/.test(kept ?? "") && !known(kept)) {
    const found = await get(`/handsets/${kept}`).catch(() => null);
    if (found) handsets.unshift(found);
  }
  let id = known(kept) ? kept : (handsets[0]?.id ?? null);
  if (asked && /^\d{7,15}$/.test(asked) && !known(asked)) {
    await attempt(async () => {
      id = (await post("/handsets", { phone: `+${asked}` })).id;
      await load();
    });
  }
  const wanted = query.get("chat");
  if (id && wanted && wanted === phone.business?.digits) choose(id, "chat", { text: query.get("text") ?? "" });
  else if (id && query.get("app") === "chat") choose(id, "chat");
  else if (id && query.get("app") === "sms") choose(id, query.get("peer") ? "thread" : "sms", { peer: query.get("peer") });
  else choose(id);
  if (wanted && phone.business && wanted !== phone.business.digits) tell(`+${wanted} is not on WhatsApp in this sandbox.`);
  drawStatus();
  listen(refresh);
}

start();
