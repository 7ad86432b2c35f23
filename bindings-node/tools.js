'use strict'
// Host tools: what they are for Conduit, and how a call of one becomes a reply. No call throws out of here.

const { isFields } = require('./convert.js')

/** @typedef {import('./index').ToolContext} ToolContext */
/** @typedef {{ execute: (args: unknown, context: ToolContext) => unknown, json: string }} HostTool */

const TARGET = 'draft-2020-12'

/**
 * The JSON Schema of a schema: of one that is a Standard Schema, what it says itself.
 * @param {any} schema @param {'input' | 'output'} side @param {string} where
 */
function jsonSchema(schema, side, where) {
  const standard = schema?.['~standard']
  if (standard === undefined) return schema
  try {
    if (typeof standard.jsonSchema?.[side] === 'function') return standard.jsonSchema[side]({ target: TARGET })
    if (typeof schema.toJSONSchema === 'function') return schema.toJSONSchema({ target: TARGET, io: side })
  } catch (error) {
    throw new TypeError(`\`${where}\` gives no JSON Schema: ${said(error)}`, { cause: error })
  }
  throw new TypeError(
    `\`${where}\` is a schema of \`${standard.vendor}\` that gives no JSON Schema, expected a JSON Schema or a Standard ` +
      'Schema with `~standard.jsonSchema`: zod from 4.2, or valibot by `toStandardJsonSchema` of `@valibot/to-json-schema`',
  )
}

/** @param {any} given @param {string | undefined} name @param {string} where @returns {HostTool} */
function hostTool(given, name, where) {
  const definition = typeof given === 'function' ? { execute: given } : given
  if (!isFields(definition) || typeof definition.execute !== 'function') {
    throw new TypeError(`\`${where}\` must be a function, or an object with a function \`execute\``)
  }
  const { execute, inputSchema, outputSchema, ...others } = definition
  const json = JSON.stringify({
    name,
    ...others,
    inputSchema: jsonSchema(inputSchema, 'input', `${where}.inputSchema`),
    outputSchema: jsonSchema(outputSchema, 'output', `${where}.outputSchema`),
  })
  const standard = /** @type {any} */ (inputSchema)?.['~standard']
  const run = execute.bind(given)
  return { json, execute: standard ? async (args, context) => run(await validated(standard, args), context) : run }
}

/** @param {unknown} tools @returns {HostTool[]} */
function hostTools(tools) {
  if (tools === undefined) return []
  if (Array.isArray(tools)) return tools.map((tool, index) => hostTool(tool, undefined, `tools[${index}]`))
  if (!isFields(tools)) throw new TypeError('`tools` must be an object or an array')
  return Object.entries(tools).map(([name, tool]) => hostTool(tool, name, `tools.${name}`))
}

/** @param {unknown} value @returns {string} The JSON of what a tool gave; nothing is null. */
function written(value) {
  try {
    const json = JSON.stringify(value === undefined ? null : value)
    if (json !== undefined) return json
    throw new TypeError(`a ${typeof value}`)
  } catch (error) {
    const [why] = said(error).split('\n')
    throw new TypeError(`the tool gave what JSON cannot say: ${why}`)
  }
}

/** @param {any} error */
function said(error) {
  try {
    const message = error?.message
    return (typeof message === 'string' && message) || String(error) || 'the tool failed and did not say why'
  } catch {
    return 'the tool failed and did not say why'
  }
}

/** @param {any} error @returns {string} What the program learns of it, unless JSON cannot say its content. */
function failure(error) {
  const message = said(error)
  try {
    return JSON.stringify({ message, content: error?.content })
  } catch {
    return JSON.stringify({ message })
  }
}

/** What a Standard Schema makes of the arguments. @param {any} standard @param {unknown} args */
async function validated(standard, args) {
  const { issues, value } = await standard.validate(args)
  if (issues === undefined) return value
  const content = /** @type {readonly any[]} */ (issues).map(({ message, path = [] }) => ({
    message,
    path: path.map((/** @type {any} */ part) => String(isFields(part) ? part.key : part)),
  }))
  const told = content.map(({ message, path }) => (path.length > 0 ? `\`${path.join('.')}\`: ${message}` : message))
  throw Object.assign(new TypeError(`the arguments are wrong: ${told.join('; ')}`), { content })
}

/** @param {HostTool} tool @param {string} json @param {ToolContext} context */
async function call(tool, json, context) {
  try {
    return { isValue: true, json: written(await tool.execute(JSON.parse(json), context)) }
  } catch (error) {
    return { isValue: false, json: failure(error) }
  }
}

module.exports = { hostTools, call }
