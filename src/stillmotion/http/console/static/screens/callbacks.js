/** Callbacks: what was sent to one's receivers, what they answered, another delivery, a test, a signature's check. */

import { get, post } from "../api.js";
import { fill, h, sheet } from "../dom.js";
import { mayWrite } from "../session.js";
import { heading, to } from "../router.js";
import { openDialog } from "../parts/dialog.js";
import { icon } from "../parts/icon.js";
import { hasSubscription, nobody } from "../parts/nobody.js";
import { callbackState, empty, wrong } from "../parts/states.js";
import { toast } from "../parts/toast.js";
import { ago, exactly, lasting, plural } from "../parts/words.js";

const CHOICES = /** @type {[string, string][]} */ ([["", "All"], ["pending", "Waiting"], ["delivered", "Delivered"], ["gave_up", "Given up"]]);
const NEWS = /** @type {Record<string, string>} */ ({ dreaming: "Begun", completed: "Done", failed: "Failed" });
const PAGE = 50;

export async function show(/** @type {any} */ place) {
  await sheet("css/account.css");
  if (!hasSubscription()) return nobody("Callbacks", "everybody", "See everybody's clips");
  const state = place.query.get("state") ?? "";
  const rows = h("tbody", null);
  const more = h("button", { class: "button", type: "button", hidden: true, on: { click: () => load().catch((error) => toast(error.message)) } }, icon("down"), "More");
  let after = "";
  async function load() {
    const page = await get("callbacks", { state, after, limit: PAGE }, place.signal);
    page.callbacks.forEach((/** @type {any} */ each) => rows.append(row(each)));
    after = page.next ?? "";
    more.hidden = !page.next;
  }
  await load();
  const choices = h("nav", { class: "choices", "aria-label": "State" }, CHOICES.map(([each, words]) =>
    h("a", { class: "button", href: to("callbacks", [], { state: each }), "aria-current": each === state ? "true" : null }, words)));
  return h("div", { class: "screen" },
    h("div", { class: "screen-head" },
      h("div", null, heading("Callbacks"), h("p", null, "News of your clips, sent to the address that you gave with each.")),
      h("div", { class: "row" },
        mayWrite() && h("button", { class: "button", type: "button", on: { click: testing } }, icon("callbacks"), "Send a test"),
        h("button", { class: "button", type: "button", on: { click: checking } }, icon("check"), "Check a signature"))),
    choices, rows.children.length ? [list(rows), h("div", null, more)] : nothing(state));
}

function list(/** @type {HTMLElement} */ rows) {
  return h("div", { class: "table-wrap" }, h("table", { class: "table table-cards" },
    h("thead", null, h("tr", null, ["News", "Receiver", "State", "Attempts", ""].map((each) => h("th", { scope: "col" }, each || h("span", { class: "unseen" }, "Open"))))), rows));
}

function nothing(/** @type {string} */ state) {
  if (state) return empty({ icon: "callbacks", title: "None in this state", text: "Choose All to see every callback.", action: h("a", { class: "button", href: to("callbacks") }, "See all") });
  return empty({ icon: "callbacks", title: "No callbacks yet", text: "Give a callback address with a clip, and this server tells your program when the clip begins and when it is done. Send a test first to see what arrives." });
}

const hostOf = (/** @type {string} */ url) => { try { return new URL(url).host; } catch { return url; } };
const soon = (/** @type {string} */ time) => (new Date(time).getTime() < Date.now() ? "now" : ago(time));

function row(/** @type {any} */ first) {
  const line = h("tr", null);
  function take(/** @type {any} */ each) {
    fill(line,
      h("td", { data: { name: "News" } }, h("span", null, NEWS[each.announces] ?? each.announces, h("span", { class: "soft small", title: exactly(each.created_at) }, ` ${ago(each.created_at)}`))),
      h("td", { class: "receiver", title: each.url, data: { name: "Receiver" } }, hostOf(each.url)),
      h("td", { data: { name: "State" } }, h("span", { class: "row" }, callbackState(each.state), each.state === "pending" && each.next_attempt_at && h("span", { class: "small soft", title: exactly(each.next_attempt_at) }, `next ${soon(each.next_attempt_at)}`))),
      h("td", { class: "number", data: { name: "Attempts" } }, each.attempts.length),
      h("td", { class: "end" }, h("button", { class: "button button-plain", type: "button", "aria-label": `Open ${NEWS[each.announces] ?? each.announces} for ${hostOf(each.url)}`, on: { click: () => opened(each, take) } }, "Open")));
  }
  take(first);
  return line;
}

const answer = (/** @type {any} */ attempt) => attempt.reason ?? `Answered ${attempt.status}`;

