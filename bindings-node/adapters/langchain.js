'use strict'
// Code mode for LangChain.js and LangGraph.js.

const { codeSchema, open, refused } = require('./code-mode.js')

/** @typedef {import('./code-mode').InnerTool} InnerTool */

/**
 * Why a program may not call the tool, if so.
 * @param {any} tool @param {unknown} interrupt What `interruptOn` says of it.
 */
function reason(tool, interrupt) {
  if (typeof tool?.invoke !== 'function' || tool.schema === undefined)
    return 'its provider runs it, expected a tool with `invoke` and `schema`'
  if (tool.extras?.providerToolDefinition !== undefined)
    return 'its provider defines it, expected a tool with a schema of its own'
  if (interrupt !== undefined && interrupt !== false)
    return '`interruptOn` names it, and a program cannot wait for a person'
  return undefined
}

/** @param {any} value What a tool gave: text, data, a message, or a command. */
function content(value) {
  if (value?.lg_name === 'Command') throw new Error('the tool gave a command, which the graph alone can carry out')
  const given = value?.lc_direct_tool_output === true ? value.content : value
  if (!Array.isArray(given) || given.length === 0 || !given.every((part) => typeof part?.type === 'string'))
    return given
  const other = given.find((part) => part.type !== 'text')
  if (other === undefined) return given.map((part) => part.text).join('')
  // Data may have a `type` too, even one of these; content has something of its type.
  const isContent = [other.type, 'data', 'url', 'fileId', 'source_type'].some((key) => key in other)
  if (!isContent || !/^(image|audio|video|file|input_audio|text-plain)(_url)?$/.test(other.type)) return given
  throw new Error(`the tool gave content of the type \`${other.type}\`, expected text or what JSON can say`)
}

/**
 * The config of the outer call for inner ones. Without `toolCall`, or their answers would come as messages of the outer call.
 * @param {any} outer
 */
function innerConfig({ toolCall, ...config }) {
  const { __pregel_scratchpad: pad, ...configurable } = config.configurable ?? {}
  // SECURITY: LangGraph gives what a person answered a node to whoever asks first, and nobody has answered these tools.
  if (pad === undefined) return config
  const unanswered = {
    ...pad,
    interruptCounter: -1,
    resume: [],
    nullResume: undefined,
    consumeNullResume: () => undefined,
  }
  return { ...config, configurable: { ...configurable, __pregel_scratchpad: unanswered } }
}

/**
 * @param {any} tool @param {(schema: any) => any} toJsonSchema
 * @param {(config: any, ask: () => Promise<unknown>) => Promise<unknown>} within Runs something in the async context of a config.
 * @returns {InnerTool}
 */
function innerTool(tool, toJsonSchema, within) {
  return {
    name: tool.name,
    description: tool.description,
    inputSchema: toJsonSchema(tool.schema),
    async call(args, outer, signal) {
      const config = { ...outer, signal }
      try {
        return content(await within(config, () => tool.invoke(args, config)))
      } catch (error) {
        // What asks a person ends here: its graph would run the whole program again, with all that it had done.
        if (/** @type {any} */ (error)?.is_bubble_up !== true) throw error
        throw new Error(
          `\`${tool.name}\` interrupts the graph, and a program cannot wait for a person; it has to be a tool beside this one`
        )
      }
    },
  }
}

/**
 * @param {import('@langchain/core/tools').StructuredToolInterface[]} tools
 * @param {import('./langchain').LangChainOptions} [options]
 */
async function codeMode(tools, { interruptOn, ...options } = {}) {
  const [{ tool: define }, { toJsonSchema }, { AsyncLocalStorageProviderSingleton: storage }] = await Promise.all([
    import('@langchain/core/tools'),
    import('@langchain/core/utils/json_schema'),
    import('@langchain/core/singletons'),
  ])
  /** @param {any} config @param {() => Promise<unknown>} ask */
  const within = (config, ask) => storage.runWithConfig(config, ask)
  for (const tool of tools) {
    const why = reason(tool, interruptOn?.[tool.name])
    // SECURITY: a tool that somebody has to approve, or that does not run here, is never called by a program.
    if (why !== undefined) throw refused(tool?.name ?? /** @type {any} */ (tool)?.type, why)
  }
  const { name, description, run, handle } = await open(
    tools.map((tool) => innerTool(tool, toJsonSchema, within)),
    options
  )
  const execute = define(
    async (/** @type {any} */ { code }, /** @type {any} */ config) =>
      JSON.stringify(await run(code, innerConfig(config ?? {}), config?.signal)),
    { name, description, schema: /** @type {any} */ (codeSchema()) }
  )
  return { ...handle, tools: [execute] }
}

module.exports = { codeMode }
