import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { Execution, Runtime, guide } from 'conduit-codemode'
import { open, python, refusal, typescript } from './runtimes.mjs'

test('a program gives its value, its output and its usage', async (t) => {
  const runtime = await open(t)
  const result = await runtime.execute(
    typescript('console.log("a"); console.error("b"); ({ camel_case: input.x })', { input: { x: 1 } }),
  )
  const { id, outcome, value, stdout, stderr, toolCalls, usage, ...more } = result
  assert.match(id, /^[0-9a-f]{32}$/)
  assert.deepEqual(
    [outcome, value, stdout, stderr, toolCalls, more],
    [{ status: 'completed' }, { camel_case: 1 }, 'a\n', 'b\n', [], {}],
  )
  const keys = ['cpuTimeMs', 'wallTimeMs', 'memoryBytes', 'outputBytes', 'logEntries', 'toolCalls']
  assert.deepEqual(Object.keys(usage), keys)
  assert.deepEqual([usage.outputBytes, usage.logEntries, usage.toolCalls], [4, 2, 0])
  assert.equal((await runtime.execute(python('return input["x"] + 1', { input: { x: 1 } }))).value, 2)
})

test('a program that throws or breaks a limit is an outcome', async (t) => {
  const runtime = await open(t, { maxLimits: { cpuTimeMs: 50 } })
  const { outcome: failed } = await runtime.execute(typescript('const x = 1\nnull.x'))
  assert.equal(failed.status, 'failed')
  assert.deepEqual([failed.error.name, failed.error.line], ['TypeError', 2])
  const { outcome, usage } = await runtime.execute(typescript('while (true) {}', { limits: { cpuTimeMs: 60 } }))
  const message = 'the program went over its limit `cpu_time` of 50 ms, compute less, or in several runs'
  assert.deepEqual(outcome, { status: 'limit_exceeded', limit: 'cpu_time', message })
  assert.deepEqual(usage.clamped, ['cpu_time'])
})

test('what is wrong with a request is an error that says so', async (t) => {
  const runtime = await open(t)
  const execute = (request) => refusal(runtime.execute(request))
  assert.deepEqual(await execute(typescript('1', { limits: { wallTimeMs: 0 } })), [
    'invalid_limit',
    'limit `wall_time_ms` cannot be `0`, expected at least 1',
  ])
  const unknown =
    'the request is not understood: unknown field `inputs`, expected one of `language`, `code`, `allow`, `input`, `limits`'
  const [code, message] = await execute(typescript('1', { inputs: 1 }))
  assert.equal(code, 'invalid_request')
  assert.ok(message.startsWith(unknown), message)
  for (const request of [
    {},
    { language: 'ruby', code: '' },
    typescript('1', { limits: 1 }),
    typescript('1', { limits: [50] }),
    typescript('1', { allow: ['*x'] }),
  ]) {
    assert.equal((await execute(request))[0], 'invalid_request', JSON.stringify(request))
  }
  assert.equal((await execute(typescript('1', { limits: { nonsense: 1 } })))[0], 'invalid_request')
  assert.equal((await execute(typescript('"\ud800"')))[0], 'invalid_request')
  for (const request of [
    undefined,
    null,
    1,
    'x',
    [],
    typescript('1', { limits: { wall_time_ms: 1 } }),
    typescript('1', { input: 1n }),
    typescript('1', { limits: { cpuTimeMs: NaN } }),
    typescript('1', { limits: { wallTimeMs: Infinity } }),
  ]) {
    await assert.rejects(runtime.execute(request), TypeError)
    assert.throws(() => runtime.spawn(request), TypeError)
  }
  for (const options of [{ sginal: AbortSignal.timeout(1) }, AbortSignal.timeout(1)]) {
    await assert.rejects(runtime.execute(typescript('1'), options), TypeError)
    assert.throws(() => runtime.spawn(typescript('1'), options), TypeError)
  }
  assert.throws(() => runtime.spawn({}), {
    name: 'ConduitError',
    code: 'invalid_request',
    upstream: null,
    retryable: false,
  })
})

