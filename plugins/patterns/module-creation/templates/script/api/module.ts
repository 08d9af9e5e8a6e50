/**
 * A small JSON service: items that can be listed, added, read and removed.
 *
 * What a request means is decided by `handle`, which knows no sockets;
 * `createApiServer` puts it behind HTTP.
 */
import { createServer«ts|, type Server» } from "node:http";

/** Longest request body in bytes; a longer one is answered with 413. */
export const MAX_BODY = 64 * 1024;

«ts|/** One kept thing. */
export interface Item {
  id: number;
  name: string;
}

/** What the service answers: a status and a JSON value. */
export interface Reply {
  status: number;
  body: unknown;
}

»«js|/** @typedef {{id: number, name: string}} Item one kept thing */
/** @typedef {{status: number, body: unknown}} Reply what the service answers */

»/** The items, in memory. */
export class Store {
  «js|/** @type {Map<number, Item>} */
  »items = new Map«ts|<number, Item>»();
  #nextId = 1;

  /**
   * Keeps a new item. An identifier is never used twice.
   *
   * @param «js|{string} »name
   * @returns «js|{Item} »the item
   */
  add(name«ts|: string»)«ts|: Item» {
    const item = { id: this.#nextId, name };
    this.items.set(item.id, item);
    this.#nextId += 1;
    return item;
  }
}

/**
 * Answers one request.
 *
 * @param «js|{Store} »store
 * @param «js|{string} »method
 * @param «js|{string} »path
 * @param «js|{string} »body
 * @returns «js|{Reply} »the answer
 */
export function handle(store«ts|: Store», method«ts|: string», path«ts|: string», body«ts|: string» = "")«ts|: Reply» {
  const [resource, key, ...rest] = path.split("/").filter(Boolean);
  if (resource === "health" && key === undefined) {
    return only(method, { GET: () => ({ status: 200, body: { status: "ok" } }) });
  }
  if (resource === "items" && key === undefined) {
    return only(method, {
      GET: () => ({ status: 200, body: [...store.items.values()] }),
      POST: () => create(store, body),
    });
  }
  if (resource === "items" && key !== undefined && rest.length === 0) {
    const id = /^[0-9]+$/.test(key) ? Number(key) : 0;
    const item = store.items.get(id);
    if (item === undefined) {
      return { status: 404, body: { error: `no item ${key}` } };
    }
    return only(method, {
      GET: () => ({ status: 200, body: item }),
      DELETE: () => {
        store.items.delete(id);
        return { status: 200, body: item };
      },
    });
  }
  return { status: 404, body: { error: `no resource ${path}` } };
}

/**
 * The answer for a method, or 405.
 *
 * @param «js|{string} »method
 * @param «js|{Record<string, () => Reply>} »answers
 * @returns «js|{Reply} »the answer
 */
function only(method«ts|: string», answers«ts|: Record<string, () => Reply>»)«ts|: Reply» {
  const answer = Object.hasOwn(answers, method) ? answers[method] : undefined;
  return answer?.() ?? { status: 405, body: { error: `use ${Object.keys(answers).join(", ")}` } };
}

/**
 * Adds the item that a body describes.
 *
 * @param «js|{Store} »store
 * @param «js|{string} »body
 * @returns «js|{Reply} »the answer
 */
function create(store«ts|: Store», body«ts|: string»)«ts|: Reply» {
  «js|/** @type {unknown} */
  »let value«ts|: unknown»;
  try {
    value = JSON.parse(body);
  } catch {
    return { status: 400, body: { error: "body is not JSON" } };
  }
  const name = typeof value === "object" && value !== null && "name" in value ? value.name : undefined;
  if (typeof name !== "string" || name.trim() === "") {
    return { status: 422, body: { error: "`name` must be a text" } };
  }
  return { status: 201, body: store.add(name.trim()) };
}

/**
 * The service behind HTTP. It does not listen yet.
 *
 * @param «js|{Store} »store
 * @returns «js|{import("node:http").Server} »the server
 */
export function createApiServer(store«ts|: Store»)«ts|: Server» {
  return createServer(async (request, response) => {
    const chunks«ts|: Buffer[]» = [];
    let size = 0;
    for await (const chunk of request) {
      size += chunk.length;
      if (size <= MAX_BODY) {
        chunks.push(chunk);
      }
    }
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    const reply =
      size > MAX_BODY
        ? { status: 413, body: { error: `at most ${MAX_BODY} bytes` } }
        : handle(store, request.method ?? "GET", path, Buffer.concat(chunks).toString("utf8"));
    response.writeHead(reply.status, { "content-type": "application/json" });
    response.end(JSON.stringify(reply.body));
  });
}
