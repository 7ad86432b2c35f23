'use strict'
// The package's API, over the native half. Converts and keeps promises; what is allowed and what holds is decided there.

const { Readable } = require('node:stream')
const { clearInterval, setInterval } = require('node:timers')
const { setTimeout: sleep } = require('node:timers/promises')
const native = require('./native.js')
const convert = require('./convert.js')
const { hostTools, call } = require('./tools.js')

/** @import * as Declared from './index' */
/** @import { Deliver, NativeRuntime } from './native' */
/** @import { HostTool } from './tools' */
/** @import { ErrorCode, ErrorInfo, Event, ExecutionRequest, ExecutionResult, Language } from './types' */
/** @typedef {{ resolve: (json: string) => void, reject: (error: { message: string }) => void }} Settle */
/** @typedef {Settle & { timer: NodeJS.Timeout, events: Readable | undefined }} Operation */

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
  /** @param {ErrorCode} code @param {string} message @param {Partial<ErrorInfo>} [more] */
  constructor(code, message, { upstream = null, retryable = false } = {}) {
    super(message)
    this.name = 'ConduitError'
    this.code = code
    this.upstream = upstream
    this.retryable = retryable
  }
}

/** @param {any} error Native code's: its message is the JSON of an error of core's, or says what went wrong. */
function conduitError({ message: json }) {
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
    throw conduitError(error)
  }
}

/** One program under way. @implements {Declared.Execution} */
class Execution {
  #cancel
  #ended

  /**
   * @param {symbol} ours @param {string} id @param {Promise<ExecutionResult>} result @param {Promise<unknown>} ended
   * @param {AsyncIterableIterator<Event>} events @param {() => void} cancel
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
  #native
  #tools
  /** What is under way. @type {Map<number, Operation>} */
  #operations = new Map()
  #nextOperation = 0
  /** The calls under way. @type {Map<number, AbortController>} */
  #calls = new Map()
  /** @type {Promise<void> | undefined} */
  #closed
  /** Called when nothing is under way any more. @type {(value?: undefined) => void} */
  #idle = () => {}

  /** @param {symbol} ours @param {NativeRuntime} native @param {HostTool[]} tools */
  constructor(ours, native, tools) {
    if (ours !== OURS) throw new TypeError('a runtime is made by `await Runtime.create(options)`')
    this.#native = native
    this.#tools = tools
  }

  /** @param {Declared.RuntimeOptions} [options] */
  static async create(options = {}) {
    if (!convert.isFields(options)) throw new TypeError('the options must be an object')
    const { config, tools: given, ...keys } = options
    const [beside] = Object.entries(keys).filter(([, value]) => value !== undefined)
    if (config !== undefined && beside !== undefined) {
      throw new ConduitError('invalid_config', `\`${beside[0]}\` stands beside \`config\`, expected it in that file`)
    }
    if (config !== undefined && typeof config !== 'string') throw new TypeError('`config` must be the path of a file')
    const tools = hostTools(given)
    const definitions = tools.map(({ json }) => json)
    // The function that Node holds on to holds nothing: a runtime that nobody uses is collected.
    /** @type {WeakRef<Runtime> | undefined} */
    let made
    const parts = native.create(config, convert.config(keys), definitions, (...message) => {
      const runtime = made?.deref()
      if (runtime !== undefined) runtime.#deliver(...message)
    })
    const runtime = new Runtime(OURS, await heard(parts), tools)
    made = new WeakRef(runtime)
    return runtime
  }

