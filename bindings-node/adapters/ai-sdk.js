'use strict'
// Code mode for the Vercel AI SDK, versions 5 to 7.

const { codeSchema, open, refused } = require('./code-mode.js')

/** @typedef {import('./code-mode').InnerTool} InnerTool */

/**
 * Why a program may not call the tool, if so.
 * @param {any} tool @param {unknown} approval What `toolApproval` says of it.
 */
function reason(tool, approval) {
  if (tool.type === 'provider' || tool.type === 'provider-defined')
    return 'its provider defines it, expected a function tool'
  if (typeof tool.execute !== 'function') return 'it has no `execute`, so it runs elsewhere'
  if (tool.needsApproval !== undefined && tool.needsApproval !== false)
    return 'it has `needsApproval`, and a program cannot wait for that'
  const status = /** @type {any} */ (approval)?.type ?? approval
  if (status !== undefined && status !== 'approved' && status !== 'not-applicable') {
    return '`toolApproval` is not `approved` for it, and a program cannot wait for that'
  }
  return undefined
}

/** @param {any} value What a tool gave. Of several, the last is the result. */
async function last(value) {
  const given = await value
  if (typeof given?.[Symbol.asyncIterator] !== 'function') return given
  let result
  for await (const part of given) result = part
  return result
}

/**
 * @param {any} value @param {import('ai').Schema<any>} schema @param {string} what
 * @returns {Promise<any>} The value as the schema has it.
 */
async function validated(value, schema, what) {
  const checked = await schema.validate?.(value)
  if (checked === undefined || checked.success) return checked === undefined ? value : checked.value
  const { cause, message } = checked.error
  throw new Error(`${what}: ${cause instanceof Error ? cause.message : message}`)
}

/**
 * @param {string} name @param {any} tool @param {(schema: any) => import('ai').Schema<any>} asSchema
 * @returns {Promise<InnerTool>}
 */
async function innerTool(name, tool, asSchema) {
  const schema = asSchema(tool.inputSchema)
  const context = tool.contextSchema && asSchema(tool.contextSchema)
  // The SDK never asks for an output's JSON Schema, so a tool may have one that cannot be said.
  const output =
    tool.outputSchema &&
    (await Promise.resolve()
      .then(() => asSchema(tool.outputSchema).jsonSchema)
      .catch(() => undefined))
  return {
    name,
    ...(typeof tool.description === 'string' && { description: tool.description }),
    inputSchema: /** @type {any} */ (await schema.jsonSchema),
    ...(output && { outputSchema: output }),
    async call(args, outer, abortSignal) {
      const input = await validated(args, schema, 'the arguments are wrong')
      const options = { ...outer, abortSignal }
      if (context) options.context = await validated(outer.context, context, 'the context of the call is wrong')
      return last(tool.execute(input, options))
    },
  }
}

/** @param {import('ai').ToolSet} tools @param {import('./ai-sdk').AiSdkOptions} [options] */
async function codeMode(tools, { toolApproval, ...options } = {}) {
  const { asSchema, jsonSchema } = await import('ai')
  // SECURITY: a tool that somebody has to approve, or that does not run here, is never called by a program.
  for (const [name, tool] of Object.entries(tools)) {
    const approval = typeof toolApproval === 'function' ? toolApproval : /** @type {any} */ (toolApproval)?.[name]
    const why = reason(tool, approval)
    if (why !== undefined) throw refused(name, why)
  }
  const inner = await Promise.all(Object.entries(tools).map(([name, tool]) => innerTool(name, tool, asSchema)))
  const { name, description, run, handle } = await open(inner, options)
  /** @type {import('./ai-sdk').ExecuteTool} */
  const execute = {
    description,
    inputSchema: jsonSchema(/** @type {any} */ (codeSchema()), {
      validate: (/** @type {any} */ value) =>
        typeof value?.code === 'string'
          ? { success: true, value: { code: value.code } }
          : { success: false, error: new TypeError('`code` must be a string: the program') },
    }),
    execute: ({ code }, outer) => run(code, outer, outer.abortSignal),
  }
  return { ...handle, tools: { [name]: execute } }
}

module.exports = { codeMode }
