// LangChain.js: the model writes a program that calls your tools. `model` is any chat model, such as `new ChatOpenAI({ model: 'gpt-5' })`.
import { tool } from '@langchain/core/tools'
import { codeMode } from 'conduit-codemode/langchain'
import { createAgent } from 'langchain'
import { z } from 'zod'

const weather = tool(async ({ city }) => ({ city, celsius: city.length * 4 }), {
  name: 'weather',
  description: 'The weather in a city, as `{ city, celsius }`.',
  schema: z.object({ city: z.string() }),
})

export async function answer(model) {
  const mode = await codeMode([weather])
  try {
    const agent = createAgent({ model, tools: mode.tools })
    const question = { role: 'user', content: 'Which is the warmest: Oslo, Rome or Reykjavík?' }
    const { messages } = await agent.invoke({ messages: [question] })
    return messages.at(-1).text
  } finally {
    await mode.close()
  }
}
