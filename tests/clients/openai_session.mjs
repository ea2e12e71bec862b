// The videos of the official Node SDK, each method once, with what it answered. Run where `openai` is installed:
// node openai_session.mjs BASE_URL KEY PICTURE. The other side completes what is printed as a COMPLETE line.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import OpenAI, { toFile } from "openai";

const [baseURL, apiKey, picture] = process.argv.slice(2);
const openai = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const results = {};

async function record(name, asking) {
  try {
    const answer = await asking();
    results[name] = { answer: answer ?? null };
    return answer;
  } catch (error) {
    results[name] = { error: error.constructor.name, status: error.status, message: error.message };
    return undefined;
  }
}

const asked = { prompt: "push in", model: "sora-2", seconds: "4", size: "1280x720" };
const made = await record("videos.create", () =>
  openai.videos.create({ ...asked, input_reference: createReadStream(picture) }),
);
const other = await record("videos.create from bytes", async () =>
  openai.videos.create({ ...asked, input_reference: await toFile(Buffer.from("89504e470d0a1a0a00", "hex"), "a.png") }),
);
await record("videos.retrieve", () => openai.videos.retrieve(made.id));
console.log(`COMPLETE ${made.id}`);
await lines.next();
await record("videos.list", async () => (await openai.videos.list({ limit: 1 })).data.map((each) => each.id));
await record("all videos.list", async () => {
  const ids = [];
  for await (const each of openai.videos.list({ limit: 1 })) ids.push(each.id);
  return ids;
});
await record("videos.downloadContent", async () => {
  const content = await openai.videos.downloadContent(made.id);
  return { type: content.headers.get("content-type"), size: (await content.arrayBuffer()).byteLength };
});
await record("videos.delete", () => openai.videos.delete(other.id));
await record("a second delete", () => openai.videos.delete(other.id));
await record("a bad value", () => openai.videos.create({ ...asked, seconds: "four" }));
await record("no key", () => new OpenAI({ baseURL, apiKey: "wrong", maxRetries: 0 }).videos.list());
console.log(`RESULTS ${JSON.stringify(results)}`);
process.exit(0);
