'use strict';
// Preloaded into a process and its children: writes every network connection that one of them tries to the file named
// by FORETYPE_CONNECTIONS.
const { appendFileSync } = require('node:fs');
const net = require('node:net');

const { connect } = net.Socket.prototype;

net.Socket.prototype.connect = function (...args) {
  appendFileSync(process.env.FORETYPE_CONNECTIONS, `${JSON.stringify(args[0])}\n`);
  return connect.apply(this, args);
};
