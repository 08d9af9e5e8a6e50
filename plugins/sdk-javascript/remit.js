// The contract with remit, comfortable in JavaScript.
//
// `remit plugin build` writes this file into `.remit/javascript` of a project, with `manifest.js`
// beside it: id, version and title as remit-plugin.toml says them. What the host offers is described
// in `.remit/wit`; a function here does what the one of the same name there does.
//
// Never: a grant made, widened or remembered here. The host decides each call anew.

import * as host from "remit:plugin/process@0.1.0";
import * as hostProgress from "remit:plugin/progress@0.1.0";
import * as hostState from "remit:plugin/state@0.1.0";
import * as hostWorkspace from "remit:plugin/workspace@0.1.0";
import * as hostClock from "remit:plugin/clock@0.1.0";
import * as hostRandom from "remit:plugin/random@0.1.0";
import { getDirectories } from "wasi:filesystem/preopens@0.2.6";
import { manifest } from "./manifest.js";

// How many bytes of each stream `run` keeps if nobody says otherwise.
const OUTPUT_LIMIT = 1 << 20;
// Bytes of a file that are read at once, and the most that `read` takes in.
const CHUNK = 1 << 16;
const MAX_FILE = 16 << 20;

// ---- failures ------------------------------------------------------------------------------

/** Why the work has no outcome: throw one of these. Any other error is a fault of the plugin. */
export class Failure extends Error {
  constructor(tag, value, message) {
    super(message ?? tag);
    this.failure = { tag, val: value };
  }
}

/** Work that was tried and failed; `hint` says what the reader could do about it. */
export function failed(code, message, { hint, retryable = false } = {}) {
  return new Failure("failed", { code, message, hint, retryable }, message);
}

/** The work was done and judged not good enough. */
export function rejected(reason) {
  return new Failure("rejected", reason, reason);
}

/** A tool or service that the work needs is missing. */
export function unavailable(what) {
  return new Failure("unavailable", what, what);
}

/** One thing that is wrong with an input; `path` is a JSON pointer. */
export function problem(path, code, message) {
  return { path, code, message };
}

/** What the host answered instead of a value: `tag` and `value` as the contract has them. */
export class HostError extends Error {
  constructor(service, payload) {
    const { tag, val } = typeof payload === "string" ? { tag: payload } : payload;
    super(`${service}: ${tag}`);
    this.service = service;
    this.tag = tag;
    this.value = val;
  }

  /** Whether a grant was missing. The host has told the owner already what would open the door. */
  get denied() {
    return this.tag === "denied";
  }
}

function calling(service, call) {
  try {
    return call();
  } catch (error) {
    if (error?.payload === undefined) throw error;
    throw new HostError(service, error.payload);
  }
}

// The failure that fits an error of the host, as the Rust SDK has it.
function asFailure({ service, tag, value }) {
  switch (`${service} ${tag}`) {
    case "process denied":
      return new Failure("denied", value);
    case "process invalid-call": {
      const all = value.map(({ path, message }) => `${path}: ${message}`);
      return failed("invalid-call", all.join("; "));
    }
    case "process tool-missing":
      return unavailable(value);
    case "process spawn-failed":
    case "process limit":
      return failed(tag, value, { retryable: true });
    case "process stdin-closed":
      return failed(tag, "the tool reads no more input");
    case "state invalid-key":
      return failed(tag, "a state key has 1 to 255 bytes");
    case "checkpoint too-large":
      return failed("checkpoint-too-large", `a checkpoint has at most ${value} bytes`);
    case "workspace not-granted":
      return failed("no-workspace", "no directory of the workspace was granted");
    case "state unavailable":
    case "checkpoint unavailable":
    case "workspace unavailable":
      return failed(`${service}-unavailable`, value, { retryable: true });
    default:
      return failed(tag, value ?? tag);
  }
}

// ---- the plugin ----------------------------------------------------------------------------

