#!/usr/bin/env node
'use strict'
// The `conduit` command: all of it is native. Node's own streams are not touched, they belong to the command.
process.exit(require('./native.js').main(['conduit', ...process.argv.slice(2)]))
