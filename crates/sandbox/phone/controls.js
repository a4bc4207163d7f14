// The page of the sandbox's controls: the template reviewer, notices of the account, faults of webhooks and sends, limits, the clock.

import { attempt, get, listen, patch, post, put, tell } from "./api.js";
import { h } from "./dom.js";

const byId = (id) => document.getElementById(id);
const CATEGORIES = ["UTILITY", "MARKETING", "AUTHENTICATION"];
const QUALITIES = ["GREEN", "YELLOW", "RED", "UNKNOWN"];
const REASONS = ["INVALID_FORMAT", "PROMOTIONAL", "TAG_CONTENT_MISMATCH", "INCORRECT_CATEGORY", "ABUSIVE_CONTENT", "SCAM"];
const words = (name) => name.charAt(0) + name.slice(1).toLowerCase().replaceAll("_", " ");

let labels = new Map();

const options = (names, chosen) =>
  names.map((name) => h("option", { value: name, selected: name === chosen }, words(name)));

async function decide(template, decision) {
  await attempt(async () => {
    await patch(`/templates/${template.id}`, decision);
    await drawTemplates();
  });
}

function row(template) {
  const name = `${template.name} (${template.language})`;
  const body = template.components.find((component) => component.type.toUpperCase() === "BODY")?.text ?? "";
  const act = (label, testid, decision) =>
    h("button", { type: "button", class: "secondary", "data-testid": testid, "aria-label": `${label} ${name}`, onclick: () => decide(template, decision()) }, label);
  const reason = h("select", { "aria-label": `Reason to reject ${name}`, "data-testid": "template-reason" }, options(REASONS, "INVALID_FORMAT"));
  const choice = (label, field, names, chosen) =>
    h("select", { "aria-label": `${label} of ${name}`, "data-testid": `template-${field}`, onchange: (event) => decide(template, { [field]: event.target.value }) }, options(names, chosen));
  const rejected = template.rejected_reason && template.rejected_reason !== "NONE" ? words(template.rejected_reason) : null;
  return h("tr", { "data-testid": "template-row", "data-name": template.name, "data-language": template.language },
    h("td", {}, h("div", { class: "name" }, name), h("div", { class: "body" }, body)),
    h("td", {}, h("span", { class: "status", "data-status": template.status }, words(template.status)), rejected && h("div", { class: "why" }, rejected)),
    h("td", {}, choice("Category", "category", CATEGORIES, template.category)),
    h("td", {}, choice("Quality", "quality", QUALITIES, template.quality_score?.score ?? "UNKNOWN")),
    h("td", {}, h("div", { class: "decide" },
      act("Approve", "template-approve", () => ({ status: "APPROVED" })),
      act("Reject", "template-reject", () => ({ status: "REJECTED", reason: reason.value })),
      reason,
      act("Pause", "template-pause", () => ({ status: "PAUSED" })),
      act("Disable", "template-disable", () => ({ status: "DISABLED" })))));
}

let drawn = "";

async function drawTemplates() {
  const [{ templates }, { mode }] = await Promise.all([get("/templates"), get("/templates/reviewer")]);
  byId("reviewer").value = mode;
  byId("no-templates").hidden = templates.length > 0;
  const now = JSON.stringify(templates);
  if (now === drawn) return;
  drawn = now;
  const body = byId("templates");
  // Whoever works through the list keeps the place.
  const focused = document.activeElement;
  const at = body.contains(focused) ? { row: focused.closest("tr").dataset, test: focused.dataset.testid } : null;
  body.replaceChildren(...templates.map(row));
  if (at === null) return;
  const same = [...body.children].find((each) => each.dataset.name === at.row.name && each.dataset.language === at.row.language);
  same?.querySelector(`[data-testid="${at.test}"]`)?.focus();
}

async function drawFaults() {
  const faults = await get("/faults");
  drawRefusal(faults);
  for (const input of document.querySelectorAll(".fault-fields input")) {
    if (input === document.activeElement) continue;
    if (input.type === "checkbox") input.checked = faults[input.name];
    else input.value = faults[input.name] / (input.dataset.scale ?? 1);
  }
}

const times = (n) => (n === 1 ? "once more" : `${n} times more`);

function drawRefusal({ graph_error: refused, fail_after: failed }) {
  const whom = ({ to }) => (to ? `to +${to}` : "to everybody");
  const set = [
    refused && `${refused.code} as the answer, ${times(refused.times)}, ${whom(refused)}.`,
    failed && `${failed.code} after “${failed.after}”, ${times(failed.times)}, ${whom(failed)}.`,
  ].filter(Boolean).join(" ") || "No code is set.";
  // A status that says the same is not said again.
  if (byId("refusal-now").textContent !== set) byId("refusal-now").textContent = set;
}

