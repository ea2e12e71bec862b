/** Keys: the two keys of a subscription and the secret that signs its callbacks, and how each is replaced. */

import { ask, get, post } from "../api.js";
import { fill, h, sheet } from "../dom.js";
import { mayWrite } from "../session.js";
import { heading } from "../router.js";
import { openDialog } from "../parts/dialog.js";
import { icon } from "../parts/icon.js";
import { hasSubscription, nobody } from "../parts/nobody.js";
import { showOnce } from "../parts/once.js";
import { wrong } from "../parts/states.js";
import { ago, exactly, when } from "../parts/words.js";

const NAMES = /** @type {Record<string, string>} */ ({ primary: "First key", secondary: "Second key" });
const OVERLAPS = /** @type {[number, string][]} */ ([[86400, "For a day"], [3600, "For an hour"], [604800, "For a week"], [0, "Not at all"]]);

export async function show(/** @type {any} */ place) {
  await sheet("css/account.css");
  if (!hasSubscription()) return nobody("Keys", "customers", "See the customers");
  const body = h("div", { class: "stack" });
  async function look() {
    const account = await get("account", {}, place.signal);
    fill(body,
      h("ul", { class: "rows rows-two", "aria-label": "Keys" }, account.keys.map((/** @type {any} */ each) => key(each, look))),
      h("h2", null, "Callback secret"), secrets(account.callback_secrets, look));
  }
  await look();
  return h("div", { class: "screen screen-narrow" },
    h("div", { class: "screen-head" }, h("div", null, heading("Keys"),
      h("p", null, "Two keys, so that you can replace one while the other goes on working. Only their beginnings are kept."))), body);
}

/** One key. One that was replaced stands beside its successor for as long as it works. */
function key(/** @type {any} */ each, /** @type {() => Promise<void>} */ look) {
  const known = NAMES[each.slot] ?? each.slot;
  const name = each.expires_at ? `Old ${known.toLowerCase()}` : known;
  return h("li", { class: "card stack" },
    h("div", { class: "row row-apart" }, h("h2", null, name), each.expires_at && h("span", { class: "state state-warn" }, `Until ${when(each.expires_at)}`)),
    h("dl", { class: "facts" },
      h("dt", null, "Begins with"), h("dd", { class: "mono" }, `${each.prefix}…`),
      h("dt", null, "Last used"), h("dd", { title: exactly(each.last_used_at) }, each.last_used_at ? ago(each.last_used_at) : "Never"),
      h("dt", null, "Made"), h("dd", { title: exactly(each.created_at) }, when(each.created_at))),
    mayWrite() && !each.expires_at && h("div", null, h("button", { class: "button", type: "button", "aria-label": `Replace the ${name.toLowerCase()}`, on: { click: () => replacing(each, name, look) } }, icon("again"), "Replace")));
}

/** The dialog that replaces a key. The old one may work on for a while. */
function replacing(/** @type {any} */ each, /** @type {string} */ name, /** @type {() => Promise<void>} */ look) {
  const told = h("div", { "aria-live": "assertive" });
  const choices = OVERLAPS.map(([seconds, words], at) =>
    h("label", { class: "choice" }, h("input", { type: "radio", name: "overlap", value: String(seconds), checked: at === 0 }), h("span", null, words)));
  const form = h("form", { class: "stack", on: { submit: replace } },
    h("p", null, "A new key takes its place. Programs that still send the old one have time to change."),
    h("fieldset", { class: "stack stack-tight" }, h("legend", { class: "field-name" }, "The old key works on"), h("div", { class: "choices" }, choices)),
    told, h("div", { class: "row" }, h("button", { class: "button button-main", type: "submit" }, "Replace it")));
  const dialog = openDialog({ title: `Replace the ${name.toLowerCase()}`, body: form });

  async function replace(/** @type {Event} */ event) {
    event.preventDefault();
    const overlap = Number(new FormData(form).get("overlap"));
    try {
      const made = await post(`account/keys/${each.slot}`, { overlap_seconds: overlap });
      dialog.close();
      const until = made.previous_valid_until ? `The old key works until ${when(made.previous_valid_until)}.` : "The old key no longer works. If you signed in with it, sign in again with this one.";
      showOnce({ title: `Your new ${name.toLowerCase()}`, name: "Key", secret: made.key, text: until, more: trial(made.key), onClose: () => look().catch(() => {}) });
    } catch (error) {
      fill(told, wrong("replace-wrong", error.message));
    }
  }
}

/** A real call with the new key, as a program makes it. */
function trial(/** @type {string} */ secret) {
  const told = h("p", { "aria-live": "polite" });
  const button = h("button", { class: "button", type: "button", on: { click: call } }, icon("check"), "Try it with a real call");
  async function call() {
    button.disabled = true;
    try {
      const account = await ask("GET", "account", { headers: { Authorization: `Bearer ${secret}` }, credentials: "omit" });
      fill(told, h("span", { class: "state state-good" }, `It works, for ${account.subscription.name}`));
    } catch (error) {
      fill(told, h("span", { class: "state state-bad" }, error.message));
    }
    button.disabled = false;
  }
  return h("div", { class: "stack stack-tight" }, h("div", { class: "row" }, button), told);
}

/** The secrets that sign callbacks: the present one, and the one before it while that is still valid. */
function secrets(/** @type {any[]} */ held, /** @type {() => Promise<void>} */ look) {
  const told = h("div", { "aria-live": "assertive" });
  const rows = held.map((each) => [
    h("dt", null, each.current ? "Now" : "Before"),
    h("dd", { class: "row" }, h("span", { class: "mono" }, `${each.prefix}…`), each.valid_until && h("span", { class: "state state-warn" }, `Until ${when(each.valid_until)}`)),
  ]);
  async function replace() {
    try {
      const made = await post("account/callback-secret");
      const text = made.previous_valid_until ? `Callbacks are signed with both secrets until ${when(made.previous_valid_until)}, so that your receiver has time to change.` : "Callbacks are signed with it from now on.";
      showOnce({ title: "Your new callback secret", name: "Callback secret", secret: made.callback_secret, text, onClose: () => look().catch(() => {}) });
    } catch (error) {
      fill(told, wrong("secret-wrong", error.message));
    }
  }
  return h("div", { class: "card stack" },
    h("p", { class: "soft" }, "Your receiver checks with it that a callback really comes from here."),
    h("dl", { class: "facts" }, rows),
    mayWrite() && h("div", { class: "stack stack-tight" }, told, h("button", { class: "button", type: "button", "aria-label": "Replace the callback secret", on: { click: replace } }, icon("again"), "Replace")));
}
