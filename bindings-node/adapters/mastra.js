'use strict'
// Code mode for Mastra 1.

const { codeSchema, open, refused } = require('./code-mode.js')

/** @typedef {import('./code-mode').InnerTool} InnerTool */

/** @param {any} tool Why a program may not call it, if so. */
function reason(tool) {
  if (tool?.type === 'provider' || tool?.type === 'provider-defined')
    return 'its provider defines it, expected one of `createTool`'
  if (typeof tool?.execute !== 'function') return 'it has no `execute`, so it runs elsewhere'
  if (tool[Symbol.for('mastra.core.tool.Tool')] !== true)
    return 'it is no tool of Mastra 1, expected one of `createTool`'
  if (tool.requireApproval || tool.needsApprovalFn)
    return 'it has `requireApproval`, and a program cannot wait for that'
  if (tool.suspendSchema || tool.resumeSchema) return 'it suspends, and a program cannot wait to be resumed'
  return undefined
}

/** What a tool is given instead of `suspend`. */
async function suspend() {
  throw new Error('the tool suspends, and a program cannot wait to be resumed; it has to be a tool beside this one')
}

/**
 * The context of the outer call for one inner call: nothing in it suspends or is resumed.
 * @param {any} outer @param {AbortSignal} abortSignal
 */
function context(outer, abortSignal) {
  // SECURITY: with `resumeData`, a tool would skip the validation of its input.
  const inner = (/** @type {any} */ { resumeData, suspendPayload, ...others }) => ({ ...others, suspend })
  return {
    ...inner(outer ?? {}),
    ...(outer?.agent && { agent: inner(outer.agent) }),
    ...(outer?.workflow && { workflow: inner(outer.workflow) }),
    abortSignal,
  }
}

/** @param {string} name @param {any} tool @param {typeof import('@mastra/core/schema')} schemas @returns {InnerTool} */
function innerTool(name, tool, { standardSchemaToJSONSchema }) {
  const { description, inputSchema, outputSchema } = tool
  return {
    name,
    description,
    ...(inputSchema && { inputSchema: /** @type {any} */ (standardSchemaToJSONSchema(inputSchema, { io: 'input' })) }),
    ...(outputSchema && {
      outputSchema: /** @type {any} */ (standardSchemaToJSONSchema(outputSchema, { io: 'output' })),
    }),
    async call(args, outer, signal) {
      const value = await tool.execute(args, context(outer, signal))
      // Mastra returns what fails its schemas.
      if (value?.error === true && 'validationErrors' in value) throw new Error(value.message)
      return value
    },
  }
}

/** @param {import('@mastra/core/agent').ToolsInput} tools @param {import('./code-mode').CodeModeOptions} [options] */
async function codeMode(tools, options) {
  const [{ createTool }, schemas] = await Promise.all([import('@mastra/core/tools'), import('@mastra/core/schema')])
  for (const [name, tool] of Object.entries(tools)) {
    const why = reason(tool)
    // SECURITY: a tool that somebody has to approve, or that does not run here, is never called by a program.
    if (why !== undefined) throw refused(name, why)
  }
  const inner = Object.entries(tools).map(([name, tool]) => innerTool(name, tool, schemas))
  const { name, description, run, handle } = await open(inner, options)
  const execute = createTool({
    id: name,
    description,
    inputSchema: /** @type {any} */ (codeSchema()),
    // Of a result with a `value`, Mastra would show the model that alone.
    toModelOutput: (/** @type {any} */ output) => ({ type: 'json', value: output }),
    execute: async (/** @type {any} */ { code }, /** @type {any} */ outer) => run(code, outer, outer?.abortSignal),
  })
  return { ...handle, tools: { [name]: execute } }
}

module.exports = { codeMode }
