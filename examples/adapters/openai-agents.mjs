// OpenAI Agents SDK: the model writes a program that calls your tools. `model` is a name or a `Model`, such as `'gpt-5'`.
import { Agent, run, tool } from '@openai/agents'
import { codeMode } from 'conduit-codemode/openai-agents'
import { z } from 'zod'

const weather = tool({
  name: 'weather',
  description: 'The weather in a city, as `{ city, celsius }`.',
  parameters: z.object({ city: z.string() }),
  errorFunction: null,
  execute: async ({ city }) => ({ city, celsius: city.length * 4 }),
})

export async function answer(model) {
  const mode = await codeMode([weather])
  try {
    const instructions = 'You answer questions about the weather.'
    const agent = new Agent({ name: 'Weather', instructions, model, tools: mode.tools })
    const { finalOutput } = await run(agent, 'Which is the warmest: Oslo, Rome or Reykjavík?', { maxTurns: 10 })
    return finalOutput
  } finally {
    await mode.close()
  }
}
