import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'

import { Runtime, tool } from 'conduit-codemode'
import { open, python, refusal, typescript } from './runtimes.mjs'

const ANY = { policy: { allow: ['*'] } }

/** What a program catches when it calls `tools.host.x({})`: the error's code, message and content. */
async function caught(t, x) {
  const runtime = await open(t, { ...ANY, tools: { x } })
  const code =
    'try { return { gave: await tools.host.x({}) } } catch (e) { return [e.code, e.message, e.content ?? null] }'
  const { value, toolCalls } = await runtime.execute(typescript(code))
  assert.equal(toolCalls[0].error, value.gave === undefined ? value[0] : null)
  return value
}

test('both languages call functions of this program, many at once', async (t) => {
  const add = async ({ a, b }) => ({ sum: a + b })
  const runtime = await open(t, { ...ANY, tools: { add } })
  const code = `
    const sums = await Promise.all(Array.from({ length: 200 }, (_, a) => tools.host.add({ a, b: 1 })))
    sums.reduce((n, s) => n + s.sum, 0)`
  assert.equal((await runtime.execute(typescript(code))).value, 20100)
  assert.deepEqual((await runtime.execute(python('return await tools.host.add(a=1, b=2)'))).value, { sum: 3 })
  const all = await Promise.all(
    Array.from({ length: 20 }, (_, a) => runtime.execute(typescript(`await tools.host.add({ a: ${a}, b: 1 })`))),
  )
  assert.deepEqual(
    all.map(({ value }) => value.sum),
    Array.from({ length: 20 }, (_, a) => a + 1),
  )
})

test('a tool is told whose call it answers', async (t) => {
  const runtime = await open(t, { ...ANY, tools: { whose: (_args, { executionId }) => executionId } })
  const executions = [1, 2].map(() => runtime.spawn(typescript('await tools.host.whose()')))
  const results = await Promise.all(executions.map(({ result }) => result))
  assert.deepEqual(results.map(({ value }) => value), executions.map(({ id }) => id))
})

test('tools come by name or in a list, with the upstream that they name', async (t) => {
  class Counter {
    name = 'count'
    upstream = 'shop'
    #calls = 0
    execute() {
      return ++this.#calls
    }
  }
  const runtime = await open(t, { ...ANY, tools: [new Counter(), tool({ name: 'one', execute: () => 1 })] })
  assert.deepEqual(
    (await runtime.execute(typescript('[await tools.shop.count(), await tools.shop.count(), await tools.host.one()]')))
      .value,
    [1, 2, 1],
  )
})

test('nothing is allowed that the policy does not list', async (t) => {
  const runtime = await open(t, { tools: { one: () => 1 } })
  assert.equal((await runtime.execute(typescript('await tools.host.one()'))).toolCalls[0].error, 'tool_not_found')
})

test('a definition that is wrong is an error that says so', async () => {
  const create = (tools) => Runtime.create({ tools })
  await assert.rejects(
    create({ x: 1 }),
    new TypeError('`tools.x` must be a function, or an object with a function `execute`'),
  )
  await assert.rejects(create({ x: { execute: 1 } }), TypeError)
  await assert.rejects(create([() => 1, null]), TypeError)
  const [code, message] = await refusal(create({ x: { inputschema: {}, execute: () => 1 } }))
  assert.equal(code, 'invalid_config')
  assert.match(message, /^the definition of a tool is not understood: unknown field `inputschema`/)
  assert.equal((await refusal(create([{ execute: () => 1 }])))[0], 'invalid_config')
  assert.equal((await refusal(create({ 'a b': () => 1 })))[0], 'invalid_request')
})

test('what a tool throws reaches the program', async (t) => {
  const thrower = (thrown) => () => {
    throw thrown
  }
  const cases = [
    [thrower(new Error('no such city')), ['tool_failed', 'no such city', null]],
    [async () => Promise.reject(new Error('later')), ['tool_failed', 'later', null]],
    [
      thrower(Object.assign(new Error('x'), { content: [{ type: 'text', text: 'y' }] })),
      ['tool_failed', 'x', [{ type: 'text', text: 'y' }]],
    ],
    [thrower(Object.assign(new Error('x'), { content: 1n })), ['tool_failed', 'x', null]],
    [thrower('text'), ['tool_failed', 'text', null]],
    [thrower(undefined), ['tool_failed', 'undefined', null]],
    [thrower(new Error('')), ['tool_failed', 'Error', null]],
    [thrower(Object.create(null)), ['tool_failed', 'the tool failed and did not say why', null]],
    [thrower(Symbol('s')), ['tool_failed', 'Symbol(s)', null]],
    [
      thrower({
        get message() {
          throw new Error('in a getter')
        },
      }),
      ['tool_failed', 'the tool failed and did not say why', null],
    ],
    [() => ({ then: (_, reject) => reject(new Error('of a thenable')) }), ['tool_failed', 'of a thenable', null]],
  ]
  for (const [x, expected] of cases) assert.deepEqual(await caught(t, x), expected, String(x))
})

