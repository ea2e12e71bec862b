/** Sign-in: a key, sent once. */

import { ROOT } from "./api.js";
import { fill, h } from "./dom.js";
import { openDialog } from "./parts/dialog.js";
import { icon } from "./parts/icon.js";
import { wrong } from "./parts/states.js";
import { signIn } from "./session.js";

/** A dialog that adds a key to the session: the administrator's, or a subscription's. It calls `done` then. */
export function addKey(/** @type {() => void} */ done) {
  const input = h("input", { class: "input mono", id: "added-key", type: "password", autocomplete: "off", spellcheck: "false", required: true, "aria-describedby": "added-wrong" });
  const told = h("div", { "aria-live": "assertive" });
  const form = h("form", { class: "stack", on: { submit: send } },
    h("p", { class: "soft" }, "The administrator's key opens the service's own screens. A subscription's key opens its clips."),
    h("div", { class: "field" }, h("label", { htmlFor: "added-key" }, "Key"), input, told), h("div", null, h("button", { class: "button button-main", type: "submit" }, "Add the key")));

  async function send(/** @type {Event} */ event) {
    event.preventDefault();
    try {
      await signIn(input.value.trim());
      dialog.close();
      done();
    } catch (error) {
      const { status, message } = error;
      fill(told, wrong("added-wrong", status === 401 ? "This key is not known here. Check that all of it was copied." : message));
      input.focus();
    }
  }

  const dialog = openDialog({ title: "Add a key", body: form });
}

/** The page on which one signs in. It calls `done` then. `said` is a sentence from an earlier try. */
export function signInPage(/** @type {() => void} */ done, said = "") {
  const input = h("input", {
    class: "input mono", id: "sign-in-key", name: "key", type: "password", autocomplete: "current-password", spellcheck: "false", required: true,
    "aria-describedby": "sign-in-wrong sign-in-hint", placeholder: "sm_…",
  });
  const reader = h("input", { type: "checkbox" });
  const told = h("div", { "aria-live": "assertive" });
  const button = h("button", { class: "button button-main button-large", type: "submit" }, "Sign in");
  const form = h("form", { class: "stack", on: { submit: send } },
    h("div", { class: "field" }, h("label", { htmlFor: "sign-in-key" }, "Key"), input, told,
      h("p", { class: "hint", id: "sign-in-hint" }, "It is sent once and kept nowhere in this browser.")),
    h("label", { class: "switch" }, reader, h("span", null, "Only look, change nothing")),
    button);

  function tell(/** @type {string} */ sentence) {
    fill(told, sentence && wrong("sign-in-wrong", sentence));
    if (sentence) input.setAttribute("aria-invalid", "true");
  }

  async function send(/** @type {Event} */ event) {
    event.preventDefault();
    const key = input.value.trim();
    if (!key) return input.focus();
    button.disabled = true;
    try {
      await signIn(key, { reader: reader.checked });
      input.value = "";
      done();
    } catch (error) {
      tell(error.status === 401 ? "This key is not known here. Check that all of it was copied." : error.message);
      input.focus();
    } finally {
      button.disabled = false;
    }
  }

  tell(said);
  requestAnimationFrame(() => input.focus());
  return h("main", { class: "door" }, h("div", { class: "door-card stack" },
    h("img", { src: new URL("console/icon.svg", ROOT).href, alt: "", width: 52, height: 52 }),
    h("h1", null, "Make a picture move"),
    h("p", { class: "soft" }, "Sign in with your key."),
    form,
    h("details", { class: "small soft" }, h("summary", null, "I have no key"),
      h("p", null, "Ask whoever runs this service for one. If that is you: on its first start ", h("span", { class: "mono" }, "stillmotion serve"), " prints a link that signs you in. Later, make a key in a terminal:"),
      h("pre", { class: "code" }, "stillmotion keys create")),
    h("p", { class: "small" }, h("a", { href: new URL("docs", ROOT).href }, icon("list"), " API reference"))));
}
