// Sheets: dialogs from the lower edge of the phone, one at a time. Escape closes them, and so does a tap beside one that takes no
// input.

import { h, icon } from "./dom.js";

// `elsewhere()` gives what gets the focus when the button that opened the sheet is gone.
export function sheets(view, elsewhere) {
  let open = null;

  function close() {
    if (!open) return;
    const { veil, opener } = open;
    open = null;
    veil.remove();
    (opener.isConnected ? opener : elsewhere()).focus();
  }

  function show({ label, closing, opener, stays }, ...content) {
    close();
    const dialog = h("div", { class: "sheet", role: "dialog", "aria-modal": "true", "aria-label": label },
      h("header", {}, h("h3", {}, label),
        h("button", { class: "icon-button", type: "button", "aria-label": closing, onclick: close }, icon("close"))),
      content.flat());
    const veil = h("div", { class: "veil", onclick: (event) => !stays && event.target === veil && close() }, dialog);
    veil.addEventListener("keydown", (event) => {
      if (event.key === "Escape") close();
      if (event.key !== "Tab") return;
      const stops = [...dialog.querySelectorAll("button, input, select, summary")].filter((stop) => stop.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true }));
      const edge = event.shiftKey ? stops[0] : stops.at(-1);
      if (document.activeElement === edge) {
        event.preventDefault();
        (event.shiftKey ? stops.at(-1) : stops[0]).focus();
      }
    });
    open = { veil, opener };
    view.append(veil);
    (dialog.querySelector("header ~ * input, header ~ * select, header ~ button, header ~ * button") ?? dialog.querySelector("button")).focus();
  }

  return { show, close };
}
