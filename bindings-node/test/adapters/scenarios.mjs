// What every adapter must do, in its framework's own agent loop with a scripted model.

import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { readFile } from 'node:fs/promises'
import { register } from 'node:module'
import { test } from 'node:test'
import { z } from 'zod'

const ROOT = new URL('../../../', import.meta.url)

/**
 * @typedef {(args: any, call: { signal: AbortSignal, user: unknown }) => unknown} Execute
 * @typedef {{ name: string, description: string, schema: z.ZodObject, execute: Execute }} Definition
 * @typedef {{ results: any[], description: string, schema: any }} Seen What the model has been told.
 * @typedef {(seen: Seen) => { code: string } | { text: string }} Script
 * @typedef {object} Framework
 * @property {(tools: any, options?: any) => Promise<any>} codeMode
 * @property {(definitions: Definition[]) => any} tools The framework's own form of these tools.
 * @property {RegExp} [invalid] What the framework says of arguments that its own validation refuses.
 * @property {(options: { tools: any, script: Script, user?: string, signal?: AbortSignal }) => Promise<string>} run
 */

/** @param {string} name @param {Definition['execute']} execute @param {z.ZodObject} [schema] @returns {Definition} */
export const define = (name, execute, schema = z.object({})) => ({
  name,
  description: `What ${name} does.`,
  schema,
  execute,
})

/** A promise that all of `count` callers wait for. @param {number} count */
export function gathering(count) {
  const { promise, resolve } = withResolvers()
  return async () => {
    count -= 1
    if (count === 0) resolve(undefined)
    await promise
  }
}

export function withResolvers() {
  /** @type {(value: any) => void} */
  let resolve = () => {}
  const promise = new Promise((done) => {
    resolve = done
  })
  return { promise, resolve }
}

/** A model that writes these programs, one after the other, then says what it was told. @param {...string} programs @returns {Script} */
export const writes =
  (...programs) =>
  ({ results }) => {
    const code = programs[results.length]
    return code === undefined ? { text: JSON.stringify(results) } : { code }
  }

