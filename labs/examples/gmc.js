// The GroupMediaChat protocol (labs/protocol.md) in JavaScript, for node 18 or newer and nothing else.
// Check it:  python3 -m labkit vectors --cmd "node labs/examples/gmc.js"
const MAX = { text: 4096, chunk: 262144, fileName: 1024, json: 32768, welcome: 1048576, number: 2 ** 53 - 1 };

class ProtocolError extends Error {}
const fail = (code) => { throw new ProtocolError(code); };

// --- Fields: each check says whether a value may stand there --------------------------------------------------------
const word = (limit) => (v) => typeof v === "string" && !/\p{Surrogate}/u.test(v) && Buffer.byteLength(v) <= limit;
const number = (least, most) => (v) => Number.isInteger(v) && v >= least && v <= most;
const hex = (size) => (v) => typeof v === "string" && v.length === 2 * size && /^[0-9a-f]*$/.test(v);
const name = word(MAX.json), text = word(MAX.text), id = hex(16), size = number(0, MAX.number);
const words = (v) => Array.isArray(v) && v.every(name);
const counts = { number: size, said: size }, offer = { id, name: word(MAX.fileName), size };
const both = { // what both sides may send: letter, type, fields
  G: ["get", { id, offset: size, size: number(1, MAX.chunk) }], D: ["data", {}], E: ["end", { id, sha256: hex(32) }],
  A: ["abort", { id, reason: name }], B: ["bye", {}], P: ["ping", {}], Q: ["pong", {}],
};
const FRAMES = {
  client: { ...both, H: ["hello", { name, features: words }], T: ["text", { text }], O: ["offer", offer],
    C: ["resume", { token: id, ...counts }] },
  server: {
    ...both, W: ["welcome", { features: words, roster: words }], R: ["refused", { code: name, reason: name }],
    T: ["text", { from: name, text }], J: ["joined", { name }], L: ["left", { name }],
    O: ["offer", { from: name, ...offer }], S: ["stored", { id }], F: ["earlier", { from: name, text }],
    N: ["numbers", { token: id, ...counts, heard: size, missed: size }], K: ["ack", counts],
  },
};
const KNOWN = { ...FRAMES.client, ...FRAMES.server };
const limit = (letter) => ({ D: 1 + 16 + 8 + MAX.chunk, W: MAX.welcome }[letter] ?? MAX.json);

// --- Decoding -------------------------------------------------------------------------------------------------------
class Decoder {
  constructor(side) { this.side = side; this.buffer = Buffer.alloc(0); }

  *feed(piece) { // one recv brings half a frame, or three and a half: so keep what is left
    this.buffer = Buffer.concat([this.buffer, piece]);
    while (this.buffer.length >= 5) {
      const length = this.buffer.readUInt32BE(0), letter = String.fromCharCode(this.buffer[4]);
      if (length < 1 || length > limit(letter)) fail("bad-length");
      if (letter in KNOWN && !(letter in FRAMES[this.side])) fail("out-of-turn");
      if (this.buffer.length < 4 + length) return;
      const body = this.buffer.subarray(5, 4 + length);
      this.buffer = this.buffer.subarray(4 + length);
      if (letter in KNOWN) yield decodeBody(...FRAMES[this.side][letter], body); // others are skipped
    }
  }
}

function decodeBody(type, fields, body) {
  if (type === "data") {
    if (body.length <= 24 || body.readBigUInt64BE(16) > BigInt(MAX.number)) fail("bad-field");
    const offset = Number(body.readBigUInt64BE(16));
    return { type, id: body.toString("hex", 0, 16), offset, data: body.toString("hex", 24) };
  }
  const values = { ...(type === "welcome" && { roster: [] }), ...parse(body) }; // the one field that may be missing
  const frame = { type };
  for (const [field, fits] of Object.entries(fields)) {
    if (!Object.hasOwn(values, field) || !fits(values[field])) fail("bad-field");
    frame[field] = values[field];
  }
  return frame;
}

function parse(body) {
  let text;
  try { text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body); } catch { fail("bad-utf8"); }
  try { JSON.parse(text); } catch { fail("bad-json"); }
  // JSON.parse makes 1.0 a 1, which the protocol does not: so 1.0 and 1e0, outside strings, become something else.
  const token = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
  const values = JSON.parse(text.replace(token, (found) => (/^(".*|-?\d+)$/s.test(found) ? found : "null")));
  if (values === null || typeof values !== "object" || Array.isArray(values)) fail("bad-json");
  return values;
}

// --- Encoding -------------------------------------------------------------------------------------------------------
function encode(side, { type, ...values }) {
  const [letter, [, fields]] = Object.entries(FRAMES[side]).find(([, [name]]) => name === type);
  const offset = Buffer.alloc(8);
  if (type === "data") offset.writeBigUInt64BE(BigInt(values.offset));
  const ordered = Object.fromEntries(Object.keys(fields).map((field) => [field, values[field]]));
  const body = type === "data" ? Buffer.concat([Buffer.from(values.id, "hex"), offset, Buffer.from(values.data, "hex")])
    : Buffer.from(JSON.stringify(ordered));
  const head = Buffer.from([0, 0, 0, 0, letter.charCodeAt(0)]);
  head.writeUInt32BE(1 + body.length); // the length counts the type and the body, not itself
  return Buffer.concat([head, body]);
}

// --- The questions of `labkit vectors`: one JSON object a line, one answer a line -----------------------------------
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const question = JSON.parse(line), frames = [];
  const answer = (found) => console.log(JSON.stringify(found));
  if (question.frame) return answer({ hex: encode(question.from, question.frame).toString("hex") });
  const decoder = new Decoder(question.from);
  let error = null;
  try {
    for (const piece of question.hex) for (const frame of decoder.feed(Buffer.from(piece, "hex"))) frames.push(frame);
  } catch (found) { if (!(found instanceof ProtocolError)) throw found; error = found.message; }
  answer({ frames, error });
});