test('an error leads to the line that asked', async (t) => {
  const runtime = await open(t)
  async function asking(options) {
    await runtime.execute(typescript('1', { limits: { wallTimeMs: 0 } }), options)
  }
  for (const options of [{}, { signal: new AbortController().signal }]) {
    const error = await asking(options).catch((error) => error)
    assert.match(error.stack, /at async asking /)
  }
})

test('what is wrong with the options is an error that says so', async (t) => {
  const create = (options) => refusal(Runtime.create(options))
  const [code, message] = await create({ maxExecution: 1 })
  assert.equal(code, 'invalid_config')
  assert.ok(message.startsWith('unknown key `max_execution` in the config, '), message)
  assert.equal((await create({ maxExecutions: 0 }))[0], 'invalid_config')
  assert.equal((await create({ upstreams: [{ id: 'a', type: 'stdio', command: 'x', env: 1 }] }))[0], 'invalid_config')
  assert.equal((await create({ upstreams: 1 }))[0], 'invalid_config')
  assert.equal((await create({ limits: { wallTimeMs: 0 } }))[0], 'invalid_limit')
  assert.deepEqual(await create({ config: 'conduit.yaml', policy: { allow: [] } }), [
    'invalid_config',
    '`policy` stands beside `config`, expected it in that file',
  ])
  assert.equal((await create({ config: '/nowhere/conduit.yaml' }))[0], 'invalid_config')
  for (const options of [
    null,
    1,
    [],
    { max_executions: 1 },
    { limits: { wall_time_ms: 1 } },
    { config: 1 },
    { tools: 1 },
  ]) {
    await assert.rejects(Runtime.create(options), TypeError, JSON.stringify(options))
  }
  assert.throws(() => new Runtime(), /a runtime is made by `await Runtime.create\(options\)`/)
  assert.throws(() => new Execution(), /an execution is made by `runtime.spawn`/)
})

test('keys have the names of JavaScript, values stay as they are', async (t) => {
  const upstream = {
    id: 'web',
    type: 'streamable_http',
    url: 'http://127.0.0.1:9/mcp',
    allowPrivate: true,
    connectTimeout: '1s',
  }
  const script = {
    id: 'script',
    type: 'stdio',
    command: 'sh',
    args: ['-c', 'exit 1'],
    env: { MY_KEY: 'x', camelCase: { plain: 'y' } },
  }
  const runtime = await open(t, { upstreams: [upstream, script], policy: { allow: ['*'] } })
  const [web, stdio] = await runtime.check()
  assert.deepEqual(
    [web.id, web.tools, web.error.code, web.error.upstream, web.error.retryable],
    ['web', null, 'upstream_unavailable', 'web', true],
  )
  assert.deepEqual([stdio.id, stdio.tools], ['script', null])
})

test('a file gives the config', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'conduit-'))
  const config = join(folder, 'conduit.yaml')
  writeFileSync(config, 'policy: {allow: ["host.*"]}\nlanguages: [python]\nmax_executions: 2\n', { mode: 0o600 })
  const runtime = await Runtime.create({ config, tools: { one: () => 1 } })
  assert.equal((await runtime.execute(python('return await tools.host.one()'))).value, 1)
  assert.equal((await refusal(runtime.execute(typescript('1'))))[0], 'invalid_request')
  await runtime.close()
})

test('events come as they happen, each once', async (t) => {
  const runtime = await open(t, { policy: { allow: ['*'] }, tools: { one: () => 1 } })
  const execution = runtime.spawn(typescript('console.log("a"); await tools.host.one(); console.error("b")'))
  const events = []
  for await (const event of execution) events.push(event)
  const [started, ended] = events.splice(1, 2)
  assert.deepEqual(events, [
    { event: 'stdout', text: 'a\n' },
    { event: 'stderr', text: 'b\n' },
  ])
  assert.deepEqual(started, { event: 'tool_call_started', index: 0, tool: 'host.one' })
  const { durationMs, startedMs, ...record } = ended.record
  assert.deepEqual([typeof durationMs, typeof startedMs], ['number', 'number'])
  assert.deepEqual(record, { tool: 'host.one', error: null, argumentsBytes: 2, replyBytes: 1 })
  assert.equal(execution.id, (await execution.result).id)
  for await (const event of execution.events) assert.fail(`a second time: ${event.event}`)
})