test('what JSON cannot say is an error that says so', async (t) => {
  const cycle = {}
  cycle.self = cycle
  const failed = (why) => ['tool_failed', `the tool gave what JSON cannot say: ${why}`, null]
  const deep = JSON.parse('['.repeat(1000) + ']'.repeat(1000))
  const cases = [
    [() => {}, { gave: null }],
    [() => null, { gave: null }],
    [() => ({ a: undefined, b: [undefined] }), { gave: { b: [null] } }],
    [() => NaN, { gave: null }],
    [() => new Date(0), { gave: '1970-01-01T00:00:00.000Z' }],
    [() => 'a\0\u2028\u{1f600}', { gave: 'a\0\u2028\u{1f600}' }],
    [() => 1n, failed('Do not know how to serialize a BigInt')],
    [() => cycle, failed('Converting circular structure to JSON')],
    [() => () => 1, failed('a function')],
    [() => Symbol('x'), failed('a symbol')],
    [
      () => ({
        toJSON() {
          throw new Error('not today')
        },
      }),
      failed('not today'),
    ],
    [
      () => ({
        get a() {
          throw new Error('not today')
        },
      }),
      failed('not today'),
    ],
    [
      () => '\ud800',
      ['tool_failed', "the tool's answer is not JSON: unexpected end of hex escape at line 1 column 8", null],
    ],
    [() => deep, ['tool_failed', "the tool's answer is not JSON: recursion limit exceeded at line 1 column 128", null]],
  ]
  for (const [x, expected] of cases) assert.deepEqual(await caught(t, x), expected, String(x))
})

test('a huge answer is refused by its limit, not by a crash', async (t) => {
  const [code] = await caught(t, () => 'x'.repeat(5 * 1024 * 1024))
  assert.equal(code, 'reply_too_large')
  const [, message] = await caught(t, () => ({ a: 'x'.repeat(400e6), b: 'x'.repeat(400e6) }))
  assert.equal(message, 'the tool gave what JSON cannot say: Invalid string length')
})

test('a tool that hangs is told that nobody waits for it', async (t) => {
  let told
  const hangs = (_, context) =>
    new Promise(() => (told = once(context.signal, 'abort').then(() => context.signal.reason.name)))
  const runtime = await open(t, { ...ANY, tools: { hangs } })
  const late = await runtime.execute(typescript('await tools.host.hangs()', { limits: { wallTimeMs: 50 } }))
  assert.deepEqual([late.outcome.status, late.outcome.limit], ['limit_exceeded', 'wall_time'])
  assert.equal(late.toolCalls[0].error, 'cancelled')
  assert.equal(await told, 'AbortError')
  const execution = runtime.spawn(typescript('await tools.host.hangs()'))
  for await (const { event } of execution) if (event === 'tool_call_started') execution.cancel()
  assert.equal((await execution.result).outcome.status, 'cancelled')
  assert.equal(await told, 'AbortError')
})

test('an answer to a program that has ended goes nowhere', async (t) => {
  let answer
  const ended = new Promise((resolve) => (answer = resolve))
  let answered
  const isAborted = new Promise((resolve) => (answered = resolve))
  const late = async (_, context) => {
    await ended
    answered(context.signal.aborted)
    return 'too late'
  }
  const runtime = await open(t, { ...ANY, tools: { late, quick: () => 'in time' } })
  const { outcome } = await runtime.execute(typescript('await tools.host.late()', { limits: { wallTimeMs: 50 } }))
  assert.equal(outcome.status, 'limit_exceeded')
  answer()
  assert.equal(await isAborted, true)
  assert.equal((await runtime.execute(typescript('await tools.host.quick()'))).value, 'in time')
})

test('a tool runs programs, and closes the runtime that it belongs to', async (t) => {
  const tools = {
    nested: async ({ depth }) =>
      (
        await runtime.execute(
          typescript(`await tools.host.nested({ depth: ${depth} }).catch(() => 0)`, depth > 2 ? { allow: [] } : {}),
        )
      ).value,
    end: async () => runtime.close(),
  }
  const runtime = await open(t, {
    ...ANY,
    tools: { ...tools, nested: ({ depth }) => (depth === 0 ? 'deep' : tools.nested({ depth: depth - 1 })) },
  })
  assert.equal((await runtime.execute(typescript('await tools.host.nested({ depth: 2 })'))).value, 'deep')
  assert.equal((await runtime.execute(typescript('await tools.host.end()'))).outcome.status, 'cancelled')
})

test('arguments are checked before the tool runs', async (t) => {
  const inputSchema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] }
  const runtime = await open(t, { ...ANY, tools: { x: { inputSchema, execute: () => assert.fail('it ran') } } })
  const { toolCalls } = await runtime.execute(typescript('await tools.host.x({ n: "1" })'))
  assert.equal(toolCalls[0].error, 'invalid_arguments')
})
