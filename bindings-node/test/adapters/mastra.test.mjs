// The adapter for Mastra 1.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Agent } from '@mastra/core/agent'
import { RequestContext } from '@mastra/core/request-context'
import { createTool } from '@mastra/core/tools'
import { convertArrayToReadableStream, MockLanguageModelV2 } from 'ai-5/test'
import { codeMode } from 'conduit-codemode/mastra'
import { z } from 'zod'
import { assertRefused, example, scenarios, using, writes } from './scenarios.mjs'

const tools = (definitions) =>
  Object.fromEntries(
    definitions.map(({ name, description, schema, execute }) => [
      name,
      createTool({
        id: `id-of-${name}`,
        description,
        inputSchema: schema,
        execute: (args, { abortSignal, requestContext }) =>
          execute(args, { signal: abortSignal, user: requestContext.get('user') }),
      }),
    ])
  )

function model(script) {
  const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 }
  const answer = ({ prompt, tools: [tool] }) => {
    const answers = prompt.flatMap(({ role, content }) => (role === 'tool' ? content : []))
    const results = answers.map(({ output }) => output.value)
    const { code, text } = script({ results, description: tool.description, schema: tool.inputSchema })
    const toolCallId = `call-${results.length}`
    return code === undefined
      ? { text }
      : { call: { type: 'tool-call', toolCallId, toolName: tool.name, input: JSON.stringify({ code }) } }
  }
  return new MockLanguageModelV2({
    doGenerate: async (options) => {
      const { text, call } = answer(options)
      return {
        content: [call ?? { type: 'text', text }],
        finishReason: call ? 'tool-calls' : 'stop',
        usage,
        warnings: [],
      }
    },
    doStream: async (options) => {
      const { text, call } = answer(options)
      const said = [
        { type: 'text-start', id: '1' },
        { type: 'text-delta', id: '1', delta: text },
        { type: 'text-end', id: '1' },
      ]
      const finish = { type: 'finish', finishReason: call ? 'tool-calls' : 'stop', usage }
      return {
        stream: convertArrayToReadableStream([
          { type: 'stream-start', warnings: [] },
          ...(call ? [call] : said),
          finish,
        ]),
      }
    },
  })
}

async function run({ tools, script, user, signal }) {
  const agent = new Agent({ id: 'agent', name: 'agent', instructions: 'Go.', model: model(script), tools })
  const requestContext = new RequestContext([['user', user]])
  const { text } = await agent.generate('Go.', { requestContext, maxSteps: 6, ...(signal && { abortSignal: signal }) })
  signal?.throwIfAborted()
  return text
}

scenarios('Mastra', { codeMode, tools, run })
example('Mastra', 'mastra.mjs', model)

const given = (more, execute = async () => 1) =>
  createTool({ id: 'given', description: 'What it does.', execute, ...more })

test('Mastra: tools that somebody approves, that suspend or that run elsewhere are refused', async () => {
  const schema = z.object({})
  await assertRefused(codeMode({ rm: given({ requireApproval: true }) }), 'rm', /requireApproval/)
  await assertRefused(codeMode({ rm: given({ requireApproval: async () => false }) }), 'rm', /requireApproval/)
  await assertRefused(
    codeMode({ rm: Object.assign(given(), { needsApprovalFn: () => false }) }),
    'rm',
    /requireApproval/
  )
  await assertRefused(codeMode({ ask: given({ suspendSchema: schema }) }), 'ask', /it suspends/)
  await assertRefused(codeMode({ ask: given({ resumeSchema: schema }) }), 'ask', /it suspends/)
  await assertRefused(codeMode({ ask: createTool({ id: 'ask', description: '' }) }), 'ask', /runs elsewhere/)
  await assertRefused(
    codeMode({ web: { type: 'provider-defined', id: 'openai.web_search', args: {} } }),
    'web',
    /its provider defines it/
  )
  await assertRefused(codeMode({ other: { inputSchema: schema, execute: () => 1 } }), 'other', /no tool of Mastra 1/)
})

test('Mastra: a tool that suspends without saying so is an error of its call', async () => {
  let after = 0
  const rm = given({}, async (_args, { agent, suspend }) => {
    await (suspend ?? agent.suspend)({})
    after += 1
  })
  const other = given({}, async (_args, { agent }) => {
    await agent.suspend({})
    after += 1
  })
  await using(await codeMode({ rm, other }), async (mode) => {
    const code =
      'return await Promise.all([tools.host.rm(), tools.host.other()].map((call) => call.catch(({ message }) => message)))'
    const [{ value }] = JSON.parse(await run({ tools: mode.tools, script: writes(code) }))
    const said = 'the tool suspends, and a program cannot wait to be resumed; it has to be a tool beside this one'
    assert.deepEqual(value, [said, said])
    assert.equal(after, 0)
  })
})

test('Mastra: what resumes the outer call resumes no tool within', async () => {
  const inputSchema = z.object({ n: z.number().refine((n) => n > 0, 'too small') })
  const positive = given({ inputSchema }, async ({ n }, { resumeData, agent }) => [n, resumeData, agent?.resumeData])
  await using(await codeMode({ positive }), async (mode) => {
    const code = 'return await tools.host.positive({ n: 0 }).catch(({ message }) => message)'
    for (const outer of [{ resumeData: {} }, { agent: { resumeData: {} } }, { workflow: { resumeData: {} } }]) {
      const { value } = await mode.tools.execute.execute({ code }, outer)
      assert.match(value, /^Tool input validation failed for given.*\n- n: too small/)
    }
  })
})

test('Mastra: a tool has the context of the outer call, and its schemas hold', async () => {
  const agent = given({}, async (_args, { agent }) => ({ id: agent.agentId, call: agent.toolCallId }))
  const odd = given({ outputSchema: z.object({ n: z.number() }) }, async () => ({ n: 'one' }))
  const text = given({ outputSchema: z.string() }, async () => '{"a":1}')
  const guarded = given({ requestContextSchema: z.object({ user: z.literal('alice') }) })
  await using(await codeMode({ agent, odd, text, guarded }), async (mode) => {
    assert.match(mode.tools.execute.description, /odd\(.*\): Promise<\{ n: number;? \}>/)
    const code = `
      const said = (name) => tools.$call('host.' + name).catch(({ message }) => message)
      return await Promise.all(['agent', 'odd', 'text', 'guarded'].map(said))`
    const [{ value }] = JSON.parse(await run({ tools: mode.tools, script: writes(code), user: 'bob' }))
    assert.deepEqual(value[0], { id: 'agent', call: 'call-0' })
    assert.match(value[1], /^Tool output validation failed/)
    assert.equal(value[2], '{"a":1}')
    assert.match(value[3], /^Request context validation failed/)
  })
})