/** @param {string} title @param {Framework} framework */
export function scenarios(title, { codeMode, tools, run, invalid = /there is no such city/ }) {
  const city = z.object({ city: z.string().refine((city) => city !== 'Atlantis', 'there is no such city') })

  test(`${title}: a program calls tools at once, and the model reads the value`, async () => {
    const all = gathering(2)
    const weather = define('weather', async ({ city }) => (await all(), { city, celsius: city.length }), city)
    await using(await codeMode(tools([weather])), async (mode) => {
      const code = `
        const cities = await Promise.all(['Oslo', 'Rome!'].map((city) => tools.host.weather({ city })))
        console.log(cities.length, 'cities')
        cities.map(({ celsius }) => celsius)`
      const text = await run({
        tools: mode.tools,
        script({ results, description, schema }) {
          assert.match(description, /^Runs one TypeScript or JavaScript program in a fresh sandbox/)
          assert.match(
            description,
            /\/\*\* What weather does\. \*\/\n\s+weather\(args: \{ city: string;? \}\): Promise<\w+>/
          )
          assert.deepEqual(Object.keys(schema.properties), ['code'])
          assert.deepEqual(schema.required, ['code'])
          return results.length === 0 ? { code } : { text: JSON.stringify(results) }
        },
      })
      assert.deepEqual(JSON.parse(text), [{ value: [4, 5], stdout: '2 cities\n' }])
    })
  })

  test(`${title}: a model corrects its program`, async () => {
    const fail = define('fail', () => {
      throw new Error('the station is down')
    })
    await using(await codeMode(tools([fail, define('weather', () => 1, city)])), async (mode) => {
      const text = await run({
        tools: mode.tools,
        script: writes(
          'console.error("so far")\nawait tools.host.fail({})',
          'try { await tools.host.fail({}) } catch (error) { return [error.name, error.code, error.message] }',
          'try { await tools.host.weather({ city: "Atlantis" }) } catch (error) { return error.message }'
        ),
      })
      const [first, second, third] = JSON.parse(text)
      assert.match(first.error, /^ToolError: the station is down \(line 2\)\n    at /)
      assert.deepEqual(Object.keys(first), ['error', 'stderr'])
      assert.equal(first.stderr, 'so far\n')
      assert.deepEqual(second, { value: ['ToolError', 'tool_failed', 'the station is down'] })
      assert.match(third.value, invalid)
    })
  })

  test(`${title}: limits hold for each program, and the language is Python if asked for`, async () => {
    const options = { language: 'python', name: 'run_python', limits: { toolCalls: 1 } }
    await using(await codeMode(tools([define('weather', ({ city }) => `in ${city}`, city)]), options), async (mode) => {
      const call = 'await tools.host.weather(city="Oslo")'
      const text = await run({ tools: mode.tools, script: writes(`return ${call}`, `print(${call})\n${call}`) })
      const [first, second] = JSON.parse(text)
      assert.deepEqual(first, { value: 'in Oslo' })
      assert.match(second.error, /1 .*tool|tool.* 1/)
      assert.equal(second.stdout, 'in Oslo\n')
    })
  })

  test(`${title}: each run's tools have its context, two runs at once`, async () => {
    const store = new AsyncLocalStorage()
    const all = gathering(4)
    const who = define('who', async (_args, { user }) => (await all(), [user, store.getStore()]))
    await using(await codeMode(tools([who])), async (mode) => {
      const code = 'return await Promise.all([tools.host.who({}), tools.host.who({})])'
      const texts = await Promise.all(
        ['alice', 'bob'].map((user) => store.run(user, () => run({ tools: mode.tools, script: writes(code), user })))
      )
      for (const [index, user] of ['alice', 'bob'].entries()) {
        assert.deepEqual(JSON.parse(texts[index] ?? ''), [
          {
            value: [
              [user, user],
              [user, user],
            ],
          },
        ])
      }
    })
  })

  test(`${title}: aborting a run ends the program and its tools`, async () => {
    const controller = new AbortController()
    const { promise: aborted, resolve } = withResolvers()
    let after = 0
    const hang = define('hang', (_args, { signal }) => {
      signal.addEventListener('abort', () => resolve(signal.reason))
      controller.abort(new Error('enough'))
      return aborted
    })
    const mode = await codeMode(tools([hang, define('after', () => (after += 1))]))
    const code = 'try { await tools.host.hang({}) } catch {}\nawait tools.host.after({})'
    const ended = run({ tools: mode.tools, script: writes(code), signal: controller.signal })
    await Promise.all([assert.rejects(ended), aborted])
    await mode.close()
    assert.equal(after, 0)
  })

  test(`${title}: closing ends what runs, and the model is told`, async () => {
    const hang = define('hang', () => (mode.close(), new Promise(() => {})))
    const mode = await codeMode(tools([hang]))
    const text = await run({ tools: mode.tools, script: writes('console.log("so far")\nawait tools.host.hang({})') })
    assert.deepEqual(JSON.parse(text), [{ error: 'the program was cancelled', stdout: 'so far\n' }])
  })

  test(`${title}: options that contradict one another are refused`, async () => {
    const upstreams = [{ id: 'up', type: 'streamable_http', url: 'https://192.0.2.1/' }]
    await assert.rejects(codeMode(tools([]), { upstreams }), {
      code: 'invalid_config',
      message: /`upstreams` stand without a `policy`/,
    })
    await assert.rejects(codeMode(tools([]), { tools: {} }), TypeError)
    await assert.rejects(codeMode(tools([]), { polcy: {} }), { code: 'invalid_config', message: /polcy/ })
  })
}

/**
 * The example with this name is what the documentation shows, and runs.
 * @param {string} title @param {string} name @param {(script: Script) => any} model
 */
export function example(title, name, model) {
  test(`${title}: the example that is in the documentation runs`, async () => {
    const [page, text] = await Promise.all(
      ['docs/adapters.md', `examples/adapters/${name}`].map((path) => readFile(new URL(path, ROOT), 'utf8'))
    )
    assert.ok(page?.includes(`\`\`\`js\n${text}\`\`\`\n`), `expected \`${name}\` in docs/adapters.md, word for word`)
    // What it imports is found from here.
    register('./examples.mjs', import.meta.url)
    const { answer } = await import(new URL(`examples/adapters/${name}`, ROOT).href)
    const code = `
      const cities = await Promise.all(['Oslo', 'Rome', 'Reykjavík'].map((city) => tools.host.weather({ city })))
      return cities.reduce((one, other) => (one.celsius < other.celsius ? other : one)).city`
    assert.deepEqual(JSON.parse(await answer(model(writes(code)))), [{ value: 'Reykjavík' }])
  })
}

/** @template T @param {T & AsyncDisposable} mode @param {(mode: T) => Promise<void>} use `await using`, which Node 20 lacks. */
export async function using(mode, use) {
  try {
    await use(mode)
  } finally {
    await mode[Symbol.asyncDispose]()
  }
}

/** @param {Promise<unknown>} made @param {string} name @param {RegExp} why */
export async function assertRefused(made, name, why) {
  await assert.rejects(made, (/** @type {any} */ error) => {
    assert.equal(error.code, 'invalid_config')
    assert.ok(error.message.startsWith(`the tool \`${name}\` cannot be called by programs: `), error.message)
    assert.match(error.message, why)
    return true
  })
}
