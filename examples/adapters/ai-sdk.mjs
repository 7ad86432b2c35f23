// Vercel AI SDK: the model writes a program that calls your tools. `model` is any model of the SDK's, such as `openai('gpt-5')`.
import { generateText, tool } from 'ai'
import { codeMode } from 'conduit-codemode/ai-sdk'
import { z } from 'zod'

const weather = tool({
  description: 'The weather in a city.',
  inputSchema: z.object({ city: z.string() }),
  outputSchema: z.object({ city: z.string(), celsius: z.number() }),
  execute: async ({ city }) => ({ city, celsius: city.length * 4 }),
})

export async function answer(model) {
  const mode = await codeMode({ weather })
  try {
    const { text } = await generateText({
      model,
      tools: mode.tools,
      stopWhen: ({ steps }) => steps.length === 10,
      prompt: 'Which is the warmest: Oslo, Rome or Reykjavík?',
    })
    return text
  } finally {
    await mode.close()
  }
}