/** One callback, with every attempt and what was sent. */
function opened(/** @type {any} */ each, /** @type {(newer: any) => void} */ take) {
  const body = h("div", { class: "stack" });
  async function replay() {
    try {
      const replayed = { ...each, ...(await post(`generations/${each.generation}/callbacks/${each.id}/replay`)) };
      each = replayed;
      take(each);
      show();
      toast("It is sent again now.");
    } catch (error) {
      toast(error.message);
    }
  }
  function show() {
    fill(body,
      h("div", { class: "row" }, callbackState(each.state), each.next_attempt_at && h("span", { class: "soft" }, `Next attempt ${soon(each.next_attempt_at)}`)),
      h("dl", { class: "facts" },
        h("dt", null, "Receiver"), h("dd", { class: "mono" }, each.url),
        h("dt", null, "Message"), h("dd", { class: "mono" }, each.id),
        h("dt", null, "Clip"), h("dd", null, h("a", { href: to("gallery", [each.generation]) , on: { click: () => dialog.close() } }, "See the clip"))),
      mayWrite() && h("div", null, h("button", { class: "button", type: "button", on: { click: replay } }, icon("again"), "Send it again")),
      h("h3", null, plural(each.attempts.length, "attempt")),
      each.attempts.length === 0 ? h("p", { class: "soft" }, "Not tried yet.") : h("ol", { class: "stack stack-tight" }, [...each.attempts].reverse().map((attempt) =>
        h("li", { class: "row row-apart" }, h("span", null, answer(attempt)), h("span", { class: "small soft number", title: exactly(attempt.at) }, `${ago(attempt.at)}, took ${lasting(attempt.seconds)}`)))),
      each.body && [h("h3", null, "Body"), h("pre", { class: "code", tabindex: 0, "aria-label": "Body" }, pretty(each.body))]);
  }
  show();
  const dialog = openDialog({ title: `${NEWS[each.announces] ?? each.announces}, for ${hostOf(each.url)}`, body, drawer: true });
}

function pretty(/** @type {string} */ text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** A form that has a test sent to a receiver, and shows what was sent and answered. */
function testing() {
  const input = h("input", { class: "input", id: "test-url", type: "url", inputmode: "url", required: true, placeholder: "https://example.com/hooks/clips", "aria-describedby": "test-wrong" });
  const told = h("div", { class: "stack stack-tight", "aria-live": "polite" });
  const button = h("button", { class: "button button-main", type: "submit" }, "Send it");
  const form = h("form", { class: "stack", novalidate: true, on: { submit: send } },
    h("div", { class: "field" }, h("label", { htmlFor: "test-url" }, "Address of your receiver"), input, h("p", { class: "hint" }, "It gets one signed message, as it would for a clip.")),
    told, h("div", { class: "row" }, button));
  openDialog({ title: "Send a test", body: form, drawer: true });
  input.focus();

  async function send(/** @type {Event} */ event) {
    event.preventDefault();
    button.disabled = true;
    input.removeAttribute("aria-invalid");
    try {
      fill(told, result(await post("callbacks/test", { url: input.value.trim() })));
    } catch (refusal) {
      fill(told, wrong("test-wrong", refusal.about?.("url") ?? refusal.message));
      input.setAttribute("aria-invalid", "true");
      input.focus();
    }
    button.disabled = false;
  }
}

function result(/** @type {any} */ sent) {
  const said = sent.delivered ? h("p", { class: "notice notice-good" }, icon("check"), h("span", null, `Delivered: your receiver answered ${sent.status} in ${lasting(sent.seconds)}.`))
    : h("p", { class: "notice notice-bad" }, icon("failures"), h("span", null, sent.reason ?? `Not taken: your receiver answered ${sent.status}. Any answer from 200 to 299 takes it.`));
  return [said, h("h3", null, "What was sent"), h("pre", { class: "code", tabindex: 0, "aria-label": "What was sent" }, Object.entries(sent.headers ?? {}).map(([name, value]) => `${name}: ${value}\n`), "\n", pretty(sent.body ?? ""))];
}

/** A form that says whether a message was signed by this server. */
function checking() {
  const field = (/** @type {string} */ id, /** @type {string} */ label, /** @type {string} */ hint) => {
    const input = h(id === "body" ? "textarea" : "input", { class: "input mono", id: `check-${id}`, rows: 6, spellcheck: "false", autocomplete: "off" });
    return { input, node: h("div", { class: "field" }, h("label", { htmlFor: input.id }, label), input, hint && h("p", { class: "hint" }, hint)) };
  };
  const fields = /** @type {Record<string, {input: any, node: any}>} */ ({
    id: field("id", "webhook-id", ""), timestamp: field("timestamp", "webhook-timestamp", ""), signature: field("signature", "webhook-signature", ""),
    body: field("body", "Body", "As it arrived, to the last space."),
  });
  const told = h("div", { "aria-live": "polite" });
  const form = h("form", { class: "stack", on: { submit: check } }, Object.values(fields).map((each) => each.node), told,
    h("div", { class: "row" }, h("button", { class: "button button-main", type: "submit" }, "Check it")));
  openDialog({ title: "Check a signature", body: form, drawer: true });
  fields.id.input.focus();

  async function check(/** @type {Event} */ event) {
    event.preventDefault();
    const headers = Object.fromEntries(["id", "timestamp", "signature"].map((each) => [`webhook-${each}`, fields[each].input.value.trim()]));
    try {
      const found = await post("callbacks/verify", { headers, body: fields.body.input.value });
      fill(told, found.valid ? h("p", { class: "notice notice-good" }, icon("check"), h("span", null, "This server signed it, and nothing was changed."))
        : h("p", { class: "notice notice-bad" }, icon("failures"), h("span", null, found.reason ?? "The signature does not fit.")));
    } catch (error) {
      fill(told, wrong("check-wrong", error.message));
    }
  }
}
