// The adapter for LangChain.js and LangGraph.js.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { AIMessage } from '@langchain/core/messages'
import { DynamicTool, Tool, tool } from '@langchain/core/tools'
import { Command, MemorySaver, MessagesAnnotation, START, StateGraph, interrupt } from '@langchain/langgraph'
import { ToolNode } from '@langchain/langgraph/prebuilt'
import { codeMode } from 'conduit-codemode/langchain'
import { createAgent } from 'langchain'
import { z } from 'zod'
import { assertRefused, example, scenarios, using, withResolvers, writes } from './scenarios.mjs'

/** A model that answers by a script. */
class ScriptedModel extends BaseChatModel {
  constructor(script, tools = []) {
    super({})
    Object.assign(this, { script, tools })
  }

  _llmType() {
    return 'scripted'
  }

  bindTools(tools) {
    return new ScriptedModel(this.script, tools)
  }

  async _generate(messages) {
    const results = messages.filter((message) => message.type === 'tool').map(({ content }) => JSON.parse(content))
    const [{ name, description, schema }] = this.tools
    const { code, text = '' } = this.script({ results, description, schema })
    const tool_calls =
      code === undefined ? [] : [{ type: 'tool_call', id: `call-${results.length}`, name, args: { code } }]
    return { generations: [{ text, message: new AIMessage({ content: text, tool_calls }) }] }
  }
}

const tools = (definitions) =>
  definitions.map(({ name, description, schema, execute }) =>
    tool((args, config) => execute(args, { signal: config.signal, user: config.configurable?.user }), {
      name,
      description,
      schema,
    })
  )

const model = (script) => new ScriptedModel(script)

async function run({ tools, script, user, signal, agent, ...config }) {
  const made = createAgent({ model: model(script), tools, ...agent })
  const { messages } = await made.invoke(
    { messages: [{ role: 'user', content: 'Go.' }] },
    { configurable: { user }, signal, ...config }
  )
  return messages.at(-1).content
}

scenarios('LangChain', { codeMode, tools, run })
example('LangChain', 'langchain.mjs', model)

const given = (name, execute, more) =>
  tool(execute, { name, description: `What ${name} does.`, schema: z.object({}), ...more })

test('LangChain: tools that somebody approves or that a provider runs are refused', async () => {
  const rm = given('rm', () => 1)
  await assertRefused(codeMode([rm], { interruptOn: { rm: true } }), 'rm', /interruptOn/)
  await assertRefused(codeMode([rm], { interruptOn: { rm: { allowedDecisions: ['approve'] } } }), 'rm', /interruptOn/)
  await assertRefused(
    codeMode([{ type: 'web_search_20250305', name: 'web_search' }]),
    'web_search',
    /its provider runs it/
  )
  const extras = { providerToolDefinition: { type: 'bash_20250124', name: 'bash' } }
  await assertRefused(codeMode([given('bash', () => 1, { extras })]), 'bash', /its provider defines it/)
  await using(await codeMode([rm], { interruptOn: { rm: false, other: true } }), async (mode) => {
    assert.deepEqual(JSON.parse(await run({ tools: mode.tools, script: writes('return await tools.host.rm({})') })), [
      { value: 1 },
    ])
  })
})

test('LangChain: a tool that interrupts the graph is an error of its call, and goes no further', async () => {
  let removed = 0
  const rm = given('rm', () => {
    interrupt('remove it?')
    removed += 1
  })
  await using(await codeMode([rm]), async (mode) => {
    const text = await run({
      tools: mode.tools,
      script: writes('return await tools.host.rm({}).catch(({ message }) => message)'),
      agent: { checkpointer: new MemorySaver() },
      configurable: { thread_id: '1' },
    })
    assert.match(JSON.parse(text)[0].value, /^`rm` interrupts the graph, and a program cannot wait for a person/)
    assert.equal(removed, 0)
  })
})

