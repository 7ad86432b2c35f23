'use strict'
// Code mode for the OpenAI Agents SDK.

const { codeSchema, open, refused } = require('./code-mode.js')

/** @typedef {import('./code-mode').InnerTool} InnerTool */

/** What the SDK makes of a tool's error unless the tool has an `errorFunction`. */
const FAILED = 'An error occurred while running the tool.'

/**
 * Whether somebody would have to approve a call: the tool's policy says so, or looks at the call before it says anything. The SDK makes
 * a function of a constant too, which looks at nothing.
 * @param {any} tool @param {unknown} [runContext] That of a call, if there is one.
 */
async function wantsApproval(tool, runContext) {
  let isRead = false
  const traps = new Proxy({}, { get: () => ((isRead = true), undefined) })
  const call = new Proxy({}, traps)
  // What throws has an opinion of the call as well.
  const answer = await Promise.resolve()
    .then(() => tool.needsApproval?.(runContext ?? call, call))
    .catch(() => true)
  // SECURITY: a policy that looks at the call may say otherwise of another one.
  return isRead || Boolean(answer)
}

/** @param {any} tool Why a program may not call it, if so. */
async function reason(tool) {
  if (tool?.type !== 'function')
    return `it is of the type \`${tool?.type}\` and does not run here as a function, expected one of \`tool()\``
  if (await wantsApproval(tool)) return 'it has `needsApproval`, and a program cannot wait for that'
  if (tool.allowedCallers?.includes('programmatic') === false) return 'its `allowedCallers` are without `programmatic`'
  if (tool.inputGuardrails?.length || tool.outputGuardrails?.length)
    return "it has guardrails, which only the SDK's own runner runs"
  return undefined
}

/** @param {any} value What a tool gave. */
function content(value) {
  const parts = [value].flat()
  const other = parts.find((part) => /^(image|file)$/.test(part?.type) && part[part.type] !== undefined)
  if (other !== undefined)
    throw new Error(`the tool gave content of the type \`${other.type}\`, expected text or what JSON can say`)
  return value?.type === 'text' && typeof value.text === 'string' ? value.text : value
}

/** @param {any} tool @param {WeakMap<object, any>} agents @param {typeof import('@openai/agents')} sdk @returns {InnerTool} */
function innerTool(tool, agents, { invokeFunctionTool }) {
  const { name, description, parameters, outputSchema } = tool
  return {
    name,
    description,
    inputSchema: parameters,
    ...(outputSchema && { outputSchema }),
    async call(args, { runContext, details }, signal) {
      const isEnabled = tool.isEnabled === undefined || (await tool.isEnabled(runContext, agents.get(runContext)))
      // SECURITY: for whom a tool is may hang on the run.
      if (!isEnabled) throw new Error(`\`${name}\` is not enabled in this run`)
      // SECURITY: a policy may have come to another opinion.
      if (await wantsApproval(tool, runContext))
        throw new Error(`\`${name}\` needs approval, and a program cannot wait for that`)
      const input = JSON.stringify(args)
      const toolCall = { ...details?.toolCall, name, arguments: input }
      const parentRunConfig = details?.parentRunConfig
      const value = await invokeFunctionTool({
        tool: { ...tool, timeoutBehavior: 'raise_exception' },
        runContext,
        input,
        details: { signal, toolCall, ...(parentRunConfig && { parentRunConfig }) },
      })
      if (typeof value === 'string' && value.startsWith(FAILED)) throw new Error(value)
      return content(value)
    },
  }
}

/** @param {import('@openai/agents').Tool<any>[]} tools @param {import('./code-mode').CodeModeOptions} [options] */
async function codeMode(tools, options) {
  const sdk = await import('@openai/agents')
  for (const tool of tools) {
    const why = await reason(tool)
    // SECURITY: a tool that somebody has to approve, or that does not run here, is never called by a program.
    if (why !== undefined) throw refused(tool?.name, why)
  }
  /** Which agent a run is at: calls of tools are not told. @type {WeakMap<object, any>} */
  const agents = new WeakMap()
  const { name, description, run, handle } = await open(
    tools.map((tool) => innerTool(tool, agents, sdk)),
    options
  )
  const execute = sdk.tool({
    name,
    description,
    parameters: /** @type {any} */ (codeSchema()),
    strict: true,
    errorFunction: (_context, error) => `The program did not run: ${error instanceof Error ? error.message : error}`,
    isEnabled: ({ runContext, agent }) => (agents.set(runContext, agent), true),
    execute: async (/** @type {any} */ { code }, runContext, details) =>
      JSON.stringify(await run(code, { runContext, details }, details?.signal)),
  })
  return { ...handle, tools: [execute] }
}

module.exports = { codeMode }
