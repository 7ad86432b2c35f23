// What the Node package adds to the Rust API: node benches/node.mjs, after `cargo xtask package node --release`.
// Compare with `cargo bench -p conduit-benches --bench runtime`.

import { Runtime } from '../bindings-node/index.mjs'

const ROUNDS = 2000
const runtime = await Runtime.create({ policy: { allow: ['*'] }, tools: { one: () => 1 } })

const CALLS = 100
const programs = {
  'fresh console.log(1+1)': { code: 'console.log(1 + 1)', of: 1 },
  'fresh, with a signal': { code: 'console.log(1 + 1)', of: 1, signal: new AbortController().signal },
  'one host tool call, of 100': { code: `for (let i = 0; i < ${CALLS}; i++) await tools.host.one()`, of: CALLS },
}

for (const [name, { code, of, signal }] of Object.entries(programs)) {
  const request = { language: 'typescript', code }
  const times = []
  const inside = []
  for (let i = 0; i < ROUNDS / of + 50; i++) {
    const start = process.hrtime.bigint()
    const { outcome, usage } = await runtime.execute(request, { signal })
    if (outcome.status !== 'completed') throw new Error(JSON.stringify(outcome))
    times.push(Number(process.hrtime.bigint() - start) / 1e3 / of)
    inside.push((usage.wallTimeMs * 1e3) / of)
  }
  const [half, core] = [times, inside].map(
    (list) => list.slice(50).sort((a, b) => a - b)[Math.floor((list.length - 50) / 2)],
  )
  console.log(`${name}: ${half.toFixed(1)} us, of which core measures ${core.toFixed(1)} us`)
}
await runtime.close()