test('many events arrive in order, whenever they are read', async (t) => {
  const runtime = await open(t)
  const execution = runtime.spawn(typescript('for (let i = 0; i < 5000; i++) console.log(i)'))
  const { stdout } = await execution.result
  let text = ''
  for await (const event of execution.events) text += event.text
  assert.equal(text, stdout)
  assert.equal(text.split('\n').length, 5001)
})

test('cancelling gives what there is, also when nobody reads on', async (t) => {
  const runtime = await open(t)
  const execution = runtime.spawn(typescript('console.log("begun"); while (true) {}'))
  for await (const event of execution.events) {
    assert.deepEqual(event, { event: 'stdout', text: 'begun\n' })
    break
  }
  execution.cancel()
  execution.cancel()
  const { outcome, stdout } = await execution.result
  assert.deepEqual([outcome, stdout], [{ status: 'cancelled' }, 'begun\n'])
  execution.cancel()
})

test('an execution is disposed of by ending it', async (t) => {
  const runtime = await open(t)
  const execution = runtime.spawn(typescript('while (true) {}'))
  await execution[Symbol.asyncDispose]()
  assert.equal((await execution.result).outcome.status, 'cancelled')
})

test('a signal rejects with its reason and ends the program', async (t) => {
  const runtime = await open(t, { maxExecutions: 1, maxQueue: 0 })
  const reason = new Error('enough')
  await assert.rejects(runtime.execute(typescript('1'), { signal: AbortSignal.abort(reason) }), reason)
  assert.throws(() => runtime.spawn(typescript('1'), { signal: AbortSignal.abort(reason) }), reason)
  const controller = new AbortController()
  const execution = runtime.spawn(typescript('console.log(1); while (true) {}'), { signal: controller.signal })
  for await (const _ of execution.events) controller.abort(reason)
  await assert.rejects(execution.result, reason)
  // The only place is free again.
  const { signal } = new AbortController()
  assert.equal((await runtime.execute(typescript('2'), { signal })).value, 2)
  const loop = runtime.execute(typescript('while (true) {}'), { signal: AbortSignal.timeout(20) })
  await assert.rejects(loop, { name: 'TimeoutError' })
})

test('a signal that outlives many executions keeps nothing of them', async (t) => {
  const runtime = await open(t)
  const { signal } = new AbortController()
  const listeners = new Set()
  const [add, remove] = [signal.addEventListener, signal.removeEventListener]
  signal.addEventListener = (type, listener, options) => (
    listeners.add(listener),
    add.call(signal, type, listener, options)
  )
  signal.removeEventListener = (type, listener) => (listeners.delete(listener), remove.call(signal, type, listener))
  for (let i = 0; i < 3; i++) await runtime.execute(typescript('1'), { signal })
  assert.equal(listeners.size, 0)
})

test('programs queue, and what does not fit is busy', async (t) => {
  const runtime = await open(t, { maxExecutions: 1, maxQueue: 0 })
  const execution = runtime.spawn(typescript('console.log(1); while (true) {}'))
  for await (const _ of execution.events) break
  const error = await runtime.execute(typescript('1')).catch((error) => error)
  assert.deepEqual([error.code, error.retryable], ['busy', true])
})

