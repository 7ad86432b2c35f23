// What only whole processes show: that they end by themselves, that threads and collected runtimes leave nothing, that nothing crashes.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { Runtime } from 'conduit-codemode'
import { open, typescript } from './runtimes.mjs'

const PACKAGE = fileURLToPath(new URL('..', import.meta.url))
const LOOP = JSON.stringify(typescript('console.log(1); while (true) {}'))
const timeout = 120_000

/** How a program of its own ends: status or signal, standard output, standard error. */
function run(code, ...flags) {
  const child = spawn(process.execPath, [...flags, '--input-type=module', '--eval', code], {
    cwd: PACKAGE,
    timeout: 60_000,
    killSignal: 'SIGKILL',
  })
  const text = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (data) => (text[name] += data))
  return new Promise((resolve) =>
    child.on('close', (code, signal) => resolve([code ?? signal, text.stdout, text.stderr])),
  )
}

/** A program with a runtime whose tool `one` gives 1, and `hangs` nothing. */
const withRuntime = (code) => `
  import { Runtime } from 'conduit-codemode'
  const tools = { one: () => 1, hangs: () => new Promise(() => {}) }
  const runtime = await Runtime.create({ maxExecutions: 4, policy: { allow: ['*'] }, tools })
  ${code}`

/** Threads of runtimes in this process. */
const threads = () =>
  readdirSync('/proc/self/task').filter((id) => {
    try {
      return readFileSync(`/proc/self/task/${id}/comm`, 'utf8').startsWith('conduit')
    } catch {
      return false
    }
  }).length

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('a process ends by itself, whether or not its runtime is closed', { timeout }, async () => {
  const end = ['', 'await runtime.close()', 'process.exitCode = 0', 'process.exit(0)']
  const used = 'console.log((await runtime.execute({ language: "typescript", code: "await tools.host.one()" })).value)'
  for (const code of end) assert.deepEqual(await run(withRuntime(`${used}\n${code}`)), [0, '1\n', ''], code)
  assert.deepEqual(await run(withRuntime('await runtime.check()')), [0, '', ''])
})

test('what is under way keeps the process, also when nobody awaits it', { timeout }, async () => {
  const late =
    '{ language: "python", code: "import asyncio; await asyncio.sleep(0.2); await tools.host.one(); return 2" }'
  const code = `runtime.execute(${late}).then(({ value }) => console.log(value)); console.log('begun')`
  assert.deepEqual(await run(withRuntime(code)), [0, 'begun\n2\n', ''])
  const spawned = `runtime.spawn(${late}).result.then(({ value }) => console.log(value))`
  assert.deepEqual(await run(withRuntime(spawned)), [0, '2\n', ''])
  assert.deepEqual(
    await run(`import { Runtime } from 'conduit-codemode'; Runtime.create().then(() => console.log('made'))`),
    [0, 'made\n', ''],
  )
})

test('a process exits in the middle of everything', { timeout }, async () => {
  for (const exit of ['process.exit(3)', 'throw 3', 'process.kill(process.pid, "SIGTERM")']) {
    const code = `
      for (let i = 0; i < 2; i++) runtime.execute(${LOOP})
      runtime.execute({ language: 'typescript', code: 'for (;;) await tools.host.one()' })
      const execution = runtime.spawn({ language: 'typescript', code: 'console.log(1); await tools.host.hangs()' })
      for await (const event of execution) if (event.event === 'tool_call_started') ${exit}`
    const [status, stdout] = await run(withRuntime(code))
    const expected = { 'process.exit(3)': 3, 'throw 3': 1 }[exit] ?? 'SIGTERM'
    assert.deepEqual([status, stdout], [expected, ''], exit)
  }
})

test('an error that a program ignores ends the process as any rejection does', { timeout }, async () => {
  const [status, , stderr] = await run(withRuntime('runtime.execute({})'))
  assert.equal(status, 1)
  assert.match(stderr, /ConduitError: the request is not understood/)
  assert.deepEqual(await run(withRuntime('await runtime.close(); try { runtime.spawn({}) } catch {}')), [0, '', ''])
})

