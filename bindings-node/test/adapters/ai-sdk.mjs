// The adapter for the Vercel AI SDK: with the version that `ai` is here.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as ai from 'ai'
import * as mocks from 'ai/test'
import { codeMode } from 'conduit-codemode/ai-sdk'
import { z } from 'zod'
import { assertRefused, define, example, scenarios, using, writes } from './scenarios.mjs'

/** @param {string} title @param {5 | 6 | 7} version */
export function tests(title, version) {
  const Model = { 5: mocks.MockLanguageModelV2, 6: mocks.MockLanguageModelV3, 7: mocks.MockLanguageModelV4 }[version]
  const [inputTokens, outputTokens] = version === 5 ? [1, 1] : [{ total: 1 }, { total: 1 }]
  const reason = (unified) => (version === 5 ? unified : { unified, raw: unified })

  const tools = (definitions) =>
    Object.fromEntries(
      definitions.map(({ name, description, schema, execute }) => [
        name,
        ai.tool({
          description,
          inputSchema: schema,
          execute: (args, options) => {
            const { user } = (version === 7 ? options.context : options.experimental_context) ?? {}
            return execute(args, { signal: options.abortSignal, user })
          },
        }),
      ])
    )

  const model = (script) =>
    new Model({
      doGenerate: async ({ prompt, tools: [tool] }) => {
        const answers = prompt.flatMap(({ role, content }) => (role === 'tool' ? content : []))
        const results = answers.map(({ output }) => output.value)
        const { code, text } = script({ results, description: tool.description, schema: tool.inputSchema })
        const call = {
          type: 'tool-call',
          toolCallId: `call-${results.length}`,
          toolName: tool.name,
          input: JSON.stringify({ code }),
        }
        return {
          content: [code === undefined ? { type: 'text', text } : call],
          finishReason: reason(code === undefined ? 'stop' : 'tool-calls'),
          usage: { inputTokens, outputTokens, totalTokens: 2 },
          warnings: [],
        }
      },
    })

  async function run({ tools, script, user, signal }) {
    const context = version === 7 ? { toolsContext: { execute: { user } } } : { experimental_context: { user } }
    const stopWhen = ({ steps }) => steps.length > 5
    const asked = { model: model(script), prompt: 'Go.', tools, stopWhen, abortSignal: signal }
    const { text } = await ai.generateText({ ...asked, ...context })
    return text
  }

  scenarios(title, { codeMode, tools, run })
  example(title, 'ai-sdk.mjs', model)

  test(`${title}: a tool gets the options of the outer call, and what it yields last is its result`, async () => {
    const seen = ai.tool({
      inputSchema: z.object({}),
      outputSchema: z.object({ id: z.string(), messages: z.number() }),
      async *execute(_args, { toolCallId, messages }) {
        yield 'not yet'
        yield { id: toolCallId, messages: messages.length }
      },
    })
    await using(await codeMode({ seen }), async (mode) => {
      assert.match(mode.tools.execute.description, /seen\(.*\): Promise<\{ id: string; messages: number;? \}>/)
      const text = await run({ tools: mode.tools, script: writes('return await tools.host.seen({})') })
      assert.deepEqual(JSON.parse(text), [{ value: { id: 'call-0', messages: 1 } }])
    })
  })

  test(`${title}: results that are no JSON are errors that say so, texts stay texts`, async () => {
    const given = tools([
      define('bytes', () => ({ image: new Uint8Array(3) })),
      define('big', () => 1n),
      define('text', () => '{"a":1}'),
      define('nothing', () => undefined),
    ])
    await using(await codeMode(given), async (mode) => {
      const code = `
        const failed = (name) => tools.$call('host.' + name).catch(({ message }) => message)
        return [await failed('bytes'), await failed('big'), await failed('text'), await failed('nothing')]`
      const [{ value }] = JSON.parse(await run({ tools: mode.tools, script: writes(code) }))
      assert.equal(value[0], 'the tool gave binary data, expected what JSON can say')
      assert.match(value[1], /^the tool gave what JSON cannot say: .*BigInt/)
      assert.deepEqual(value.slice(2), ['{"a":1}', null])
    })
  })

  test(`${title}: tools that somebody approves or that run elsewhere are refused`, async () => {
    const tool = { inputSchema: z.object({}), execute: () => 1 }
    await assertRefused(codeMode({ rm: { ...tool, needsApproval: true } }), 'rm', /needsApproval/)
    await assertRefused(codeMode({ rm: { ...tool, needsApproval: async () => false } }), 'rm', /needsApproval/)
    await assertRefused(codeMode({ ask: { inputSchema: z.object({}) } }), 'ask', /runs elsewhere/)
    const type = version === 5 ? 'provider-defined' : 'provider'
    await assertRefused(
      codeMode({ web: { ...tool, type, id: 'openai.web_search', args: {} } }),
      'web',
      /its provider defines it/
    )
    for (const approval of ['user-approval', 'denied', { type: 'user-approval' }, () => 'approved']) {
      await assertRefused(codeMode({ rm: tool }, { toolApproval: { rm: approval } }), 'rm', /toolApproval/)
    }
    await assertRefused(codeMode({ rm: tool }, { toolApproval: () => 'approved' }), 'rm', /toolApproval/)
    const toolApproval = { rm: 'approved', other: 'user-approval' }
    await using(await codeMode({ rm: { ...tool, needsApproval: false } }, { toolApproval }), async (mode) => {
      const text = await run({ tools: mode.tools, script: writes('return await tools.host.rm({})') })
      assert.deepEqual(JSON.parse(text), [{ value: 1 }])
    })
  })

  if (version === 7) {
    test(`${title}: a tool's context is checked by its schema`, async () => {
      const contextSchema = z.object({ user: z.string() })
      const who = ai.tool({ inputSchema: z.object({}), contextSchema, execute: (_args, { context }) => context })
      await using(await codeMode({ who }), async (mode) => {
        const script = writes('return await tools.host.who({}).catch(({ message }) => message)')
        const [known] = JSON.parse(await run({ tools: mode.tools, script, user: 'alice' }))
        assert.deepEqual(known, { value: { user: 'alice' } })
        const [unknown] = JSON.parse(await run({ tools: mode.tools, script }))
        assert.match(unknown.value, /^the context of the call is wrong: /)
      })
    })
  }
}
