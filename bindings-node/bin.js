#!/usr/bin/env node
'use strict'
// The `conduit` command: all of it is native. Node's own streams are not touched, they belong to the command.

// Node has handlers for these that raise the signal again, beside those of the command for ever. This takes them away.
for (const signal of ['SIGINT', 'SIGTERM']) {
  const listener = () => {}
  process.on(signal, listener).off(signal, listener)
}
process.exit(require('./native.js').main(['conduit', ...process.argv.slice(2)]))