test('threads have runtimes of their own, and are terminated in the middle of everything', { timeout }, async () => {
  const worker = `
    import { parentPort } from 'node:worker_threads'
    import { Runtime } from 'conduit-codemode'
    const tools = { one: () => 1, hangs: () => new Promise(() => {}) }
    Runtime.create({ maxExecutions: 3, policy: { allow: ['*'] }, tools }).then(async (runtime) => {
      const { value } = await runtime.execute({ language: 'typescript', code: 'await tools.host.one()' })
      runtime.execute({ language: 'typescript', code: 'for (;;) await tools.host.one()' })
      runtime.execute({ language: 'typescript', code: 'await tools.host.hangs()' })
      const execution = runtime.spawn(${LOOP})
      for await (const event of execution) parentPort.postMessage(value)
    })`
  const code = `
    import { once } from 'node:events'
    import { Worker } from 'node:worker_threads'
    for (let round = 0; round < 5; round++) {
      const workers = [1, 2, 3].map(() => new Worker(${JSON.stringify(worker)}, { eval: true }))
      const said = await Promise.all(workers.map((worker) => once(worker, 'message')))
      const ended = await Promise.all(workers.map((worker) => worker.terminate()))
      console.log(said.flat().join(), ended.join())
    }
    // Ended while they are being made, too.
    const early = [1, 2, 3].map(() => new Worker(${JSON.stringify(worker)}, { eval: true }))
    await Promise.all(early.map((worker) => once(worker, 'online')))
    await Promise.all(early.map((worker) => worker.terminate()))`
  assert.deepEqual(await run(code), [0, '1,1,1 1,1,1\n'.repeat(5), ''])
})

test('a thread that is done ends by itself', { timeout }, async () => {
  const worker = `
    import { Runtime } from 'conduit-codemode'
    Runtime.create({ maxExecutions: 1 }).then((runtime) => runtime.execute({ language: 'typescript', code: '1' }))`
  const code = `
    import { once } from 'node:events'
    import { Worker } from 'node:worker_threads'
    for (let i = 0; i < 5; i++) console.log(...(await once(new Worker(${JSON.stringify(worker)}, { eval: true }), 'exit')))`
  assert.deepEqual(await run(code), [0, '0\n'.repeat(5), ''])
})

test('1,000 runtimes made and closed leave no thread', { timeout }, async () => {
  const before = threads()
  for (let i = 0; i < 1000; i++) {
    const runtime = await Runtime.create({ maxExecutions: 1, languages: ['typescript'], tools: { one: () => i } })
    if (i % 100 === 0) assert.equal((await runtime.execute(typescript(`${i}`))).value, i)
    await runtime.close()
  }
  while (threads() > before) await turn()
})

test('a runtime that nobody uses is collected, one at work is not', { timeout }, async (t) => {
  const before = threads()
  const made = []
  for (let i = 0; i < 20; i++) {
    const runtime = await Runtime.create({
      maxExecutions: 1,
      policy: { allow: ['*'] },
      tools: { self: () => runtime !== undefined },
    })
    assert.equal((await runtime.execute(typescript('await tools.host.self()'))).value, true)
    made.push(new WeakRef(runtime))
  }
  while (threads() > before) {
    globalThis.gc()
    await turn()
  }
  assert.deepEqual(
    made.filter((runtime) => runtime.deref() !== undefined),
    [],
  )

  let begin
  const begun = new Promise((resolve) => (begin = resolve))
  let answer
  const waits = () => new Promise((resolve) => ((answer = resolve), begin()))
  const result = open({ after: () => {} }, { policy: { allow: ['*'] }, tools: { waits } }).then((runtime) =>
    runtime.execute(typescript('await tools.host.waits()')),
  )
  await begun
  for (let i = 0; i < 10; i++) {
    globalThis.gc()
    await turn()
  }
  answer('here')
  assert.equal((await result).value, 'here')
})

/** The programs of this process's children. */
function children() {
  const read = (/** @type {string} */ path) => {
    try {
      return readFileSync(path, 'utf8')
    } catch {
      return '' // it has ended
    }
  }
  const ids = readdirSync('/proc/self/task').flatMap((id) => read(`/proc/self/task/${id}/children`).split(' '))
  return ids.filter((id) => id !== '').map((id) => read(`/proc/${id}/comm`).trim())
}

test('programs run in worker processes, which come with the package and go with the runtime', { timeout }, async () => {
  const tools = { double: ({ x }) => 2 * x }
  const policy = { allow: ['*'] }
  const runtime = await Runtime.create({ isolation: 'process', confinement: 'require', policy, tools })
  const python = { language: 'python', code: '(await tools.host.double(x=4)) + 1' }
  for (let i = 0; i < 3; i++) {
    assert.equal((await runtime.execute(typescript('(await tools.host.double({ x: 3 })) + 1'))).value, 7)
    assert.equal((await runtime.execute(python)).value, 9)
  }
  assert.equal(children()[0], 'conduit-worker')
  const looping = runtime.execute(typescript('console.log(1); while (true) {}'), { signal: AbortSignal.timeout(100) })
  await assert.rejects(looping, { name: 'TimeoutError' })
  await runtime.close()
  while (children().length > 0) await turn()
})
