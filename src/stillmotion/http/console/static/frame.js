/** The frame around every screen: the bar, the places, what the feed says of itself, the menu More. */

import { ROOT } from "./api.js";
import { fill, h } from "./dom.js";
import { feed } from "./live.js";
import { icon } from "./parts/icon.js";
import { openDialog } from "./parts/dialog.js";
import { HOME, to } from "./router.js";
import { screens, screensOf } from "./screens.js";
import { session, signOut } from "./session.js";
import { addKey } from "./signin.js";
import { showShortcuts } from "./shortcuts.js";

const SECTIONS = /** @type {Record<string, string>} */ ({ account: "Your account", service: "The service" });

/** Build the frame. Its `outlet` is where screens go; `mark` says which place is shown. */
export function frame() {
  const outlet = h("main", { id: "screen" });
  const neighbours = h("nav", { class: "neighbours", "aria-label": "Section", hidden: true });
  const tops = h("nav", { class: "places", "aria-label": "Places" });
  const feet = h("nav", { class: "foot", "aria-label": "Places" });
  const said = h("span", { class: "state state-warn", hidden: true, role: "status" });
  const node = h("div", null,
    h("a", { class: "skip", href: "#screen", on: { click: skip } }, "Skip to the page"),
    h("header", { class: "bar" }, wordmark(), tops, h("div", { class: "bar-end" }, said)),
    neighbours, outlet, feet);

  function skip(/** @type {Event} */ event) {
    event.preventDefault();
    outlet.querySelector("h1")?.focus();
  }

  function places(/** @type {string} */ name) {
    const rows = screensOf("studio").map(([own, each]) => place(own, each, own === name));
    const more = h("button", { class: "place", type: "button", "aria-haspopup": "dialog", "aria-current": isStudio(name) ? null : "true", on: { click: openMore } }, icon("more"), "More");
    return [...rows, more];
  }

  function mark(/** @type {string} */ name) {
    fill(tops, places(name));
    fill(feet, places(name));
    const section = screens[name]?.section ?? "none";
    const near = section in SECTIONS ? screensOf(section) : [];
    neighbours.hidden = near.length < 2;
    fill(neighbours, near.map(([own, each]) => h("a", { href: to(own), "aria-current": own === name ? "page" : null }, each.label)));
    neighbours.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
    counted();
  }

  function counted() {
    const waiting = feed.unfinished.size;
    for (const badge of node.querySelectorAll(".count")) {
      badge.textContent = String(waiting);
      badge.hidden = !waiting;
    }
    const title = document.body.dataset.title;
    document.title = `${waiting ? `(${waiting}) ` : ""}${title && title !== "Make" ? `${title} · ` : ""}Stillmotion`;
  }

  function tellState() {
    const words = /** @type {Record<string, string>} */ ({ asking: "Live updates are away: asking every second", offline: "No connection: trying again" });
    said.hidden = !(feed.state in words);
    said.textContent = words[feed.state] ?? "";
  }

  feed.addEventListener("counted", counted);
  feed.addEventListener("state", tellState);
  window.addEventListener("titled", counted);
  return { node, outlet, mark };
}

function wordmark() {
  return h("a", { class: "wordmark", href: to(HOME), "aria-label": "Stillmotion, make a clip" },
    h("img", { src: new URL("console/icon.svg", ROOT).href, alt: "", width: 28, height: 28 }), "Stillmotion");
}

function isStudio(/** @type {string} */ name) {
  return screens[name]?.section === "studio";
}

function place(/** @type {string} */ name, /** @type {any} */ screen, /** @type {boolean} */ current) {
  return h("a", { class: "place", href: to(name), "aria-current": current ? "page" : null }, icon(screen.icon), screen.label,
    name === "queue" && h("span", { class: "count", hidden: true, "aria-label": "unfinished" }));
}

/** The menu of the other places: the account's, the service's for its administrator, and the way out. */
function openMore() {
  const sections = [...(session.current?.subscription ? ["account"] : []), ...(session.current?.administrator ? ["service"] : [])];
  const close = { click: () => dialog.close() };
  const entry = (/** @type {string} */ name, /** @type {any} */ screen) => h("a", { class: "menu-item", href: to(name), on: close }, icon(screen.icon), screen.label);
  const lists = sections.map((each) => {
    const found = screensOf(each);
    return found.length > 0 && [h("h3", null, SECTIONS[each]), found.map(([name, screen]) => entry(name, screen))];
  });
  const who = session.current?.subscription?.name ?? (session.current?.administrator ? "Administrator" : null);
  const body = h("div", { class: "menu" }, lists, h("h3", null, who ? `Signed in as ${who}` : "Stillmotion"),
    h("a", { class: "menu-item", href: new URL("docs", ROOT).href }, icon("list"), "API reference"),
    h("button", { class: "menu-item", type: "button", on: { click: () => { dialog.close(); showShortcuts(); } } }, icon("key"), "Shortcuts"),
    entry("about", screens.about),
    !isWhole() && h("button", { class: "menu-item", type: "button", on: { click: () => { dialog.close(); addKey(() => location.reload()); } } }, icon("plus"), "Add a key"),
    !session.current?.open && h("button", { class: "menu-item", type: "button", on: { click: leave } }, icon("out"), "Sign out"));
  const dialog = openDialog({ title: "More", body });
}

/** True for one who is signed in for clips and for the administration, or needs no sign-in. */
function isWhole() {
  return session.current?.open || (session.current?.subscription && session.current.administrator);
}

async function leave() {
  await signOut().catch(() => {});
  location.reload();
}
