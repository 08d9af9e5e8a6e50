const { describe, it } = require('node:test');
const assert = require('node:assert');

describe('sums', () => {
  it('adds', () => assert.strictEqual(1 + 1, 2));
  it('carries', () => assert.strictEqual(9 + 1, 11));
});
