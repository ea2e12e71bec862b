/** Everybody's queue and failures, for administrators. Prompts and pictures are hidden until they are revealed. */

import { get, post } from "../api.js";
import { fill, h, sheet } from "../dom.js";
import { heading, remember, to } from "../router.js";
import { shortcut } from "../shortcuts.js";
import { confirmed } from "../parts/dialog.js";
import { icon } from "../parts/icon.js";
import { queueControls } from "../parts/queue-controls.js";
import { record } from "../parts/record.js";
import { empty, problem, remedyFor, stateWord } from "../parts/states.js";
import { renew, steadily } from "../parts/steadily.js";
import { toast } from "../parts/toast.js";
import { ago, count, exactly, lasting, plural } from "../parts/words.js";

const LOOK_SECONDS = 3;
const PAGE = 50;
const TYPED_ABOVE = 20;
const STATES = /** @type {[string, string][]} */ ([["", "Any"], ["queued,dreaming", "Unfinished"], ["queued", "Waiting"], ["dreaming", "Moving"], ["completed", "Done"], ["failed", "Failed"]]);
const AGES = /** @type {[string, string][]} */ ([["", "Any"], ["60", "A minute"], ["600", "Ten minutes"], ["3600", "An hour"], ["86400", "A day"]]);
const FILTERS = ["state", "subscription", "model", "engine", "older_than", "search", "request_id"];

export async function show(/** @type {any} */ place) {
  await sheet("css/service.css");
  const failures = place.rest[0] === "failures";
  const tabs = h("nav", { class: "choices", "aria-label": "View" },
    h("a", { class: "button", href: to("everybody"), "aria-current": failures ? null : "true" }, icon("list"), "Clips"),
    h("a", { class: "button", href: to("everybody", ["failures"]), "aria-current": failures ? "true" : null }, icon("failures"), "Failures"));
  const head = h("div", { class: "screen-head" },
    h("div", null, heading("Everybody"), h("p", null, "What all customers asked for. Their sentences and pictures stay hidden until you reveal one.")), tabs);
  const body = failures ? await reasons(place) : await clips(place);
  return { title: failures ? "Everybody's failures" : "Everybody", node: h("div", { class: "screen" }, head, body), changed: () => false };
}

/** The failures of everybody by their reason. */
async function reasons(/** @type {any} */ place) {
  const found = (await get("admin/v1/failures", { days: 7 }, place.signal)).failures;
  if (found.length === 0) return empty({ icon: "check", title: "Nothing failed in 7 days", text: "The reasons of failed clips stand here, with the number of each." });
  const rows = found.map((/** @type {any} */ each) => h("tr", null,
    h("td", null, h("strong", null, each.sentence), remedyFor(each.remedy, "small soft")),
    h("td", { class: "mono", data: { name: "Code" } }, each.code),
    h("td", { class: "end", data: { name: "Clips" } }, count(each.count)),
    h("td", { data: { name: "Last" }, title: exactly(each.latest_at) }, ago(each.latest_at)),
    h("td", { class: "end" }, h("button", { class: "button button-plain", type: "button", "aria-label": `Open the latest with ${each.code}`, on: { click: () => record(each.latest, "") } }, "Open"))));
  return h("div", { class: "table-wrap" }, h("table", { class: "table table-cards" },
    h("thead", null, h("tr", null, ["Reason", "Code"].map((each) => h("th", { scope: "col" }, each)), h("th", { scope: "col", class: "end" }, "Clips"), h("th", { scope: "col" }, "Last, in 7 days"), h("th", { scope: "col" }, h("span", { class: "unseen" }, "Open")))),
    h("tbody", null, rows)));
}

