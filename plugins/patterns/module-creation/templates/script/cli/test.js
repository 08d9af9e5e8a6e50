import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";

import { count, render } from "«module»";
import { main } from "«cli_entry»";

describe("count", () => {
  const cases = [
    ["", [0, 0, 0]],
    ["one", [1, 1, 3]],
    ["one two\nthree\n", [2, 3, 14]],
    ["\n\n", [2, 0, 2]],
    ["naïve 🙂", [1, 2, 7]],
  ];
  for (const [text, [lines, words, characters]] of cases) {
    it(`counts ${JSON.stringify(text)}`, () => {
      assert.deepEqual(count(text), { lines, words, characters });
    });
  }
});

describe("render", () => {
  const row = { lines: 1, words: 2, characters: 3 };

  it("adds a total only to several rows", () => {
    assert.doesNotMatch(render([["a", row]]), /total/);
    assert.match(render([["a", row], ["b", row]]), /2 +4 +6 {2}total$/);
  });
});

describe("the command", () => {
  it("counts files and reports what it cannot read", (context) => {
    const complained = context.mock.method(console, "error", () => {});
    const directory = mkdtempSync(join(tmpdir(), "«name»-"));
    try {
      const good = join(directory, "good.txt");
      writeFileSync(good, "a b c\n");
      const printed = [];
      const code = main([good, join(directory, "missing.txt")], (line) => printed.push(line));
      assert.equal(code, 1);
      assert.match(printed[0], /^ +1 +3 +6 /);
      assert.match(complained.mock.calls[0].arguments[0], /missing\.txt/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
