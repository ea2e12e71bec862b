/** The console's beginning: who is there, the frame, the screen of the address. */

import { Refusal, signals } from "./api.js";
import { fill, h } from "./dom.js";
import { frame } from "./frame.js";
import { feed } from "./live.js";
import { HOME, Router, go, here, to } from "./router.js";
import { hasClips, look, session, signInFirst } from "./session.js";
import { listen, shortcut } from "./shortcuts.js";
import { signInPage } from "./signin.js";
import { giveNotices } from "./parts/notices.js";
import { problem } from "./parts/states.js";

const app = /** @type {HTMLElement} */ (document.getElementById("app"));

/** Time after which a service that did not answer is asked again. */
const AGAIN_MS = 2000;
/** @type {any} */
let timer = null;

async function begin() {
  clearTimeout(timer);
  let said = "";
  const token = new URLSearchParams(location.hash.slice(1)).get("first");
  if (token) {
    // The token leaves the address before anything else: it is a secret.
    history.replaceState(null, "", location.pathname);
    await signInFirst(token).catch((error) => { said = error.message; });
  }
  try {
    if (!session.current) await look();
  } catch (error) {
    away(error);
    return;
  }
  if (session.current) enter();
  else await showDoor(said);
}

/** What stands where nobody can be asked who is there. It goes away by itself, once the service is back. */
function away(/** @type {any} */ error) {
  const passes = error.status === 0 || error.status >= 500;
  if (passes) timer = setTimeout(begin, AGAIN_MS);
  // The card that stands already is left, with the focus in it.
  if (passes && app.querySelector("[data-away]")) return;
  const told = passes ? new Refusal(error.status, "The service does not answer just now. This page asks again by itself.", []) : error;
  fill(app, h("main", { class: "door", data: passes ? { away: "" } : {} }, h("div", { class: "door-card" }, problem(told, begin))));
}

async function showDoor(said = "") {
  document.title = "Sign in · Stillmotion";
  fill(app, signInPage(enter, said));
}

/** @type {ReturnType<typeof frame> | null} */
let shown = null;
/** @type {Router | null} */
let router = null;

function enter() {
  if (!shown) {
    shown = frame();
    router = new Router(shown.outlet, shown.mark);
    listen();
    giveNotices();
    shortcut({ keys: ["n"], label: "New clip", run: () => go(to("make")) });
  }
  fill(app, shown.node);
  shown.mark(here().name);
  if (hasClips()) feed.start();
  else if (here().name === HOME) go(to("overview"), { replace: true });
  router?.show({ anew: true });
}

signals.addEventListener("signed-out", () => {
  if (!session.current) return;
  session.current = null;
  feed.stop();
  showDoor("You were signed out. Sign in to go on: what you typed is kept.");
});

begin();
