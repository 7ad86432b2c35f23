'use strict'
// What the adapters share: a framework's tools as host tools of a runtime, and one tool that runs programs which call them.

const { AsyncResource } = require('node:async_hooks')
const { ConduitError, Runtime, guide } = require('../index.js')

/** @typedef {import('./code-mode').ProgramResult} ProgramResult */
/** @typedef {import('./code-mode').InnerTool} InnerTool */
/** @typedef {{ outer: any, signal: AbortSignal | undefined, scope: AsyncResource }} Run */

/** The JSON Schema of `{ code }`, for each tool its own: some frameworks write into it. */
const codeSchema = () => ({
  type: 'object',
  properties: { code: { type: 'string', description: 'The program.' } },
  required: ['code'],
  additionalProperties: false,
})

/** @param {string} name @param {string} why */
function refused(name, why) {
  return new ConduitError('invalid_config', `the tool \`${name}\` cannot be called by programs: ${why}`)
}

/** The same value, unless it is what JSON would make nonsense of. @param {unknown} value */
function plain(value) {
  JSON.stringify(value, function (key, written) {
    /** What `toJSON` has not touched. @type {unknown} */
    const raw = this[key]
    if (ArrayBuffer.isView(raw) || raw instanceof ArrayBuffer || raw instanceof Blob) {
      throw new TypeError('the tool gave binary data, expected what JSON can say')
    }
    return typeof written === 'bigint' ? null : written
  })
  return value
}

/** @param {import('../index').ExecutionResult} result @returns {ProgramResult} What the model reads. */
function told({ outcome, value, stdout, stderr }) {
  const printed = { ...(stdout === '' ? {} : { stdout }), ...(stderr === '' ? {} : { stderr }) }
  switch (outcome.status) {
    case 'completed':
      return { value, ...printed }
    case 'failed': {
      const { name, message, line, stack } = outcome.error
      const where = line === undefined ? '' : ` (line ${line})`
      return { error: `${name}: ${message}${where}${stack === '' ? '' : `\n${stack}`}`, ...printed }
    }
    case 'limit_exceeded':
      return { error: outcome.message, ...printed }
    case 'cancelled':
      return { error: 'the program was cancelled', ...printed }
  }
}

/**
 * A runtime with these tools, and what the framework's own tool is made of.
 * @param {InnerTool[]} inner @param {import('./code-mode').CodeModeOptions} [options]
 */
async function open(inner, { language = 'typescript', name = 'execute', limits, ...options } = {}) {
  const { policy = options.config || options.upstreams ? undefined : { allow: ['host.*'] } } = options
  if (options.upstreams && policy === undefined) {
    throw new ConduitError(
      'invalid_config',
      '`upstreams` stand without a `policy`, expected one that says what programs may call'
    )
  }
  if ('tools' in options) throw new TypeError('`tools` is no option, expected the tools as the first argument')
  /** Whose calls are whose. @type {Map<string, Run>} */
  const runs = new Map()
  const tools = inner.map(({ call, ...tool }) => ({
    ...tool,
    /** @param {any} args @param {import('../index').ToolContext} context */
    async execute(args, { executionId, signal }) {
      const run = runs.get(executionId)
      if (run === undefined) throw new Error('the program has ended')
      const either = run.signal === undefined ? signal : AbortSignal.any([run.signal, signal])
      return plain(await run.scope.runInAsyncScope(call, undefined, args, run.outer, either))
    },
  }))
  const made = /** @type {import('../index').RuntimeOptions} */ ({ ...options, ...(policy && { policy }), tools })
  const runtime = await Runtime.create(made)

  /**
   * Runs a program for the framework's call `outer`, whose `signal` ends it.
   * @param {string} code @param {unknown} outer @param {AbortSignal} [signal]
   */
  async function run(code, outer, signal) {
    const request = { language, code, ...(limits && { limits }) }
    const execution = runtime.spawn(request, signal && { signal })
    runs.set(execution.id, { outer, signal, scope: new AsyncResource('conduit.execute') })
    try {
      return told(await execution.result)
    } finally {
      runs.delete(execution.id)
    }
  }

  try {
    const description = `${guide(language)}\n\n${await runtime.declarations(language)}`
    return { name, description, run, handle: { runtime, close, [Symbol.asyncDispose]: close } }
  } catch (error) {
    await runtime.close()
    throw error
  }

  function close() {
    return runtime.close()
  }
}

module.exports = { codeSchema, open, refused }
