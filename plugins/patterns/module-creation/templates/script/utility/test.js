import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { chunked, slugify, truncate } from "«module»";
«if cli»
import { main } from "«cli_entry»";
«end»

describe("slugify", () => {
  const cases = {
    "Hello, World!": "hello-world",
    "  Crème brûlée  ": "creme-brulee",
    "a--b__c": "a-b-c",
    "Version 2.0": "version-2-0",
    "...": "",
    "": "",
  };
  for (const [text, slug] of Object.entries(cases)) {
    it(`makes "${slug}" of "${text}"`, () => assert.equal(slugify(text), slug));
  }

  it("takes another separator", () => {
    assert.equal(slugify("Hello, World!", "_"), "hello_world");
  });
});

describe("truncate", () => {
  it("leaves short text as it is", () => assert.equal(truncate("short", 5), "short"));

  it("cuts long text to the width", () => {
    assert.equal(truncate("a long sentence", 9), "a long...");
    for (let width = 3; width < 20; width += 1) {
      assert.ok(truncate("a long sentence", width).length <= width);
    }
  });

  it("needs room for the ellipsis", () => assert.throws(() => truncate("text", 2), RangeError));
});

describe("chunked", () => {
  it("may end with a shorter chunk", () => {
    assert.deepEqual(chunked([0, 1, 2, 3, 4], 2), [[0, 1], [2, 3], [4]]);
  });

  it("makes no chunk of nothing", () => assert.deepEqual(chunked(new Set(), 3), []));

  for (const size of [0, -1, 1.5, NaN]) {
    it(`refuses the size ${size}`, () => assert.throws(() => chunked([1], size), RangeError));
  }
});
«if cli»

describe("the command", () => {
  it("prints one slug per argument", () => {
    const lines = [];
    assert.equal(main(["Hello, World!", "Version 2.0"], (line) => lines.push(line)), 0);
    assert.deepEqual(lines, ["hello-world", "version-2-0"]);
  });
});
«end»
