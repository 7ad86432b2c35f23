// What TypeScript makes of the adapters: checked by tsc, never run.

import { Agent as MastraAgent } from '@mastra/core/agent'
import { createTool } from '@mastra/core/tools'
import { tool as langChainTool } from '@langchain/core/tools'
import { Agent, tool as openAiTool } from '@openai/agents'
import { generateText, tool, type LanguageModel } from 'ai'
import { codeMode as aiSdk } from 'conduit-codemode/ai-sdk'
import { codeMode as langChain } from 'conduit-codemode/langchain'
import { codeMode as mastra } from 'conduit-codemode/mastra'
import { codeMode as openAi } from 'conduit-codemode/openai-agents'
import { createAgent } from 'langchain'
import { z } from 'zod'

declare const model: LanguageModel
const schema = z.object({ city: z.string() })

const one = await aiSdk(
  { weather: tool({ inputSchema: schema, execute: ({ city }) => ({ city }) }) },
  { limits: { wallTimeMs: 1 } }
)
const { text } = await generateText({ model, prompt: '', tools: one.tools, toolChoice: 'required' })
text satisfies string

const two = await langChain([langChainTool(({ city }) => city, { name: 'weather', schema })], { language: 'python' })
createAgent({ model: 'openai:gpt', tools: two.tools })

const three = await mastra({
  weather: createTool({ id: 'weather', description: '', inputSchema: schema, execute: async ({ city }) => city }),
})
new MastraAgent({ id: 'a', name: 'a', instructions: '', model: 'openai/gpt', tools: three.tools })

const four = await openAi([
  openAiTool({ name: 'weather', description: '', parameters: schema, execute: ({ city }) => city }),
])
new Agent({ name: 'a', tools: four.tools })

for (const mode of [one, two, three, four]) await mode.close()

// @ts-expect-error: no such option
await aiSdk({}, { limit: {} })
// @ts-expect-error: the tools are the first argument
await openAi([], { tools: {} })
// @ts-expect-error: a file has its own upstreams
await mastra({}, { config: 'conduit.yaml', upstreams: [] })