// `Math.random` would repeat what was drawn when the component was built.
function seedRandom() {
  Math.random = () => {
    const bytes = hostRandom.bytes(6);
    return bytes.reduce((sum, byte) => sum * 256 + byte, 0) / 2 ** 48;
  };
}

function carryOut(context, execute, answer) {
  seedRandom();
  try {
    return answer(execute(JSON.parse(context.inputs), context));
  } catch (error) {
    if (error instanceof HostError) throw asFailure(error).failure;
    if (error instanceof Failure) throw error.failure;
    throw error;
  }
}

const KINDS = {
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  integer: Number.isInteger,
  boolean: (value) => typeof value === "boolean",
  null: (value) => value === null,
  array: Array.isArray,
  object: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
};

// Whether a value has the shape that a schema says: names and kinds, all the way down.
function fits(schema, value) {
  if (typeof schema !== "object") return schema !== false;
  const { type, properties = {}, required = [], additionalProperties: more, items } = schema;
  if (type !== undefined && ![type].flat().some((kind) => KINDS[kind]?.(value))) return false;
  if (KINDS.array(value)) return items === undefined || value.every((one) => fits(items, one));
  if (!KINDS.object(value)) return true;
  const known = (name) => Object.hasOwn(properties, name);
  return (
    required.every((name) => Object.hasOwn(value, name)) &&
    Object.entries(value).every(([name, one]) =>
      fits(known(name) ? properties[name] : (more ?? true), one),
    )
  );
}

// What has another shape is no work for the author's check: the host has said it already.
function judged(schema, validate, text) {
  const value = JSON.parse(text);
  return fits(schema ?? true, value) ? validate(value) : [];
}

const schema = (value) => JSON.stringify(value ?? {});

/**
 * Makes the export of a pattern: `export const pattern = remit.pattern({ inputs, outputs, validate,
 * execute })`. `inputs` and `outputs` are JSON Schemas; `validate(inputs)` returns problems;
 * `execute(inputs, context)` returns `{ summary, outputs, artifacts }` or throws a Failure.
 */
export function pattern({ inputs, outputs, validate = () => [], execute }) {
  return {
    describe: () => ({
      ...manifest,
      inputSchema: schema(inputs),
      outputSchema: schema(outputs),
    }),
    validateInputs: (text) => judged(inputs, validate, text),
    execute: (context) =>
      carryOut(context, execute, ({ summary, outputs = {}, artifacts = [] }) => ({
        summary,
        outputs: JSON.stringify(outputs),
        artifacts,
      })),
  };
}

/**
 * Makes the export of an adapter: `export const adapter = remit.adapter({ … })`. As `pattern`, and
 * `about` says what it can do; `execute` returns a report, of which only `success` is needed.
 */
export function adapter({ about = {}, inputs, validateConfig = () => [], validate = () => [], execute }) {
  return {
    describe: () => ({
      ...manifest,
      taskKinds: [],
      domains: [],
      maxParallel: 1,
      timeoutMs: 60_000,
      safetyTier: "runs-code",
      toolVersions: undefined,
      ...about,
      inputSchema: schema(inputs),
    }),
    validateConfig,
    validateInputs: (text) => judged(inputs, validate, text),
    execute: (context) => {
      const began = hostClock.monotonicNs();
      return carryOut(context, execute, ({ details = {}, ...report }) => ({
        output: "",
        error: undefined,
        durationMs: Number(hostClock.monotonicNs() - began) / 1e6,
        artifacts: [],
        claimedChanges: [],
        cost: undefined,
        ...report,
        details: JSON.stringify(details),
      }));
    },
  };
}

// ---- telling people ------------------------------------------------------------------------

const line = (level) => (message, fields) =>
  hostProgress.log(level, String(message), fields === undefined ? "" : JSON.stringify(fields));

