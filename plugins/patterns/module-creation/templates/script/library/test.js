import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { RunningStats, summarize } from "«module»";
«if cli»
import { main } from "«cli_entry»";
«end»

const close = (actual, expected) =>
  assert.ok(Math.abs(actual - expected) < 1e-6 * Math.max(1, Math.abs(expected)), `${actual} is not ${expected}`);

describe("RunningStats", () => {
  it("knows the usual values", () => {
    const stats = summarize([2, 4, 4, 4, 5, 5, 7, 9]);
    assert.equal(stats.count, 8);
    close(stats.mean, 5);
    close(stats.variance, 32 / 7);
    close(stats.deviation, Math.sqrt(32 / 7));
    assert.deepEqual([stats.minimum, stats.maximum], [2, 9]);
  });

  it("has no spread for nothing and for one number", () => {
    assert.equal(summarize([]).count, 0);
    assert.equal(summarize([]).variance, 0);
    assert.equal(summarize([3]).variance, 0);
  });

  it("keeps its precision for large numbers", () => {
    close(summarize([1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16]).variance, 30);
  });

  for (const value of [NaN, Infinity, -Infinity]) {
    it(`refuses ${value}`, () => {
      assert.throws(() => new RunningStats().add(value), RangeError);
    });
  }

  it("gives the same when merged as when added one by one", () => {
    const values = [0.5, -3, 12, 8, 8, 1e6];
    const whole = summarize(values);
    for (let cut = 0; cut <= values.length; cut += 1) {
      const left = summarize(values.slice(0, cut));
      const merged = left.merge(summarize(values.slice(cut)));
      assert.equal(merged.count, whole.count);
      close(merged.mean, whole.mean);
      close(merged.variance, whole.variance);
      assert.equal(merged.maximum, whole.maximum);
      assert.equal(left.count, cut);
    }
  });
});
«if cli»

describe("the command", () => {
  it("prints the statistics", () => {
    const lines = [];
    assert.equal(main(["1", "2", "3"], (line) => lines.push(line)), 0);
    assert.deepEqual(lines, ["count=3 mean=2 deviation=1", "minimum=1 maximum=3"]);
  });

  it("refuses a word that is no number", (context) => {
    const complained = context.mock.method(console, "error", () => {});
    assert.equal(main(["1", "two"], () => assert.fail("printed")), 1);
    assert.match(complained.mock.calls[0].arguments[0], /two/);
  });
});
«end»
