const { test } = require('node:test');

test('adds', () => {});
test('later', { skip: 'not yet' }, () => {});