export const progress = {
  step: hostProgress.step,
  percent: hostProgress.percent,
  debug: line("debug"),
  info: line("info"),
  warn: line("warn"),
  error: line("error"),
  /** Announces a finished file, and hands it back for the outcome. */
  produced(artifact) {
    hostProgress.produced(artifact);
    return artifact;
  },
  checkpoint: (bytes) => calling("checkpoint", () => hostProgress.checkpoint(bytes)),
};

/** A file that the work produced. */
export function artifact(path, mediaType, description) {
  return { path, mediaType, description };
}

// ---- tools ---------------------------------------------------------------------------------

function slotValue(value) {
  return Array.isArray(value)
    ? { tag: "many", val: value.map(String) }
    : { tag: "one", val: String(value) };
}

function standardInput(stdin) {
  if (stdin === undefined) return { tag: "empty" };
  if (stdin === "piped") return { tag: "piped" };
  if (stdin.file !== undefined) return { tag: "file", val: stdin.file };
  return { tag: "bytes", val: stdin.text === undefined ? stdin.bytes : utf8.encode(stdin.text) };
}

function call(tool, template, { slots = {}, env = {}, cwd, stdin, timeoutMs, idleMs } = {}) {
  return {
    tool,
    template,
    slots: Object.entries(slots).map(([name, value]) => [name, slotValue(value)]),
    env: Object.entries(env),
    cwd,
    stdin: standardInput(stdin),
    timeoutMs,
    idleMs,
  };
}

/**
 * Runs a tool to its end. Options: `slots`, `env`, `cwd`, `stdin` (`{ text }`, `{ bytes }` or
 * `{ file }`), `timeoutMs`, `idleMs`, `limit`. The owner's declaration says what `success` is.
 */
export function run(tool, template, options = {}) {
  const wanted = call(tool, template, options);
  const output = calling("process", () => host.run(wanted, options.limit ?? OUTPUT_LIMIT));
  return {
    ...output,
    stdoutText: utf8.decode(output.stdout),
    stderrText: utf8.decode(output.stderr),
  };
}

/** Asks whether a call would be carried out, without starting anything; throws what `run` would. */
export function check(tool, template, options) {
  calling("process", () => host.check(call(tool, template, options)));
}

/** Starts a tool and returns the contract's `child`. */
export function spawn(tool, template, options) {
  return calling("process", () => host.spawn(call(tool, template, options)));
}

/** Runs a tool and hands each line of its output to `each(line, "stdout" | "stderr")`. */
export function lines(tool, template, options, each) {
  const child = spawn(tool, template, options);
  for (;;) {
    const { tag, val } = calling("process", () => child.nextLines(256, undefined));
    if (tag === "exited") return val;
    if (tag !== "nothing-yet") val.forEach((text) => each(text, tag));
  }
}

const CAUSES = {
  requested: "was ended on request",
  "wall-timeout": "was ended by its time limit",
  "idle-timeout": "was ended because it was silent for too long",
  "output-limit": "was ended because it wrote too much",
  "run-ended": "was ended with the run",
  "supervisor-lost": "was ended because its supervisor died",
};

/** The end of a sentence that begins with the tool: `exited with code 1`. */
export function describeExit({ tag, val }) {
  if (tag === "code") return `exited with code ${val}`;
  return tag === "signal" ? `was ended by signal ${val}` : CAUSES[val];
}

// ---- values that last, time, randomness ------------------------------------------------------

export const state = {
  get(scope, key) {
    const text = calling("state", () => hostState.get(scope, key));
    return text === undefined || text === null ? undefined : JSON.parse(text);
  },
  set: (scope, key, value) =>
    calling("state", () => hostState.set(scope, key, JSON.stringify(value))),
  merge: (scope, key, patch) =>
    JSON.parse(calling("state", () => hostState.merge(scope, key, JSON.stringify(patch)))),
  remove: (scope, key) => calling("state", () => hostState.remove(scope, key)),
  keys: (scope, prefix = "") => calling("state", () => hostState.keys(scope, prefix)),
};

