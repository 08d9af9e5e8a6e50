import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";

import { createApiServer, handle, Store } from "«module»";
«if cli»
import { parse } from "«cli_entry»";
«end»

describe("handle", () => {
  let store;
  beforeEach(() => {
    store = new Store();
  });
  const request = (method, path, value) =>
    handle(store, method, path, value === undefined ? "" : JSON.stringify(value));

  it("answers a health check", () => {
    assert.deepEqual(request("GET", "/health"), { status: 200, body: { status: "ok" } });
  });

  it("keeps an item from POST to DELETE", () => {
    const item = { id: 1, name: "pen" };
    assert.deepEqual(request("GET", "/items"), { status: 200, body: [] });
    assert.deepEqual(request("POST", "/items", { name: " pen " }), { status: 201, body: item });
    assert.deepEqual(request("GET", "/items/1"), { status: 200, body: item });
    assert.deepEqual(request("GET", "/items"), { status: 200, body: [item] });
    assert.deepEqual(request("DELETE", "/items/1"), { status: 200, body: item });
    assert.equal(request("GET", "/items/1").status, 404);
  });

  it("never uses an identifier twice", () => {
    request("POST", "/items", { name: "a" });
    request("DELETE", "/items/1");
    assert.equal(request("POST", "/items", { name: "b" }).body.id, 2);
  });

  it("changes nothing on a bad request", () => {
    for (const value of [{}, { name: 5 }, { name: "  " }, ["name"], "name", null]) {
      assert.equal(request("POST", "/items", value).status, 422);
    }
    assert.equal(handle(store, "POST", "/items", "{").status, 400);
    assert.equal(store.items.size, 0);
  });

  it("knows no other paths and methods", () => {
    assert.equal(request("GET", "/other").status, 404);
    assert.equal(request("GET", "/items/x").status, 404);
    assert.equal(request("GET", "/items/1/2").status, 404);
    assert.equal(request("PUT", "/items").status, 405);
    assert.equal(request("toString", "/items").status, 405);
  });
});

describe("createApiServer", () => {
  it("makes a server that does not listen yet", () => {
    assert.equal(createApiServer(new Store()).listening, false);
  });
});
«if cli»

describe("the command line", () => {
  it("listens only on this machine by default", () => {
    assert.deepEqual(parse([]), { host: "127.0.0.1", port: 8000 });
    assert.equal(parse(["--port", "0"]).port, 0);
  });

  it("refuses what is no port", () => {
    assert.throws(() => parse(["--port", "high"]), RangeError);
    assert.throws(() => parse(["--port", "70000"]), RangeError);
  });
});
«end»
