// SPDX-License-Identifier: GPL-2.0
// work.js SECONDS: JIT code, built-ins and the runtime calling each other
'use strict';

const end = Date.now() + 1000 * Number(process.argv[2] || 1);

function tree(depth) {
	return depth ? { depth, left: tree(depth - 1), right: [tree(depth - 1), depth * 1.5] } : { leaf: 'text' };
}

function fib(n) {
	return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

function sorted(n) {
	const a = Array.from({ length: n }, (_, i) => (i * 7919) % n);
	return a.sort((x, y) => x - y).map(x => x.toString(16)).join('').replace(/a+/g, 'b').length;
}

let total = 0;
while (Date.now() < end)
	total += JSON.stringify(JSON.parse(JSON.stringify(tree(8)))).length + fib(20) + sorted(2000);
if (!total)
	process.exit(1);
