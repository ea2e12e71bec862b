/** Models and workers, for administrators: what can be made here, what loads it, who makes it, and who is asked. */

import { get, post } from "../api.js";
import { h, sheet } from "../dom.js";
import { heading } from "../router.js";
import { icon } from "../parts/icon.js";
import { empty, progressBar } from "../parts/states.js";
import { renew, steadily } from "../parts/steadily.js";
import { toast } from "../parts/toast.js";
import { ago, bytes, exactly, lasting, plural } from "../parts/words.js";

const LOOK_SECONDS = 3;

const STATES = /** @type {Record<string, [string, string]>} */ ({
  ready: ["Ready", "state-good"], loading: ["Loading", "state-busy"], idle: ["Ready to load", ""], unavailable: ["Out of reach", "state-bad"], pullable: ["Not here yet", ""], unfit: ["Cannot run here", "state-warn"],
});
const STAGES = /** @type {Record<string, string>} */ ({ waiting: "waiting", fetching: "getting the picture", loading: "loading the model", rendering: "moving", encoding: "writing the video", storing: "putting it away" });
const ABILITIES = /** @type {Record<string, string>} */ ({ first: "start picture", last: "end picture", any: "both pictures", extend: "goes on from a clip", loop: "loops", concepts: "camera moves", seed: "seed" });

export async function show(/** @type {any} */ place) {
  await sheet("css/service.css");
  const models = h("ul", { class: "rows-models", "aria-label": "Models" });
  const others = h("ul", { class: "rows-models", "aria-label": "Models that cannot run here" });
  const summary = h("summary", null);
  const rest = h("details", { class: "more-models" }, summary, others);
  const workers = h("div", null);
  const servers = h("div", null);
  /** @type {Set<string> | null} names of the models whose weights are on their way; null before the first look */
  let pulling = null;
  async function look() {
    const [known, at, asking] = await Promise.all(["models", "workers", "servers"].map((each) => get(`admin/v1/${each}`, {}, place.signal)));
    const asked = known.models.filter((/** @type {any} */ each) => (pulling ? pulling.has(each.name) : each.state === "pullable"));
    const pulls = new Map(await Promise.all(asked.map(async (/** @type {any} */ each) => [each.name, await get(`admin/v1/models/${encodeURIComponent(each.name)}/pull`, {}, place.signal)])));
    pulling = new Set([...pulls].filter(([, pull]) => isUnderWay(pull)).map(([name]) => name));
    const card = (/** @type {any} */ each) => model(each, pulls.get(each.name), (name) => { pulling?.add(name); return look(); });
    const unfit = known.models.filter((/** @type {any} */ each) => each.state === "unfit");
    renew(models, known.models.filter((/** @type {any} */ each) => each.state !== "unfit").map(card));
    renew(others, unfit.map(card));
    summary.textContent = `${plural(unfit.length, "more model")} that cannot run here, and why`;
    rest.hidden = unfit.length === 0;
    renew(workers, workerTable(at.workers, look));
    renew(servers, serverTable(asking.servers));
  }
  await steadily(look, LOOK_SECONDS, place.signal, (error) => toast(error.message));
  return h("div", { class: "screen" },
    h("div", { class: "screen-head" }, h("div", null, heading("Models and workers"), h("p", null, "What can be made here, and what makes it."))),
    models, rest, h("h2", null, "Workers"), workers, h("h2", null, "Other servers"), servers);
}

const isUnderWay = (/** @type {any} */ pull) => ["running", "pulling", "waiting"].includes(pull?.state);

function model(/** @type {any} */ each, /** @type {any} */ pull, /** @type {(name: string) => Promise<void>} */ look) {
  const [words, kind] = STATES[each.state] ?? [each.state, ""];
  const facts = /** @type {[string, any][]} */ ([
    ["Called", each.models?.join(", ")], ["Made by", each.served_by.join(", then ")], ["Does", each.native.map((/** @type {string} */ name) => ABILITIES[name] ?? name).join(", ")],
    ["Does nearly", each.emulated.map((/** @type {string} */ name) => ABILITIES[name] ?? name).join(", ")],
    ["Length", `${each.min_seconds} to ${each.max_seconds} s`], ["Takes", each.median_seconds === null ? "not measured yet" : `about ${lasting(each.median_seconds)} a clip`],
    ["Memory", each.memory_bytes && bytes(each.memory_bytes)], ["Weights", each.weights?.bytes && bytes(each.weights.bytes)], ["Licence", each.licence && (each.licence_accepted === false ? `${each.licence}, not accepted` : each.licence)],
  ]);
  return h("li", { class: "card stack" },
    h("div", { class: "row row-apart" }, h("h2", { class: "mono" }, each.name), h("span", { class: "row" }, h("span", { class: `state ${kind}` }, words))),
    each.summary && h("p", null, each.summary),
    each.reason && h("p", { class: "soft reason-said" }, each.reason),
    each.weights?.trouble && h("p", { class: "soft reason-said" }, each.weights.trouble),
    progressOf(each, pull),
    h("dl", { class: "facts small" }, facts.filter(([, value]) => value).map(([name, value]) => [h("dt", null, name), h("dd", null, value)])),
    actions(each, pull, look));
}