test('tools are listed, searched, described and declared, as far as they are allowed', async (t) => {
  const inputSchema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
  const annotations = { readOnlyHint: true }
  const weather = {
    title: 'Weather',
    description: 'The weather in a city.',
    inputSchema,
    outputSchema: { type: 'object' },
    annotations,
    execute: () => 1,
  }
  const runtime = await open(t, { policy: { allow: ['host.*'] }, tools: { weather, secret: () => 1 } })
  const { execute, ...described } = weather
  const listed = { name: 'host.weather', ...described }
  assert.deepEqual(await runtime.tools({ allow: ['host.weather'] }), [listed])
  assert.equal((await runtime.tools()).length, 2)
  assert.deepEqual(await runtime.tools({ allow: [] }), [])
  assert.deepEqual(await runtime.searchTools('weather', { limit: 1 }), { tools: [listed], unavailable: [] })
  assert.deepEqual(await runtime.describeTools(['host.weather', 'host.secret'], { allow: ['host.weather'] }), {
    tools: [listed],
    notFound: [{ code: 'tool_not_found', message: 'there is no tool `host.secret`', tool: 'host.secret' }],
    unavailable: [],
  })
  assert.match(await runtime.declarations('typescript'), /weather\(args: \{ city: string \}\)/)
  assert.match(await runtime.declarations('python', { allow: ['host.weather'] }), /def weather\(/)
  assert.deepEqual(await runtime.check(), [{ id: 'host', tools: 2, error: null, warnings: [] }])
  const misuses = [
    () => runtime.searchTools(),
    () => runtime.searchTools('x', { limit: 0 }),
    () => runtime.searchTools('x', { limit: 1.5 }),
    () => runtime.describeTools([]),
    () => runtime.describeTools('host.weather'),
    () => runtime.declarations('ruby'),
    () => runtime.tools({ allow: 'host.*' }),
    () => runtime.tools({ allow: ['*x'] }),
  ]
  for (const misuse of misuses) assert.equal((await refusal(misuse()))[0], 'invalid_request', String(misuse))
})

test('after it is closed a runtime refuses everything', async (t) => {
  const runtime = await Runtime.create({ maxExecutions: 1 })
  const execution = runtime.spawn(typescript('console.log(1); while (true) {}'))
  for await (const _ of execution.events) break
  const closing = runtime.close()
  assert.equal(runtime.close(), closing)
  await closing
  assert.equal((await execution.result).outcome.status, 'cancelled')
  execution.cancel()
  const closed = ['shut_down', 'the runtime is shut down']
  assert.deepEqual(await refusal(runtime.execute(typescript('1'))), closed)
  assert.deepEqual(await refusal(runtime.tools()), closed)
  assert.deepEqual(await refusal(runtime.check()), closed)
  assert.throws(() => runtime.spawn(typescript('1')), { code: 'shut_down' })
  await runtime.close()
})

test('the event loop turns while programs compute', async (t) => {
  const runtime = await open(t)
  let ticks = 0
  const interval = setInterval(() => (ticks += 1), 5)
  const code = 'const end = Date.now() + 300; let n = 0; while (Date.now() < end) n += 1; n > 0'
  assert.equal((await runtime.execute(typescript(code))).value, true)
  clearInterval(interval)
  assert.ok(ticks >= 10, `${ticks} ticks`)
})

test('the guide says how to write a program', () => {
  assert.match(guide('typescript'), /^Runs one TypeScript or JavaScript program/)
  assert.match(guide('python'), /^Runs one Python 3\.13 program/)
  const message = (/** @type {string} */ name) => `\`${name}\` is no language, expected \`typescript\` or \`python\``
  assert.throws(() => guide('cobol'), { name: 'ConduitError', code: 'invalid_request', message: message('cobol') })
  assert.throws(() => guide(5), { name: 'ConduitError', code: 'invalid_request', message: message('5') })
})

test('`require` and `import` give the same', () => {
  const required = createRequire(import.meta.url)('conduit-codemode')
  assert.deepEqual(Object.keys(required).sort(), ['ConduitError', 'Execution', 'Runtime', 'guide', 'tool'])
  assert.equal(required.Runtime, Runtime)
})

test('disposing of an execution waits for its end, whatever its signal made of the result', async (t) => {
  let isTold = false
  const controller = new AbortController()
  const wait = (_args, { signal }) =>
    new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve((isTold = true)))
      controller.abort()
    })
  const runtime = await open(t, { policy: { allow: ['host.*'] }, tools: { wait } })
  const execution = runtime.spawn(typescript('await tools.host.wait({})'), { signal: controller.signal })
  await assert.rejects(execution.result, { name: 'AbortError' })
  await execution[Symbol.asyncDispose]()
  assert.ok(isTold)
})
