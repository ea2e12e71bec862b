/** A table of pictures and sentences, as spreadsheets write it (RFC 4180). */

const PICTURES = ["picture", "image", "url", "file", "photo"];
const SENTENCES = ["sentence", "prompt", "words", "text"];

/**
 * The rows of a table. Without names in its first line the first column is the picture, the second the sentence.
 * @param {string} text
 * @returns {{picture: string, prompt: string}[]}
 */
export function readTable(text) {
  const lines = cells(text.replace(/^\ufeff/, ""));
  const names = (lines[0] ?? []).map((each) => each.trim().toLowerCase());
  const picture = names.findIndex((each) => PICTURES.includes(each));
  const prompt = names.findIndex((each) => SENTENCES.includes(each));
  const named = picture >= 0 || prompt >= 0;
  return (named ? lines.slice(1) : lines)
    .map((each) => ({ picture: (each[named ? picture : 0] ?? "").trim(), prompt: (each[named ? prompt : 1] ?? "").trim() }))
    .filter((each) => each.picture || each.prompt);
}

/** @returns {string[][]} */
function cells(/** @type {string} */ text) {
  const separator = (text.split("\n", 1)[0].match(/;/g) ?? []).length > (text.split("\n", 1)[0].match(/,/g) ?? []).length ? ";" : ",";
  /** @type {string[][]} */
  const lines = [[""]];
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at];
    const line = lines[lines.length - 1];
    if (quoted && letter === '"' && text[at + 1] === '"') {
      line[line.length - 1] += '"';
      at += 1;
    } else if (letter === '"') quoted = !quoted;
    else if (!quoted && letter === separator) line.push("");
    else if (!quoted && letter === "\n") lines.push([""]);
    else if (quoted || letter !== "\r") line[line.length - 1] += letter;
  }
  return lines;
}
