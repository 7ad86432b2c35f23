'use strict'
// The package's API, over the native half. Converts and keeps promises; what is allowed and what holds is decided there.

const { clearTimeout, setInterval, setTimeout } = require('node:timers')
const native = require('./native.js')
const convert = require('./convert.js')
const { hostTools, call } = require('./tools.js')

/** @import * as Declared from './index' */
/** @typedef {import('./native').NativeRuntime} NativeRuntime */
/** @typedef {import('./index').ExecuteOptions} ExecuteOptions */
/** @typedef {import('./types').ExecutionRequest} ExecutionRequest */
/** @typedef {import('./types').ExecutionResult} ExecutionResult */
/** @typedef {import('./types').Event} Event */
/** @typedef {{ resolve: (json: any) => void, reject: (json: string) => void, events?: Events }} Operation */

/** The kinds of messages: `Kind` in src/channel.rs. */
const [VALUE, FAILURE, EVENTS, CALL, ABANDONED] = [0, 1, 2, 3, 4]
/** Only `Runtime` and what it makes know it. */
const OURS = Symbol('conduit')
/** Longer than any limit: an interval that is there to be waited for, not to fire. */
const LONG = 2 ** 31 - 1
/** How long closing waits for reports that are made already. */
const REPORT_MS = 500

// Node has it from 20.5.
if (Symbol.asyncDispose === undefined) {
  Object.defineProperty(Symbol, 'asyncDispose', { value: Symbol('Symbol.asyncDispose') })
}

/** What must be mended outside of the program: the request, the config, an upstream, the load. */
class ConduitError extends Error {
  /** @param {import('./types').ErrorCode} code @param {string} message @param {Partial<import('./types').ErrorInfo>} [more] */
  constructor(code, message, { upstream = null, retryable = false } = {}) {
    super(message)
    this.name = 'ConduitError'
    this.code = code
    this.upstream = upstream
    this.retryable = retryable
  }
}

/** @param {string} json An error's, or the text of one that is not core's. */
function conduitError(json) {
  try {
    const { code, message, ...more } = JSON.parse(json)
    return new ConduitError(code, message, more)
  } catch {
    return new ConduitError('internal', json)
  }
}

/**
 * What native code gives. Its error is made here, and not where it comes from, so that its stack leads to the caller.
 * @template T @param {Promise<T>} promise @returns {Promise<T>}
 */
async function heard(promise) {
  try {
    return await promise
  } catch (error) {
    throw typeof error === 'string' ? conduitError(error) : conduitError(/** @type {Error} */ (error).message)
  }
}

/** Runtimes with something under way: they are not collected, and the process does not end. */
const busy = {
  runtimes: new Set(),
  interval: setInterval(() => {}, LONG).unref(),
  /** @param {Runtime} runtime */
  add(runtime) {
    if (this.runtimes.size === 0) this.interval.ref()
    this.runtimes.add(runtime)
  },
  /** @param {Runtime} runtime */
  delete(runtime) {
    this.runtimes.delete(runtime)
    if (this.runtimes.size === 0) this.interval.unref()
  },
}

/** The events of one execution, each given once. @implements {AsyncIterableIterator<Event>} */
class Events {
  /** @type {Event[]} */
  #ready = []
  /** @type {((next: IteratorResult<Event, undefined>) => void)[]} */
  #waiting = []
  #ended = false

  /** @param {Event[]} events */
  push(events) {
    for (const value of this.#ended ? [] : events) {
      const waiting = this.#waiting.shift()
      if (waiting !== undefined) waiting({ done: false, value })
      else this.#ready.push(value)
    }
  }

