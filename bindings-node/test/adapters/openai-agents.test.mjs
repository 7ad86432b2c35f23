// The adapter for the OpenAI Agents SDK.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Agent, run as runAgent, setTracingDisabled, tool, webSearchTool } from '@openai/agents'
import { ScriptedModel, assistantMessage, functionCall, modelResponder } from '@openai/agents/testing'
import { codeMode } from 'conduit-codemode/openai-agents'
import { z } from 'zod'
import { assertRefused, example, scenarios, using, withResolvers, writes } from './scenarios.mjs'

setTracingDisabled(true)

const tools = (definitions) =>
  definitions.map(({ name, description, schema, execute }) =>
    tool({
      name,
      description,
      parameters: schema,
      errorFunction: null,
      execute: (args, runContext, details) => execute(args, { signal: details.signal, user: runContext.context?.user }),
    })
  )

function model(script) {
  const step = modelResponder(({ request }) => {
    const results = request.input
      .filter(({ type }) => type === 'function_call_result')
      .map(({ output }) => JSON.parse(output.text))
    const [tool] = request.tools
    const { code, text } = script({ results, description: tool.description, schema: tool.parameters })
    if (code === undefined) return [assistantMessage(text)]
    return [functionCall(tool.name, { code }, { callId: `call-${results.length}` })]
  })
  return new ScriptedModel(Array(6).fill(step))
}

async function run({ tools, script, user, signal, agent: name = 'agent' }) {
  const agent = new Agent({ name, tools, model: model(script) })
  const { finalOutput } = await runAgent(agent, 'Go.', { context: { user }, signal })
  return finalOutput
}

// The SDK keeps to itself what is wrong with arguments, as it may log no data of tools.
scenarios('OpenAI Agents', { codeMode, tools, run, invalid: /^Invalid JSON input for tool$/ })
example('OpenAI Agents', 'openai-agents.mjs', model)

const given = (name, more, execute = () => 1) =>
  tool({ name, description: '', parameters: z.object({}), execute, ...more })

test('OpenAI Agents: tools that somebody approves, that are guarded or that run elsewhere are refused', async () => {
  await assertRefused(codeMode([given('rm', { needsApproval: true })]), 'rm', /needsApproval/)
  await assertRefused(
    codeMode([given('rm', { needsApproval: async (_context, { path }) => path === '/' })]),
    'rm',
    /needsApproval/
  )
  await assertRefused(
    codeMode([given('rm', { needsApproval: async ({ context }) => context?.isGuest })]),
    'rm',
    /needsApproval/
  )
  const caught = async (_context, input) => {
    try {
      return input.path.length > 1
    } catch {
      return false
    }
  }
  await assertRefused(codeMode([given('rm', { needsApproval: caught })]), 'rm', /needsApproval/)
  await assertRefused(
    codeMode([given('rm', { needsApproval: () => Promise.reject(new Error('down')) })]),
    'rm',
    /needsApproval/
  )
  const guard = { name: 'guard', run: async () => ({ behavior: { type: 'allow' } }) }
  await assertRefused(codeMode([given('rm', { inputGuardrails: [guard] })]), 'rm', /guardrails/)
  await assertRefused(codeMode([given('rm', { outputGuardrails: [guard] })]), 'rm', /guardrails/)
  await assertRefused(codeMode([given('rm', { allowedCallers: ['direct'] })]), 'rm', /allowedCallers/)
  await assertRefused(codeMode([webSearchTool()]), 'web_search', /it is of the type `hosted_tool`/)
})

test('OpenAI Agents: a policy that changes its mind is asked for each call', async () => {
  const wanted = new WeakSet()
  let calls = 0
  const rm = given('rm', { needsApproval: async (runContext) => wanted.has(runContext) }, () => (calls += 1))
  const want = given('want', {}, (_args, runContext) => (wanted.add(runContext), true))
  await using(await codeMode([rm, want]), async (mode) => {
    const code =
      'return [await tools.host.rm({}), await tools.host.want({}), await tools.host.rm({}).catch(({ message }) => message)]'
    const [{ value }] = JSON.parse(await run({ tools: mode.tools, script: writes(code) }))
    assert.deepEqual(value, [1, true, '`rm` needs approval, and a program cannot wait for that'])
    assert.equal(calls, 1)
  })
})

test('OpenAI Agents: a tool that is not enabled for the run or its agent is not called', async () => {
  let calls = 0
  const isEnabled = ({ runContext, agent }) => runContext.context.user === 'alice' && agent.name === 'chief'
  await using(await codeMode([given('rm', { isEnabled }, () => (calls += 1))]), async (mode) => {
    const script = writes('return await tools.host.rm({}).catch(({ message }) => message)')
    const value = async (user, agent) => JSON.parse(await run({ tools: mode.tools, script, user, agent }))[0].value
    assert.equal(await value('bob', 'chief'), '`rm` is not enabled in this run')
    assert.equal(await value('alice', 'agent'), '`rm` is not enabled in this run')
    assert.equal(calls, 0)
    assert.equal(await value('alice', 'chief'), 1)
  })
})

test('OpenAI Agents: what the SDK makes of a result or an error', async () => {
  const { promise } = withResolvers()
  const parameters = z.object({ n: z.number().nullable() })
  const given = [
    tool({ name: 'fails', description: '', parameters, execute: () => Promise.reject(new Error('secret')) }),
    tool({ name: 'hangs', description: '', parameters, timeoutMs: 1, execute: () => promise }),
    tool({ name: 'image', description: '', parameters, execute: () => ({ type: 'image', image: 'data:,' }) }),
    tool({ name: 'text', description: '', parameters, execute: () => ({ type: 'text', text: '{"a":1}' }) }),
    tool({ name: 'calls', description: '', parameters, execute: ({ n }, _context, { toolCall }) => ({ n, toolCall }) }),
  ]
  await using(await codeMode(given), async (mode) => {
    const code = `
      const said = async (name) => tools.$call('host.' + name, { n: 1 }).catch(({ message }) => message)
      return [await said('fails'), await said('hangs'), await said('image'), await said('text'), await said('calls')]`
    const [{ value }] = JSON.parse(await run({ tools: mode.tools, script: writes(code) }))
    assert.match(value[0], /^An error occurred while running the tool\./)
    assert.match(value[1], /timed out after 1\s?ms/)
    assert.equal(value[2], 'the tool gave content of the type `image`, expected text or what JSON can say')
    assert.equal(value[3], '{"a":1}')
    const { n, toolCall } = value[4]
    assert.deepEqual([n, toolCall.callId, toolCall.name, toolCall.arguments], [1, 'call-0', 'calls', '{"n":1}'])
  })
})