  /** @param {ExecutionRequest} request @param {Declared.ExecuteOptions} [options] */
  async execute(request, options) {
    const signal = signalOf(options)
    const json = convert.request(request)
    const { operation, ended } = this.#operation((id) => {
      // Only what is spawned can be cancelled.
      if (signal === undefined) this.#native.execute(id, json)
      else this.#native.spawn(id, json, false)
    })
    const forget = () => {
      this.#take(operation)
      this.#native.cancel(operation)
    }
    return convert.result(await abortable(ended, signal, forget))
  }

  /** @param {ExecutionRequest} request @param {Declared.ExecuteOptions} [options] */
  spawn(request, options) {
    const signal = signalOf(options)
    const json = convert.request(request)
    const events = new Readable({ objectMode: true, read() {} })
    const { operation, started, ended } = this.#operation((id) => this.#native.spawn(id, json, true), events)
    const cancel = () => this.#native.cancel(operation)
    const result = abortable(ended, signal, cancel).then(convert.result)
    // Whoever only watches the events need not handle what becomes of the result.
    result.catch(() => {})
    return new Execution(OURS, started, result, ended, events[Symbol.asyncIterator](), cancel)
  }

  /** @param {{ allow?: string[] }} [options] */
  async tools({ allow } = {}) {
    return this.#ask({ ask: 'tools', allow })
  }

  /** @param {string} query @param {{ limit?: number, allow?: string[] }} [options] */
  async searchTools(query, { limit, allow } = {}) {
    return this.#ask({ ask: 'search_tools', query, limit, allow })
  }

  /** @param {string[]} names @param {{ allow?: string[] }} [options] */
  async describeTools(names, { allow } = {}) {
    return convert.camel(await this.#ask({ ask: 'describe_tools', names, allow }))
  }

  /** @param {Language} language @param {{ allow?: string[] }} [options] */
  async declarations(language, { allow } = {}) {
    return this.#ask({ ask: 'declarations', language, allow })
  }

  async check() {
    return this.#ask({ ask: 'check' })
  }

  close() {
    return (this.#closed ??= this.#close())
  }

  [Symbol.asyncDispose]() {
    return this.close()
  }

  async #close() {
    try {
      await this.#ask({ ask: 'shutdown' })
      if (this.#operations.size > 0) {
        // What it cancelled has ended, and is on its way here.
        const idle = new Promise((resolve) => (this.#idle = resolve))
        await Promise.race([idle, sleep(REPORT_MS, undefined, { ref: false })])
      }
    } finally {
      this.#native.dispose()
      // What did not end in time has nobody left to report it.
      const late = JSON.stringify({ code: 'shut_down', message: 'the runtime is shut down' })
      for (const id of this.#operations.keys()) this.#take(id)?.reject({ message: late })
      for (const id of this.#calls.keys()) this.#abandon(id)
    }
  }

  /** @param {object} question */
  async #ask(question) {
    const json = JSON.stringify(question)
    return JSON.parse(await this.#operation((id) => this.#native.ask(id, json)).ended)
  }

  /**
   * Starts something, and gives the promise of its JSON.
   * @template T @param {(operation: number) => T} start @param {Readable} [events]
   */
  #operation(start, events) {
    const operation = this.#nextOperation
    this.#nextOperation = (operation + 1) >>> 0
    let started
    try {
      started = start(operation)
    } catch (error) {
      throw conduitError(error)
    }
    // Until it ends, the process does not, and the runtime is not collected.
    const timer = setInterval(() => this, LONG)
    /** @type {Promise<string>} */
    const ended = new Promise((resolve, reject) => {
      this.#operations.set(operation, { resolve, reject, events, timer })
    })
    return { operation, started, ended: heard(ended) }
  }

  /** What is under way by this number, until now. @param {number} id */
  #take(id) {
    const operation = this.#operations.get(id)
    this.#operations.delete(id)
    clearInterval(operation?.timer)
    operation?.events?.push(null)
    if (this.#operations.size === 0) this.#idle()
    return operation
  }

  /** @type {Deliver} */
  #deliver(kind, id, tool, json, execution) {
    if (kind === VALUE) this.#take(id)?.resolve(json)
    else if (kind === FAILURE) this.#take(id)?.reject({ message: json })
    else if (kind === EVENTS) convert.events(json).forEach((event) => this.#operations.get(id)?.events?.push(event))
    else if (kind === CALL) this.#call(id, tool, json, execution)
    else if (kind === ABANDONED) this.#abandon(id)
  }

  /** @param {number} id @param {number} index @param {string} json @param {string | null} execution */
  async #call(id, index, json, execution) {
    const tool = this.#tools[index]
    if (tool === undefined) return
    const controller = new AbortController()
    this.#calls.set(id, controller)
    const reply = await call(tool, json, {
      executionId: execution ?? '',
      // Made when it is asked for: most tools never do.
      get signal() {
        return controller.signal
      },
    })
    this.#calls.delete(id)
    this.#native.reply(id, reply.isValue, reply.json)
  }

  /** @param {number} id */
  #abandon(id) {
    this.#calls.get(id)?.abort(new DOMException('nobody waits for the call any more', 'AbortError'))
    this.#calls.delete(id)
  }
}

/** @param {Declared.ExecuteOptions} [options] */
function signalOf(options = {}) {
  for (const name in options) if (name !== 'signal') throw new TypeError(`\`${name}\` is not an option, expected \`signal\``)
  options.signal?.throwIfAborted()
  return options.signal
}

/**
 * `ended`, or as soon as the signal aborts, its reason.
 * @template T @param {Promise<T>} ended @param {AbortSignal | undefined} signal @param {() => void} cancel
 * @returns {Promise<T>}
 */
function abortable(ended, signal, cancel) {
  if (signal === undefined) return ended
  return new Promise((resolve, reject) => {
    const aborted = () => {
      reject(signal.reason)
      cancel()
    }
    signal.addEventListener('abort', aborted, { once: true })
    ended.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted))
  })
}

/** @param {Language} language */
function guide(language) {
  try {
    return native.guide(String(language))
  } catch (error) {
    throw conduitError(error)
  }
}

/** @template T @param {T} definition */
const tool = (definition) => definition

module.exports = { Runtime, Execution, ConduitError, guide, tool }
