// What the Node package adds to the Rust API: node benches/node.mjs, after `cargo xtask package node --release`.
// Compare with `cargo bench -p conduit-benches --bench abi`.

import { Runtime } from '../bindings-node/index.mjs'

const TURNS = 20
const RUNS = 100
const runtime = await Runtime.create({ policy: { allow: ['*'] }, tools: { one: () => 1 } })

const CALLS = 100
const programs = {
  'fresh console.log(1+1)': { code: 'console.log(1 + 1)', of: 1 },
  'fresh, with a signal': { code: 'console.log(1 + 1)', of: 1, signal: new AbortController().signal },
  'one host tool call, of 100': { code: `for (let i = 0; i < ${CALLS}; i++) await tools.host.one()`, of: CALLS },
}

const median = (list) => list.sort((a, b) => a - b)[list.length >> 1]

for (const [name, { code, of, signal }] of Object.entries(programs)) {
  const request = { language: 'typescript', code }
  const turns = []
  for (let turn = 0; turn < TURNS; turn++) {
    const times = []
    const inside = []
    for (let i = 0; i < RUNS; i++) {
      const start = process.hrtime.bigint()
      const { outcome, usage } = await runtime.execute(request, { signal })
      if (outcome.status !== 'completed') throw new Error(JSON.stringify(outcome))
      times.push(Number(process.hrtime.bigint() - start) / 1e3 / of)
      inside.push((usage.wallTimeMs * 1e3) / of)
    }
    turns.push([median(times), median(inside)])
  }
  // The quietest: how long a thread takes to wake depends on what else the machine does.
  const [all, core] = turns.sort(([a], [b]) => a - b)[0]
  console.log(`${name}: ${all.toFixed(1)} us, of which core measures ${core.toFixed(1)} us`)
}
await runtime.close()