async function drawLimits() {
  const { pair, throughput } = await get("/limits");
  const { elements } = byId("limits");
  const put = (name, value) => {
    if (elements[name] !== document.activeElement) elements[name].value = value;
  };
  elements.pair.checked = pair !== null;
  elements.throughput.checked = throughput !== null;
  if (pair) {
    put("interval", pair.interval_ms / 1000);
    put("burst", pair.burst);
  }
  if (throughput) put("per_second", throughput.per_second);
}

async function drawStatus() {
  const status = await get("/status");
  byId("queued").textContent = status.webhook.queued;
  byId("delivered").textContent = status.webhook.delivered;
  byId("failed").textContent = status.webhook.failed_attempts;
  const stands = status.clock.mode === "virtual" ? " (stands still)" : "";
  byId("clock").textContent = `${new Date(status.clock.now).toLocaleString([], { dateStyle: "medium", timeStyle: "medium" })}${stands}`;
}

let running = false;

async function refresh() {
  if (running) return;
  running = true;
  try {
    await Promise.all([drawTemplates(), drawFaults(), drawLimits(), drawStatus()]);
  } catch {
    tell("The sandbox does not answer.");
  }
  running = false;
}

byId("reviewer").addEventListener("change", (event) => attempt(() => put("/templates/reviewer", { mode: event.target.value })));
byId("notice-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = byId("notice-name").value;
  return attempt(async () => {
    const { field } = await post("/notices", { name });
    const list = byId("sent");
    list.prepend(h("li", { "data-testid": "notice-sent" }, `${labels.get(name)} · ${field}`));
    while (list.children.length > 5) list.lastElementChild.remove();
    await drawStatus();
  });
});
byId("app-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = byId("app-text");
  return attempt(async () => {
    await post(`/handsets/${byId("app-handset").value}/echoes`, { text: field.value });
    field.value = "";
    tell("Written in the app; the product is told.");
    await drawStatus();
  });
});
byId("app-history").addEventListener("click", () =>
  attempt(async () => {
    const messages = [
      { from: "customer", text: "Do you repair boots?", minutes_ago: 2900 },
      { from: "business", text: "We do. Bring them by.", minutes_ago: 2890 },
    ];
    await post(`/handsets/${byId("app-handset").value}/history`, { messages });
    tell("Shared with the product.");
    await drawStatus();
  }));
// Whether what was typed can be set; a word about it when not.
function isValid(input) {
  if (input.checkValidity()) return true;
  tell(`${input.labels[0].textContent.trim()}: ${input.min} to ${input.max}.`);
  return false;
}

// The others stay as they are: what is left out would be off.
const setFaults = (change) => attempt(async () => drawRefusal(await put("/faults", { ...(await get("/faults")), ...change })));

for (const form of document.querySelectorAll(".fault-fields")) {
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", ({ target: input }) => {
    if (!isValid(input)) return undefined;
    const value = input.type === "checkbox" ? input.checked : Number(input.value) * (input.dataset.scale ?? 1);
    return setFaults({ [input.name]: value });
  });
}
byId("refusal").addEventListener("submit", (event) => {
  event.preventDefault();
  const { code, times: count, when, to } = Object.fromEntries(new FormData(event.currentTarget));
  const fault = { code: Number(code), times: Number(count), ...(to && { to }) };
  return setFaults(when === "at_once" ? { graph_error: fault } : { fail_after: { ...fault, after: when } });
});
byId("refusal-clear").addEventListener("click", () => setFaults({ graph_error: null, fail_after: null }));
byId("limits").addEventListener("submit", (event) => event.preventDefault());
byId("limits").addEventListener("change", ({ target, currentTarget }) => {
  if (!isValid(target)) return undefined;
  const { elements } = currentTarget;
  return attempt(() => put("/limits", {
    pair: elements.pair.checked ? { interval_ms: Math.round(Number(elements.interval.value) * 1000), burst: Number(elements.burst.value) } : null,
    throughput: elements.throughput.checked ? { per_second: Number(elements.per_second.value) } : null,
  }));
});
byId("flush").addEventListener("click", () =>
  attempt(async () => {
    const { delivered, failed } = await post("/webhook/flush");
    tell(`${delivered} delivered, ${failed} not.`);
    await drawStatus();
  }));
for (const button of document.querySelectorAll("[data-advance]")) {
  button.addEventListener("click", () => attempt(async () => {
    await post("/clock", { advance_ms: Number(button.dataset.advance) });
    await drawStatus();
  }));
}

async function start() {
  await attempt(async () => {
    const { handsets } = await get("/handsets?limit=60");
    const customers = () => handsets.map((each) => h("option", { value: each.id }, `${each.name}, ${each.phone}`));
    byId("app-handset").replaceChildren(...customers());
    byId("refusal-to").append(...customers());
    const { notices } = await get("/notices");
    labels = new Map(notices.map((each) => [each.name, each.label]));
    byId("notice-name").replaceChildren(...notices.map((each) => h("option", { value: each.name }, each.label)));
  });
  await refresh();
  listen(refresh);
  setInterval(refresh, 2_000);
}

start();
