// A program that a model wrote calls a function of this one.
import { Runtime } from 'conduit-codemode';

const runtime = await Runtime.create({
  policy: { allow: ['host.*'] },
  tools: {
    weather: {
      description: 'The weather in a city.',
      inputSchema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
      execute: async ({ city }) => ({ city, celsius: 21 }),
    },
  },
});

const code = "const { city, celsius } = await tools.host.weather({ city: 'Oslo' }); `${celsius} °C in ${city}`";
const result = await runtime.execute({ language: 'typescript', code });
console.log(`${result.outcome.status}: ${JSON.stringify(result.value)}`);
await runtime.close();
