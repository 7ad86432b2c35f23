// The conformance runner of the Node package: one case a line on standard input, what came of it a line on standard output.
// tests/conformance/README.md is the contract of the tools.

import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { Runtime } from '../../bindings-node/index.mjs'

const integer = { type: 'integer' }
const string = { type: 'string' }
const object = (properties, ...required) => ({ type: 'object', properties, required })

/** The tools of a case; what `count` counts begins anew with each set. */
function tools() {
  let calls = 0
  let now = 0
  let peak = 0
  const test = {
    echo: { inputSchema: object({ value: {} }), execute: ({ value }) => value },
    add: {
      inputSchema: object({ a: integer, b: integer }, 'a', 'b'),
      outputSchema: object({ sum: integer }, 'sum'),
      execute: ({ a, b }) => ({ sum: a + b }),
    },
    fail: {
      inputSchema: object({ message: string }, 'message'),
      execute: ({ message }) => {
        throw Object.assign(new Error(message), { content: [{ type: 'text', text: message }] })
      },
    },
    sleep: {
      inputSchema: object({ ms: integer }, 'ms'),
      execute: async ({ ms }, { signal }) => {
        now += 1
        peak = Math.max(peak, now)
        try {
          await sleep(ms, undefined, { signal })
        } finally {
          now -= 1
        }
        return ms
      },
    },
    text: { inputSchema: object({ text: string }, 'text'), execute: ({ text }) => text },
    big: { inputSchema: object({ bytes: integer }, 'bytes'), execute: ({ bytes }) => 'x'.repeat(bytes) },
    never: { inputSchema: object({}), execute: () => new Promise(() => {}) },
    count: { inputSchema: object({}), execute: () => ({ calls: ++calls, peak }) },
    'get-invoice': { inputSchema: object({ id: string }, 'id'), execute: ({ id }) => ({ id }) },
    class: { inputSchema: object({ x: integer }), execute: ({ x }) => ({ x: x ?? null }) },
    no_schema: { execute: (args) => args },
  }
  const other = { secret: { inputSchema: object({}), execute: () => 'secret' } }
  const list = (upstream, tools) =>
    Object.entries(tools).map(([name, tool]) => ({
      upstream,
      name,
      description: `The tool ${name} of the conformance cases.`,
      ...tool,
    }))
  return [...list('test', test), ...list('other', other)]
}

const camel = (fields) =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name.replace(/_(.)/g, (_, letter) => letter.toUpperCase()), value]),
  )

/** A config and a request by the names that the package has for their keys. */
const options = ({ upstreams = [], limits = {}, max_limits = {}, ...others }) =>
  camel({ ...others, upstreams: upstreams.map(camel), limits: camel(limits), max_limits: camel(max_limits) })
const asked = ({ limits = {}, ...others }) => ({ ...others, limits: camel(limits) })

/** Waits until the execution has printed something that contains `text`. */
async function printed(execution, text) {
  for await (const event of execution.events) {
    if (event.event === 'stdout' && event.text.includes(text)) return
  }
  throw new Error(`the program ended without printing ${JSON.stringify(text)}`)
}

async function run({ config, request, beside, cancel_at, shut_down }) {
  const runtime = await Runtime.create({ ...options(config), tools: tools() })
  const neighbour = beside ? runtime.spawn(asked(beside)) : undefined
  try {
    if (neighbour) await printed(neighbour, '')
    if (shut_down) await runtime.close()
    if (cancel_at === null || cancel_at === undefined) return await runtime.execute(asked(request))
    const execution = runtime.spawn(asked(request))
    await printed(execution, cancel_at)
    execution.cancel()
    return await execution.result
  } finally {
    neighbour?.cancel()
    await runtime.close()
  }
}

async function answer(line) {
  try {
    const { outcome, value, stdout, stderr, toolCalls, usage } = await run(JSON.parse(line))
    const tool_calls = toolCalls.map(({ tool, error }) => ({ tool, error }))
    return { result: { outcome, value, stdout, stderr, tool_calls, usage: { tool_calls: usage.toolCalls } } }
  } catch (error) {
    return { error: { code: error.code ?? null, message: String(error.stack) } }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(line))}\n`)
}
