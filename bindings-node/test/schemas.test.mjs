import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'

import { Runtime, tool } from 'conduit-codemode'
import { open, typescript } from './runtimes.mjs'

const require = createRequire(new URL('../../tests/node/package.json', import.meta.url))
const { z } = require('zod')
const v = require('valibot')
const { toStandardJsonSchema } = require('@valibot/to-json-schema')

const policy = { allow: ['*'] }

test('a schema of zod is declared, validates and transforms', async (t) => {
  const order = tool({
    description: 'Orders.',
    inputSchema: z.object({
      count: z.number().int().max(5),
      when: z.string().transform((text) => new Date(text)),
      size: z.enum(['s', 'm']).default('m'),
      even: z
        .number()
        .refine((n) => n % 2 === 0, 'must be even')
        .optional(),
    }),
    outputSchema: z.object({ year: z.number() }),
    execute: async ({ count, when, size }) => ({ year: when.getUTCFullYear() + count, size }),
  })
  const runtime = await open(t, { policy, tools: { order } })
  const [{ inputSchema, outputSchema }] = await runtime.tools()
  assert.deepEqual(inputSchema.required, ['count', 'when'])
  assert.deepEqual(inputSchema.properties.when, { type: 'string' })
  assert.deepEqual(outputSchema.properties, { year: { type: 'number' } })
  assert.match(await runtime.declarations('typescript'), /size\?: "s" \| "m"/)
  const { value } = await runtime.execute(typescript('await tools.host.order({ count: 1, when: "2026-01-01" })'))
  assert.deepEqual(value, { year: 2027, size: 'm' })
  const refused = await runtime.execute(
    typescript(
      'try { await tools.host.order({ count: 1, when: "", even: 3 }) } catch (e) { return [e.code, e.message, e.content] }',
    ),
  )
  assert.deepEqual(refused.value, [
    'tool_failed',
    'the arguments are wrong: `even`: must be even',
    [{ message: 'must be even', path: ['even'] }],
  ])
  const earlier = await runtime.execute(typescript('await tools.host.order({ count: 6, when: "" })'))
  assert.equal(earlier.toolCalls[0].error, 'invalid_arguments')
})

test('a schema of valibot is declared, validates and transforms', async (t) => {
  const city = v.pipe(
    v.string(),
    v.transform((text) => text.toUpperCase()),
    v.check((text) => text !== 'ATLANTIS', 'sank'),
  )
  const inputSchema = toStandardJsonSchema(v.object({ city }))
  const runtime = await open(t, { policy, tools: { loud: { inputSchema, execute: ({ city }) => city } } })
  assert.match(await runtime.declarations('typescript'), /loud\(args: \{ city: string \}\)/)
  assert.equal((await runtime.execute(typescript('await tools.host.loud({ city: "Oslo" })'))).value, 'OSLO')
  const { value } = await runtime.execute(
    typescript('await tools.host.loud({ city: "Atlantis" }).catch((e) => e.message)'),
  )
  assert.equal(value, 'the arguments are wrong: `city`: sank')
})

test('a schema that gives no JSON Schema is an error that says what to pass', async () => {
  const inputSchema = v.object({ city: v.string() })
  await assert.rejects(Runtime.create({ tools: { x: { inputSchema, execute: () => 1 } } }), {
    name: 'TypeError',
    message:
      '`tools.x.inputSchema` is a schema of `valibot` that gives no JSON Schema, expected a JSON Schema or a Standard Schema with ' +
      '`~standard.jsonSchema`: zod from 4.2, or valibot by `toStandardJsonSchema` of `@valibot/to-json-schema`',
  })
})

test('a schema that cannot be a JSON Schema is an error that says why', async () => {
  const inputSchema = z.object({ when: z.date() })
  await assert.rejects(Runtime.create({ tools: { x: { inputSchema, execute: () => 1 } } }), {
    name: 'TypeError',
    message: '`tools.x.inputSchema` gives no JSON Schema: Date cannot be represented in JSON Schema',
  })
})

test('a schema without `~standard.jsonSchema` gives its JSON Schema by its own `toJSONSchema`', async (t) => {
  const inputSchema = z.object({ n: z.number() })
  const { jsonSchema, ...standard } = inputSchema['~standard']
  assert.notEqual(jsonSchema, undefined)
  const older = { '~standard': standard, toJSONSchema: (options) => z.toJSONSchema(inputSchema, options) }
  const runtime = await open(t, { policy, tools: { x: { inputSchema: older, execute: ({ n }) => n } } })
  assert.deepEqual((await runtime.tools())[0].inputSchema.properties, { n: { type: 'number' } })
  assert.equal((await runtime.execute(typescript('await tools.host.x({ n: 2 })'))).value, 2)
})
