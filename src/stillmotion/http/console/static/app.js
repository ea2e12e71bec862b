/** The console's beginning: who is there, the frame, the screen of the address. */

import { signals } from "./api.js";
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

async function begin() {
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
    fill(app, h("main", { class: "door" }, h("div", { class: "door-card" }, problem(error, begin))));
    return;
  }
  if (session.current) enter();
  else await showDoor(said);
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