test('LangChain: what a person answers another tool is no answer to one that a program calls', async () => {
  let removed = 0
  let asked = 0
  const tried = [withResolvers(), withResolvers()]
  // A `Tool` that runs in the outer call's own async context, unlike one of `tool()`.
  class Remove extends Tool {
    name = 'rm'
    description = ''
    tries = 0

    async _call() {
      try {
        interrupt('remove it?')
        removed += 1
      } finally {
        tried[this.tries++].resolve()
      }
    }
  }
  const ask = given('ask', async () => {
    await tried[asked++].promise
    return interrupt('go on?')
  })
  await using(await codeMode([new Remove()]), async (mode) => {
    const code = 'return await tools.host.rm({}).catch(({ message }) => message)'
    const tool_calls = [
      { type: 'tool_call', id: '1', name: 'execute', args: { code } },
      { type: 'tool_call', id: '2', name: 'ask', args: {} },
    ]
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('tools', new ToolNode([...mode.tools, ask]))
      .addEdge(START, 'tools')
      .compile({ checkpointer: new MemorySaver() })
    const config = { configurable: { thread_id: '2' } }
    await graph.invoke({ messages: [new AIMessage({ content: '', tool_calls })] }, config)
    const { messages } = await graph.invoke(new Command({ resume: 'yes' }), config)
    const [executed, answered] = messages.slice(-2).map(({ content }) => content)
    assert.match(JSON.parse(executed).value, /^`rm` interrupts the graph/)
    assert.deepEqual([answered, asked, removed], ['yes', 2, 0])
  })
})

test('LangChain: callbacks, tags, state and the call are those of the outer call', async () => {
  const seen = []
  const state = given('state', (_args, config) => {
    const { tags, metadata, toolCallId, state } = config
    return { tags, metadata: metadata.of, toolCallId, messages: state.messages.length }
  })
  await using(await codeMode([state]), async (mode) => {
    const text = await run({
      tools: mode.tools,
      script: writes('return await tools.host.state({})'),
      tags: ['tagged'],
      metadata: { of: 'us' },
      callbacks: [
        {
          handleToolStart: (_tool, input, _id, parent, _tags, _metadata, name) =>
            seen.push([name, input, parent !== undefined]),
        },
      ],
    })
    assert.deepEqual(JSON.parse(text)[0].value, { tags: ['tagged'], metadata: 'us', toolCallId: 'call-0', messages: 2 })
    assert.deepEqual(seen, [
      ['execute', JSON.stringify({ code: 'return await tools.host.state({})' }), true],
      ['state', '{}', true],
    ])
  })
})

test('LangChain: what a result becomes', async () => {
  const given = [
    ['data', () => ({ a: 1 })],
    ['text', () => '{"a":1}'],
    [
      'blocks',
      () => [
        { type: 'text', text: 'one, ' },
        { type: 'text', text: 'two' },
      ],
    ],
    ['image', () => [{ type: 'image_url', image_url: { url: 'data:,' } }]],
    ['rows', () => [{ type: 'sale', price: 1 }]],
    ['files', () => [{ type: 'file', name: 'a.txt' }]],
    ['command', () => new Command({ goto: 'there' })],
  ].map(([name, execute]) => tool(execute, { name, description: '', schema: z.object({}) }))
  given.push(
    tool(() => ['shown', 'kept'], {
      name: 'artifact',
      description: '',
      schema: z.object({}),
      responseFormat: 'content_and_artifact',
    })
  )
  given.push(new DynamicTool({ name: 'echo', description: '', func: async (text) => text }))
  await using(await codeMode(given), async (mode) => {
    const code = `
      const said = (name) => tools.$call('host.' + name).catch(({ message }) => message)
      const names = ['data', 'text', 'blocks', 'image', 'rows', 'files', 'command', 'artifact']
      return [...await Promise.all(names.map(said)), await tools.host.echo({ input: 'echoed' })]`
    const [{ value }] = JSON.parse(await run({ tools: mode.tools, script: writes(code) }))
    assert.deepEqual(value, [
      { a: 1 },
      '{"a":1}',
      'one, two',
      'the tool gave content of the type `image_url`, expected text or what JSON can say',
      [{ type: 'sale', price: 1 }],
      [{ type: 'file', name: 'a.txt' }],
      'the tool gave a command, which the graph alone can carry out',
      'shown',
      'echoed',
    ])
  })
})
