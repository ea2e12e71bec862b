/**
 * The live feed: changes of all of one's generations, from one event stream for the page.
 *
 * Where the stream breaks, the feed asks once a second until it is back, and says so. In a hidden tab it stops; it only
 * looks now and then while a clip is being made, so that it can tell when that is done.
 */

import { address, get, GENERATIONS } from "./api.js";

const ASK_SECONDS = 1;
const ASK_HIDDEN_SECONDS = 10;
const STREAM_AGAIN_SECONDS = 10;
const PATIENCE_SECONDS = 3;

/**
 * @typedef {object} Happening
 * @property {string} id
 * @property {"queued" | "dreaming" | "completed" | "failed" | "deleted"} state
 * @property {number} [progress]
 * @property {string | null} [preview]
 * @property {any} [assets]
 * @property {string | null} [failure_reason]
 * @property {number | null} [queue_position]
 * @property {number | null} [eta_seconds]
 * @property {string | null} [stage]
 * @property {string | null} [remedy]
 */

class Feed extends EventTarget {
  constructor() {
    super();
    /** @type {Set<(happening: Happening) => void>} */
    this.watchers = new Set();
    /** @type {Map<string, Happening>} the unfinished ones */
    this.unfinished = new Map();
    /** @type {EventSource | null} */
    this.stream = null;
    /** @type {any} */
    this.timer = null;
    /** @type {any} */
    this.patience = null;
    /** @type {"off" | "live" | "asking" | "offline" | "hidden"} */
    this.state = "off";
  }

  /** Begin, for one who is signed in. */
  start() {
    if (this.state !== "off") return;
    this.heard = () => (document.hidden ? this.hide() : this.wake());
    document.addEventListener("visibilitychange", this.heard);
    this.become("asking");
    if (document.hidden) this.hide();
    else this.open();
  }

  /** End, as one signs out. */
  stop() {
    if (this.heard) document.removeEventListener("visibilitychange", this.heard);
    this.close();
    this.unfinished.clear();
    this.become("off");
  }

  /**
   * Hear of every change until the signal aborts.
   * @param {(happening: Happening) => void} watcher
   * @param {AbortSignal} [signal]
   */
  watch(watcher, signal) {
    if (signal?.aborted) return;
    this.watchers.add(watcher);
    signal?.addEventListener("abort", () => this.watchers.delete(watcher));
  }

  /** Tell the feed of a generation that was just made, so that it is followed even without a stream. */
  follow(/** @type {any} */ generation) {
    this.tell({ ...generation });
  }

  /** Take note of clips that a screen has read: without a stream, which tells of all, their end is asked after too. */
  know(/** @type {any[]} */ clips) {
    if (this.stream?.readyState === EventSource.OPEN) return;
    for (const each of clips) if (each.state === "queued" || each.state === "dreaming") this.unfinished.set(each.id, each);
    this.dispatchEvent(new Event("counted"));
  }

  open() {
    this.close();
    const stream = (this.stream = new EventSource(address("events")));
    this.patience = setTimeout(() => this.askAround(), PATIENCE_SECONDS * 1000);
    stream.addEventListener("open", () => {
      clearTimeout(this.patience);
      clearTimeout(this.timer);
      this.timer = null;
      this.become("live");
    });
    const hear = (/** @type {MessageEvent} */ event) => this.tell(JSON.parse(event.data));
    for (const kind of ["generation", "state", "progress"]) stream.addEventListener(kind, hear);
    stream.addEventListener("deleted", (event) => this.tell({ ...JSON.parse(event.data), state: "deleted" }));
    stream.addEventListener("error", () => this.broken(stream));
  }

  broken(/** @type {EventSource} */ stream) {
    if (stream !== this.stream) return;
    clearTimeout(this.patience);
    this.askAround();
    if (stream.readyState !== EventSource.CLOSED) return;
    this.stream = null;
    this.patience = setTimeout(() => this.open(), STREAM_AGAIN_SECONDS * 1000);
  }

  close() {
    this.stream?.close();
    this.stream = null;
    clearTimeout(this.timer);
    clearTimeout(this.patience);
    this.timer = null;
  }

  hide() {
    this.close();
    this.become("hidden");
    if (this.unfinished.size) this.timer = setTimeout(() => this.askAround(), ASK_HIDDEN_SECONDS * 1000);
  }

  wake() {
    this.open();
    this.look().catch(() => {});
    this.dispatchEvent(new Event("awake"));
  }

  /** Ask again and again while the stream is away. */
  async askAround() {
    clearTimeout(this.timer);
    try {
      await this.look();
      if (this.state !== "live" && this.state !== "hidden") this.become("asking");
      if (this.stream?.readyState !== EventSource.OPEN && !document.hidden) this.become("asking");
    } catch (error) {
      if (error.status === 401 || this.state === "off") return;
      if (!document.hidden) this.become("offline");
    }
    if (this.stream?.readyState === EventSource.OPEN || this.state === "off") return;
    if (document.hidden && !this.unfinished.size) return;
    this.timer = setTimeout(() => this.askAround(), (document.hidden ? ASK_HIDDEN_SECONDS : ASK_SECONDS) * 1000);
  }

  /** Ask for the unfinished ones, and for those that were unfinished a moment ago. */
  async look() {
    const page = await get(GENERATIONS, { state: "queued,dreaming", limit: 100 });
    const now = new Set(page.generations.map((/** @type {any} */ each) => each.id));
    const gone = [...this.unfinished.keys()].filter((id) => !now.has(id));
    page.generations.forEach((/** @type {any} */ each) => this.tell(each));
    for (const id of gone) {
      try {
        this.tell(await get(`${GENERATIONS}/${id}`));
      } catch (error) {
        if (error.status !== 404) throw error;
        this.tell({ id, state: "deleted" });
      }
    }
  }

  tell(/** @type {Happening} */ happening) {
    const before = this.unfinished.get(happening.id);
    if (happening.state === "queued" || happening.state === "dreaming") this.unfinished.set(happening.id, happening);
    else this.unfinished.delete(happening.id);
    for (const each of [...this.watchers]) each(happening);
    if (before && (happening.state === "completed" || happening.state === "failed")) {
      this.dispatchEvent(new CustomEvent("ended", { detail: happening }));
    }
    this.dispatchEvent(new Event("counted"));
  }

  become(/** @type {Feed["state"]} */ state) {
    if (state === this.state) return;
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}

export const feed = new Feed();