  end() {
    this.#ended = true
    for (const waiting of this.#waiting.splice(0)) waiting({ done: true, value: undefined })
  }

  /** @returns {Promise<IteratorResult<Event, undefined>>} */
  async next() {
    const value = this.#ready.shift()
    if (value !== undefined) return { done: false, value }
    if (this.#ended) return { done: true, value: undefined }
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** @returns {Promise<IteratorResult<Event, undefined>>} */
  async return() {
    this.#ready = []
    this.end()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator]() {
    return this
  }
}

/** One program under way. @implements {Declared.Execution} */
class Execution {
  #cancel
  #ended

  /**
   * @param {symbol} ours @param {string} id @param {Promise<ExecutionResult>} result @param {Promise<unknown>} ended
   * @param {Events} events @param {() => void} cancel
   */
  constructor(ours, id, result, ended, events, cancel) {
    if (ours !== OURS) throw new TypeError('an execution is made by `runtime.spawn`')
    this.id = id
    this.result = result
    this.events = events
    this.#cancel = cancel
    this.#ended = ended
  }

  cancel() {
    this.#cancel()
  }

  [Symbol.asyncIterator]() {
    return this.events
  }

  async [Symbol.asyncDispose]() {
    this.cancel()
    await this.#ended.catch(() => {})
  }
}

/** Where programs run. @implements {Declared.Runtime} */
class Runtime {
  /** @type {NativeRuntime} */
  #native
  /** @type {import('./tools').HostTool[]} */
  #tools
  /** @type {Map<number, Operation>} */
  #operations = new Map()
  #nextOperation = 0
  /** The calls under way. @type {Map<number, Call>} */
  #calls = new Map()
  /** @type {Promise<void> | undefined} */
  #closed
  /** What to do when nothing is under way any more. @type {(() => void) | undefined} */
  #idle

  /** @param {symbol} ours @param {NativeRuntime} native @param {import('./tools').HostTool[]} tools */
  constructor(ours, native, tools) {
    if (ours !== OURS) throw new TypeError('a runtime is made by `await Runtime.create(options)`')
    this.#native = native
    this.#tools = tools
  }

  /** @param {import('./index').RuntimeOptions} [options] */
  static async create(options = {}) {
    if (!convert.isFields(options)) throw new TypeError('the options must be an object')
    const { config, tools: given, ...keys } = options
    const [beside] = Object.entries(keys).filter(([, value]) => value !== undefined)
    if (config !== undefined && beside !== undefined) {
      throw new ConduitError('invalid_config', `\`${beside[0]}\` stands beside \`config\`, expected it in that file`)
    }
    if (config !== undefined && typeof config !== 'string') throw new TypeError('`config` must be the path of a file')
    const tools = hostTools(given)
    // The function that Node holds on to holds nothing: a runtime that nobody uses is collected.
    /** @type {WeakRef<Runtime> | undefined} */
    let made
    const definitions = tools.map(({ json }) => json)
    const parts = native.create(config, convert.config(keys), definitions, (...message) => {
      const runtime = made?.deref()
      if (runtime !== undefined) runtime.#deliver(...message)
    })
    const runtime = new Runtime(OURS, await heard(parts), tools)
    made = new WeakRef(runtime)
    return runtime
  }

  /** @param {ExecutionRequest} request @param {ExecuteOptions} [options] @returns {Promise<ExecutionResult>} */
  async execute(request, options = {}) {
    if (options.signal !== undefined) return this.#spawn(request, options.signal, false).result
    const json = convert.request(request)
    return convert.result(await heard(this.#operation((operation) => this.#native.execute(operation, json)).ended))
  }

  /** @param {ExecutionRequest} request @param {ExecuteOptions} [options] */
  spawn(request, options = {}) {
    return this.#spawn(request, options.signal, true)
  }

  /** @param {{ allow?: string[] }} [options] */
  async tools({ allow } = {}) {
    return convert.plain(await this.#ask({ ask: 'tools', allow }))
  }

  /** @param {string} query @param {{ limit?: number, allow?: string[] }} [options] */
  async searchTools(query, { limit, allow } = {}) {
    return convert.plain(await this.#ask({ ask: 'search_tools', query, limit, allow }))
  }

  /** @param {string[]} names @param {{ allow?: string[] }} [options] */
  async describeTools(names, { allow } = {}) {
    return convert.described(await this.#ask({ ask: 'describe_tools', names, allow }))
  }

  /** @param {import('./types').Language} language @param {{ allow?: string[] }} [options] */
  async declarations(language, { allow } = {}) {
    return convert.plain(await this.#ask({ ask: 'declarations', language, allow }))
  }

  async check() {
    return convert.plain(await this.#ask({ ask: 'check' }))
  }

  /** @returns {Promise<void>} */
  close() {
    this.#closed ??= this.#close()
    return this.#closed
  }

  [Symbol.asyncDispose]() {
    return this.close()
  }

  async #close() {
    try {
      await this.#ask({ ask: 'close' })
      // What it cancelled has ended, and is on its way here.
      await new Promise((resolve) => {
        const late = setTimeout(resolve, REPORT_MS)
        this.#idle = () => resolve(clearTimeout(late))
        if (this.#operations.size === 0) this.#idle()
      })
    } finally {
      this.#native.dispose()
      // What did not end in time has nobody left to report it.
      const late = JSON.stringify({ code: 'shut_down', message: 'the runtime is shut down' })
      for (const id of [...this.#operations.keys()]) this.#settle(id, ({ reject }) => reject(late))
      for (const call of [...this.#calls.keys()]) this.#abandon(call)
    }
  }

  /** @param {ExecutionRequest} request @param {AbortSignal | undefined} signal @param {boolean} withEvents */
  #spawn(request, signal, withEvents) {
    signal?.throwIfAborted()
    const json = convert.request(request)
    const events = new Events()
    let id = ''
    const { operation, ended } = this.#operation((operation) => {
      id = this.#native.spawn(operation, json, withEvents)
    }, events)
    const cancel = () => this.#native.cancel(operation)
    const result = heard(ended).then(convert.result)
    const shown = signal ? abortable(result, signal, cancel) : result
    const execution = new Execution(OURS, id, shown, result, events, cancel)
    // Whoever only watches the events need not handle what becomes of the result.
    execution.result.catch(() => {})
    return execution
  }

  /** @param {object} question @returns {Promise<string>} */
  async #ask(question) {
    const json = JSON.stringify(question)
    return heard(this.#operation((operation) => this.#native.ask(operation, json)).ended)
  }

  /**
   * Starts something, and gives the promise of its JSON.
   * @param {(operation: number) => void} start @param {Events} [events]
   */
  #operation(start, events) {
    const operation = this.#nextOperation
    this.#nextOperation = (operation + 1) >>> 0
    try {
      start(operation)
    } catch (error) {
      throw conduitError(/** @type {Error} */ (error).message)
    }
    /** @type {Promise<string>} */
    const ended = new Promise((resolve, reject) => {
      this.#operations.set(operation, events === undefined ? { resolve, reject } : { resolve, reject, events })
    })
    if (this.#operations.size === 1) busy.add(this)
    return { operation, ended }
  }

  /** @param {number} id @param {(operation: Operation) => void} how */
  #settle(id, how) {
    const operation = this.#operations.get(id)
    if (operation === undefined) return
    this.#operations.delete(id)
    if (this.#operations.size === 0) {
      busy.delete(this)
      this.#idle?.()
    }
    operation.events?.end()
    how(operation)
  }

  /** @type {import('./native').Deliver} */
  #deliver(kind, id, tool, json, execution) {
    if (kind === VALUE) this.#settle(id, (operation) => operation.resolve(json))
    else if (kind === FAILURE) this.#settle(id, (operation) => operation.reject(json))
    else if (kind === EVENTS) this.#operations.get(id)?.events?.push(convert.events(json))
    else if (kind === CALL) this.#call(id, tool, json, execution)
    else if (kind === ABANDONED) this.#abandon(id)
  }

  /** @param {number} id @param {number} index @param {string} json @param {string | null} execution */
  async #call(id, index, json, execution) {
    const tool = this.#tools[index]
    if (tool === undefined) return
    const state = new Call(execution ?? '')
    this.#calls.set(id, state)
    const { isValue, json: answer } = await call(tool, json, state)
    this.#calls.delete(id)
    this.#native.reply(id, isValue, answer)
  }

  /** @param {number} id */
  #abandon(id) {
    this.#calls.get(id)?.abandon()
    this.#calls.delete(id)
  }
}

/** What a tool learns of one call of it. */
class Call {
  /** Made when it is asked for: most tools never do. @type {AbortController | undefined} */
  #controller
  #isAbandoned = false

  /** @param {string} executionId */
  constructor(executionId) {
    this.executionId = executionId
  }

  get signal() {
    this.#controller ??= new AbortController()
    if (this.#isAbandoned) this.abandon()
    return this.#controller.signal
  }

  abandon() {
    this.#isAbandoned = true
    this.#controller?.abort(new DOMException('nobody waits for the call any more', 'AbortError'))
  }
}

/**
 * `result`, or as soon as the signal aborts, its reason.
 * @param {Promise<ExecutionResult>} result @param {AbortSignal} signal @param {() => void} cancel
 * @returns {Promise<ExecutionResult>}
 */
function abortable(result, signal, cancel) {
  return new Promise((resolve, reject) => {
    const aborted = () => {
      reject(signal.reason)
      cancel()
    }
    signal.addEventListener('abort', aborted, { once: true })
    result.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted))
  })
}

/** @param {import('./types').Language} language */
function guide(language) {
  try {
    return native.guide(String(language))
  } catch (error) {
    throw conduitError(/** @type {Error} */ (error).message)
  }
}

/** @template T @param {T} definition */
const tool = (definition) => definition

module.exports = { Runtime, Execution, ConduitError, guide, tool }