/** The table of clips, with its filter and what can be done to all that it finds. */
async function clips(/** @type {any} */ place) {
  const asked = /** @type {Record<string, string>} */ (Object.fromEntries(FILTERS.map((each) => [each, place.query.get(each) ?? ""])));
  const [customers, models] = await Promise.all([get("admin/v1/subscriptions", {}, place.signal), get("admin/v1/models", {}, place.signal)]);
  const names = new Map(customers.subscriptions.map((/** @type {any} */ each) => [each.id, each.name]));
  const controls = queueControls(place.signal, models.models);
  const rows = h("tbody", null);
  const found = h("div", { class: "stack" });
  const all = h("div", { class: "row", role: "group", "aria-label": "For all of them" });
  const page = (/** @type {string} */ words, /** @type {string} */ drawn, /** @type {"after" | "before"} */ way) => h("button", { class: "button", type: "button", hidden: true, on: { click: () => turn(way).catch((error) => toast(error.message)) } }, icon(drawn), words);
  const newer = page("Newer", "left", "before");
  const older = page("Older", "right", "after");
  const at = { after: place.query.get("after") ?? "", before: place.query.get("before") ?? "" };
  const ends = { after: "", before: "" };
  /** @type {number | null} null where it is too large to be counted */
  let total = null;

  const table = h("div", { class: "table-wrap" }, h("table", { class: "table table-cards" },
    h("thead", null, h("tr", null, ["State", "Customer", "Model", "Asked", "Time"].map((each) => h("th", { scope: "col" }, each)), h("th", { scope: "col" }, h("span", { class: "unseen" }, "Open")))), rows));

  /** Read the page that is shown again. */
  async function look() {
    const read = await get("admin/v1/generations", { ...asked, limit: PAGE, ...at }, place.signal);
    if (read.total !== null || !(at.after || at.before)) total = read.total;
    renew(rows, read.generations.map((/** @type {any} */ each) => row(each, names, look)));
    ends.after = read.next ?? "";
    ends.before = read.previous ?? "";
    older.hidden = !ends.after;
    newer.hidden = !ends.before;
    fill(all, total !== null && batches(asked, total, look));
    renew(found, read.generations.length ? [h("div", { class: "row row-apart" }, h("p", { class: "soft", role: "status" }, total === null ? "Many clips" : plural(total, "clip")), all), table, h("div", { class: "row" }, newer, older)]
      : empty({ icon: "everybody", title: "No clip fits", text: "Take a part of the filter away to find more.", action: h("a", { class: "button", href: to("everybody") }, "Clear the filter") }));
  }

  /** Turn to the next page one way. Only one page is held, however far one goes. */
  async function turn(/** @type {"after" | "before"} */ way) {
    Object.assign(at, { after: "", before: "", [way]: ends[way] });
    remember({ ...asked, ...at });
    await look();
    table.scrollIntoView({ block: "start" });
  }

  await steadily(async () => {
    await controls.look();
    if (!rows.contains(document.activeElement)) await look();
  }, LOOK_SECONDS, place.signal, (error) => toast(error.message));
  return [controls.node, filterForm(asked, customers.subscriptions, models.models, () => { Object.assign(at, { after: "", before: "" }); remember({ ...asked, ...at }); return look(); }, place.signal), found];
}

/** The fields of the filter. Each change is written into the address. */
function filterForm(/** @type {Record<string, string>} */ asked, /** @type {any[]} */ customers, /** @type {any[]} */ models, /** @type {() => Promise<void>} */ changed, /** @type {AbortSignal} */ signal) {
  const told = h("div", { "aria-live": "assertive" });
  const act = () => changed().then(() => fill(told), (error) => fill(told, problem(error)));
  const choice = (/** @type {string} */ name, /** @type {string} */ label, /** @type {[string, string][]} */ options) =>
    h("div", { class: "field" }, h("label", { htmlFor: `filter-${name}` }, label),
      h("select", { class: "input", id: `filter-${name}`, on: { change: (/** @type {any} */ event) => { asked[name] = event.target.value; act(); } } },
        options.map(([value, words]) => h("option", { value, selected: value === asked[name] }, words))));
  let timer = /** @type {any} */ (null);
  const text = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string} */ example) =>
    h("div", { class: "field" }, h("label", { htmlFor: `filter-${name}` }, label),
      h("input", { class: "input", id: `filter-${name}`, type: "search", value: asked[name], placeholder: example, on: { input: (/** @type {any} */ event) => {
        clearTimeout(timer);
        timer = setTimeout(() => { asked[name] = event.target.value.trim(); act(); }, 250);
      } } }));
  shortcut({ keys: ["/"], label: "Search", run: () => document.getElementById("filter-search")?.focus() }, signal);
  const served = models.filter((each) => each.models.length);
  const names = served.flatMap((each) => each.models).sort();
  const engines = [...new Set(served.flatMap((each) => each.served_by))];
  return h("form", { class: "card stack stack-tight", role: "search", on: { submit: (/** @type {Event} */ event) => event.preventDefault() } },
    h("div", { class: "filters" },
      choice("state", "State", STATES),
      choice("subscription", "Customer", [["", "Anyone"], ...customers.map((each) => /** @type {[string, string]} */ ([each.id, each.name]))]),
      choice("model", "Model", [["", "Any"], ...names.map((each) => /** @type {[string, string]} */ ([each, each]))]),
      choice("engine", "Engine", [["", "Any"], ...engines.map((each) => /** @type {[string, string]} */ ([each, each]))]),
      choice("older_than", "Older than", AGES),
      text("search", "Words or id", "fox"), text("request_id", "Request id", "5f3a-00002a")), told);
}