export const clock = hostClock;
export const random = hostRandom;

export const workspace = {
  grants: hostWorkspace.grants,
  changedFiles: () => calling("workspace", () => hostWorkspace.changedFiles()),
};

// ---- files ---------------------------------------------------------------------------------

/** Why a file was not read or written: `code` is a word of wasi:filesystem, such as `no-entry`. */
export class FileError extends Error {
  constructor(path, code) {
    super(`${path}: ${code}`);
    this.path = path;
    this.code = code;
  }
}

function top() {
  const root = hostWorkspace.root();
  const found = getDirectories().find(([, name]) => name === root);
  if (found === undefined) throw new HostError("workspace", { tag: "not-granted" });
  return found[0];
}

function touching(path, act) {
  try {
    return act(top());
  } catch (error) {
    if (error?.payload === undefined) throw error;
    throw new FileError(path, error.payload);
  }
}

function readFrom(file) {
  const chunks = [];
  for (let size = 0; ; ) {
    const [chunk, end] = file.read(CHUNK, size);
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_FILE) throw failed("file-too-large", `files of at most ${MAX_FILE} bytes are read`);
    if (end || chunk.length === 0) break;
  }
  const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/** Files of the workspace, by paths relative to it. */
export const files = {
  readBytes: (path) =>
    touching(path, (directory) => readFrom(directory.openAt({}, path, {}, { read: true }))),
  read: (path) => utf8.decode(files.readBytes(path)),
  /** Creates a file or replaces its content; `content` is text or bytes. */
  write(path, content) {
    const bytes = typeof content === "string" ? utf8.encode(content) : content;
    touching(path, (directory) => {
      const file = directory.openAt({}, path, { create: true, truncate: true }, { write: true });
      for (let at = 0; at < bytes.length; ) {
        at += Number(file.write(bytes.subarray(at, at + CHUNK), at));
      }
    });
  },
  /** Names in a directory, sorted. */
  list: (path) =>
    touching(path, (directory) => {
      const entries = directory
        .openAt({}, path, { directory: true }, { read: true })
        .readDirectory();
      const names = [];
      for (;;) {
        const entry = entries.readDirectoryEntry();
        if (!entry) return names.sort();
        names.push(entry.name);
      }
    }),
  makeDirectory: (path) => touching(path, (directory) => directory.createDirectoryAt(path)),
  remove: (path) => touching(path, (directory) => directory.unlinkFileAt(path)),
};

// ---- text ----------------------------------------------------------------------------------

// QuickJS has no TextEncoder. What is not UTF-8 becomes U+FFFD.
export const utf8 = {
  encode(text) {
    const bytes = [];
    for (const character of text) {
      const code = character.codePointAt(0);
      if (code < 0x80) bytes.push(code);
      else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
      else if (code < 0x10000)
        bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
      else
        bytes.push(
          0xf0 | (code >> 18),
          0x80 | ((code >> 12) & 63),
          0x80 | ((code >> 6) & 63),
          0x80 | (code & 63),
        );
    }
    return new Uint8Array(bytes);
  },
  decode(bytes) {
    let text = "";
    for (let at = 0; at < bytes.length; ) {
      const first = bytes[at++];
      const more = first < 0x80 ? 0 : first < 0xc2 ? -1 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : -1;
      if (more <= 0) {
        text += more === 0 ? String.fromCharCode(first) : "\ufffd";
        continue;
      }
      let code = first & (0x3f >> more);
      let taken = 0;
      while (taken < more && at < bytes.length && (bytes[at] & 0xc0) === 0x80) {
        code = (code << 6) | (bytes[at++] & 63);
        taken += 1;
      }
      const least = [0, 0x80, 0x800, 0x10000][more];
      const whole = taken === more && code >= least && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
      text += whole ? String.fromCodePoint(code) : "\ufffd";
    }
    return text;
  },
};