/** How far the weights are, while they are being pulled. */
function progressOf(/** @type {any} */ each, /** @type {any} */ pull) {
  if (!isUnderWay(pull)) return pull?.error ? h("p", { class: "notice notice-bad" }, icon("failures"), h("span", null, pull.error)) : null;
  const bar = progressBar(`Weights of ${each.name}`);
  bar.set(pull.total_bytes ? pull.bytes / pull.total_bytes : 0);
  const left = pull.seconds_left === null || pull.seconds_left === undefined ? "" : `, about ${lasting(pull.seconds_left)} left`;
  return h("div", { class: "stack stack-tight" }, bar, h("p", { class: "small soft number" }, `${bytes(pull.bytes)} of ${bytes(pull.total_bytes)}${left}`));
}

function actions(/** @type {any} */ each, /** @type {any} */ pull, /** @type {(name: string) => Promise<void>} */ look) {
  const act = (/** @type {string} */ verb) => async () => {
    try {
      await post(`admin/v1/models/${encodeURIComponent(each.name)}/${verb}`);
      await look(each.name);
    } catch (error) {
      toast(error.message, { seconds: 10 });
    }
  };
  const button = (/** @type {string} */ verb, /** @type {string} */ drawn, /** @type {string} */ words) => h("button", { class: "button", type: "button", "aria-label": `${words} ${each.name}`, on: { click: act(verb) } }, icon(drawn), words);
  const loadable = each.memory_bytes !== null && each.memory_bytes !== undefined;
  const shown = [each.state === "pullable" && !isUnderWay(pull) && button("pull", "download", "Pull"), each.state === "idle" && loadable && button("load", "up", "Load"), each.state === "ready" && loadable && button("unload", "down", "Unload")].filter(Boolean);
  return shown.length > 0 && h("div", { class: "row" }, shown);
}

function workerTable(/** @type {any[]} */ workers, /** @type {() => Promise<void>} */ look) {
  if (workers.length === 0) return empty({ icon: "server", title: "No worker", text: "Nothing is made until one is there. Start this server with a renderer, or a worker beside it with: stillmotion worker" });
  return h("div", { class: "table-wrap" }, h("table", { class: "table table-cards" },
    h("thead", null, h("tr", null, ["Worker", "State", "Makes now", "Last heard"].map((each) => h("th", { scope: "col" }, each)), h("th", { scope: "col" }, h("span", { class: "unseen" }, "Drain")))),
    h("tbody", null, workers.map((each) => worker(each, look)))));
}

function worker(/** @type {any} */ each, /** @type {() => Promise<void>} */ look) {
  const draining = /drain/.test(each.state);
  const silent = Date.now() - new Date(each.heartbeat_at).getTime() > 20_000;
  const verb = draining ? "resume" : "drain";
  const act = () => post(`admin/v1/queue/${verb}`, { worker: each.id }).then(look).catch((error) => toast(error.message));
  const word = silent ? ["Silent", "state-bad"] : draining ? ["Draining", "state-warn"] : ["At work", "state-good"];
  return h("tr", null,
    h("td", null, h("strong", null, each.host), h("span", { class: "small soft" }, ` process ${each.pid}, ${each.version}`)),
    h("td", { data: { name: "State" } }, h("span", { class: `state ${word[1]}` }, word[0])),
    h("td", { data: { name: "Makes now" } }, h("ul", { class: "stack stack-tight" }, each.lanes.map(lane))),
    h("td", { data: { name: "Last heard" }, title: exactly(each.heartbeat_at) }, ago(each.heartbeat_at)),
    h("td", { class: "end" }, h("button", { class: "button", type: "button", "aria-label": `${draining ? "Resume" : "Drain"} ${each.host}, process ${each.pid}`, on: { click: act } }, icon(draining ? "play" : "end"), draining ? "Resume" : "Drain")));
}

function lane(/** @type {any} */ each) {
  if (!each.generation) return h("li", { class: "soft small" }, each.engine ? `Free, ${each.engine} is loaded` : "Free");
  const part = each.progress === null || each.progress === undefined ? "" : `, ${Math.round(each.progress * 100)} %`;
  return h("li", { class: "small" }, h("strong", null, each.engine), ` ${STAGES[each.stage] ?? "at work"}${part}`, h("span", { class: "soft" }, `, since ${ago(each.since)}`));
}

function serverTable(/** @type {any[]} */ servers) {
  if (servers.length === 0) return h("p", { class: "soft" }, "None is asked: everything is made here.");
  return h("div", { class: "table-wrap" }, h("table", { class: "table table-cards" },
    h("thead", null, h("tr", null, ["Server", "State", "Last error"].map((each) => h("th", { scope: "col" }, each)))),
    h("tbody", null, servers.map((each) => h("tr", null,
      h("td", null, h("strong", null, each.name)),
      h("td", { data: { name: "State" } }, h("span", { class: `state ${each.state === "reachable" ? "state-good" : "state-bad"}` }, each.state === "reachable" ? "Answers" : "Does not answer")),
      h("td", { data: { name: "Last error" } }, each.last_error ? each.last_error : "None"))))));
}
