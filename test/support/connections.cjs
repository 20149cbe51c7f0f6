'use strict';
// Preloaded into a process and its children: writes every network connection that one of them tries to the file named
// by FORETYPE_CONNECTIONS. A socket with a path goes no further than this machine.
const { appendFileSync } = require('node:fs');
const net = require('node:net');

const { connect } = net.Socket.prototype;

net.Socket.prototype.connect = function (...args) {
  const [first] = args.flat();
  const local = typeof first === 'object' ? first?.path : Number.isNaN(Number(first)) && first;
  if (!local) appendFileSync(process.env.FORETYPE_CONNECTIONS, `${JSON.stringify(args[0])}\n`);
  return connect.apply(this, args);
};
