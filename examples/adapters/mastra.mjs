// Mastra: the model writes a program that calls your tools. `model` is any model of Mastra's, such as `'openai/gpt-5'`.
import { Agent } from '@mastra/core/agent'
import { createTool } from '@mastra/core/tools'
import { codeMode } from 'conduit-codemode/mastra'
import { z } from 'zod'

const weather = createTool({
  id: 'weather',
  description: 'The weather in a city.',
  inputSchema: z.object({ city: z.string() }),
  outputSchema: z.object({ city: z.string(), celsius: z.number() }),
  execute: async ({ city }) => ({ city, celsius: city.length * 4 }),
})

export async function answer(model) {
  const mode = await codeMode({ weather })
  try {
    const instructions = 'You answer questions about the weather.'
    const agent = new Agent({ id: 'weather', name: 'Weather', instructions, model, tools: mode.tools })
    const { text } = await agent.generate('Which is the warmest: Oslo, Rome or Reykjavík?', { maxSteps: 10 })
    return text
  } finally {
    await mode.close()
  }
}
