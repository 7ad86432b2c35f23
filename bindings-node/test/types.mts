// Programs that only compile: the types as a user meets them.

import { ConduitError, Runtime, tool } from 'conduit-codemode'
import type { ExecutionResult, Outcome, RuntimeOptions } from 'conduit-codemode'
import * as v from 'valibot'
import { z } from 'zod'

const zod = tool({
  description: 'Adds.',
  inputSchema: z.object({ a: z.number(), b: z.string().transform(Number) }),
  execute: ({ a, b }) => (a + b).toFixed(),
})
const valibot = tool({
  inputSchema: v.object({ city: v.string() }),
  execute: async ({ city }, { signal }) => [city.trim(), signal.aborted],
})
const named = tool({ name: 'now', upstream: 'clock', inputSchema: z.object({}), execute: () => Date.now() })
// @ts-expect-error: `a` is a number
tool({ inputSchema: z.object({ a: z.number() }), execute: ({ a }) => a.trim() })
const plain = tool({ inputSchema: { type: 'object' }, execute: ({ anything }) => anything })

const options: RuntimeOptions = {
  upstreams: [
    {
      id: 'files',
      type: 'stdio',
      command: 'npx',
      args: ['-y', 'x'],
      env: { TOKEN: { secret: 's' } },
      callTimeout: '20s',
    },
    { id: 'web', type: 'streamable_http', url: 'http://127.0.0.1:1/mcp', allowPrivate: true, bearerToken: 't' },
  ],
  policy: { allow: ['*'] },
  limits: { wallTimeMs: 1000 },
  maxExecutions: 2,
  tools: { zod, valibot, plain, ping: () => 'pong', wait: async ({ ms }: { ms: number }) => ms },
}
await Runtime.create({ config: 'conduit.yaml', tools: [named] })
// @ts-expect-error: a file and keys
await Runtime.create({ config: 'conduit.yaml', policy: { allow: [] } })
// @ts-expect-error: no such option
await Runtime.create({ maxExecution: 1 })
// @ts-expect-error: made by `create`
new Runtime()

await using runtime = await Runtime.create(options)
const result: ExecutionResult = await runtime.execute(
  { language: 'python', code: '1' },
  { signal: AbortSignal.timeout(5) },
)

export function told(outcome: Outcome): string {
  switch (outcome.status) {
    case 'completed':
    case 'cancelled':
      return ''
    case 'failed':
      return `${outcome.error.name}: ${outcome.error.line ?? 0}`
    case 'limit_exceeded':
      return `${outcome.limit satisfies string}: ${outcome.message}`
  }
}
told(result.outcome)

await using execution = runtime.spawn({ language: 'typescript', code: '1', input: { a: [1] } })
for await (const event of execution) {
  if (event.event === 'stdout') event.text.trim()
  else if (event.event === 'tool_call_ended') event.record.durationMs.toFixed()
}
const error = new ConduitError('busy', 'later', { retryable: true })
export const facts: [string, boolean, string | null] = [error.code, error.retryable, error.upstream]