/** What can be done to all that the filter finds. */
function batches(/** @type {Record<string, string>} */ asked, /** @type {number} */ total, /** @type {() => Promise<void>} */ look) {
  const filter = Object.fromEntries(Object.entries(asked).filter(([, value]) => value).map(([name, value]) => [name, name === "older_than" ? Number(value) : value]));
  const states = asked.state.split(",");
  const may = {
    cancel: states.every((each) => each === "queued" || each === "dreaming"), retry: asked.state === "failed", delete: states.every((each) => each === "completed" || each === "failed"),
  };
  const button = (/** @type {keyof typeof may} */ action, /** @type {string} */ drawn, /** @type {string} */ words) => may[action] && total > 0 &&
    h("button", { class: `button ${action === "delete" ? "button-bad" : ""}`, type: "button", on: { click: () => act(action, words) } }, icon(drawn), `${words} all ${count(total)}`);
  async function act(/** @type {string} */ action, /** @type {string} */ words) {
    const sure = await confirmed({
      title: `${words} ${plural(total, "clip")}?`, action: `${words} ${count(total)}`, typed: action === "delete" && total > TYPED_ABOVE ? String(total) : undefined,
      text: action === "delete" ? "They are gone for good, with their videos." : action === "cancel" ? "Their customers get no video, and are not charged." : "Each is made anew as it was asked for.",
    });
    if (!sure) return;
    try {
      const { done } = await post("admin/v1/generations/actions", { action, filter, expected: total });
      toast(`${plural(done, "clip")}: done.`);
    } catch (error) {
      toast(error.message, { seconds: 10 });
    }
    await look();
  }
  return [button("cancel", "close", "Cancel"), button("retry", "again", "Try again"), button("delete", "trash", "Delete")];
}

/** One clip of the table. */
function row(/** @type {any} */ each, /** @type {Map<any, any>} */ names, /** @type {() => Promise<void>} */ look) {
  const customer = names.get(each.subscription) ?? "–";
  return h("tr", null,
    h("td", { data: { name: "State" } }, h("span", { class: "row" }, stateWord(each.state), detail(each))),
    h("td", { data: { name: "Customer" } }, customer),
    h("td", { data: { name: "Model" } }, h("span", null, each.model, h("span", { class: "small soft" }, ` ${each.engine ?? ""}`))),
    h("td", { data: { name: "Asked" }, title: exactly(each.created_at) }, ago(each.created_at)),
    h("td", { class: "number", data: { name: "Time" } }, time(each)),
    h("td", { class: "end" }, h("button", { class: "button button-plain", type: "button", "aria-label": `Open ${each.id}`, on: { click: () => record(each.id, customer, look) } }, "Open")));
}

function detail(/** @type {any} */ each) {
  if (each.state === "dreaming") return h("span", { class: "small soft number" }, `${Math.round((each.progress ?? 0) * 100)} %`);
  if (each.state === "queued" && each.queue_position) return h("span", { class: "small soft number" }, `number ${each.queue_position}`);
  return each.failure_code && h("span", { class: "small soft mono" }, each.failure_code);
}

function time(/** @type {any} */ each) {
  if (each.eta_seconds !== null && each.eta_seconds !== undefined) return `${lasting(each.eta_seconds)} left`;
  if (!each.started_at || !each.finished_at) return "–";
  return `took ${lasting((new Date(each.finished_at).getTime() - new Date(each.started_at).getTime()) / 1000)}`;
}
