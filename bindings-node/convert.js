'use strict'
// Between JavaScript's names and the JSON of Conduit: `wallTimeMs` here is `wall_time_ms` there. Values are never renamed.

/** @typedef {Record<string, unknown>} Fields */

/** @type {Map<string, string>} */
const camelNames = new Map()

/** @param {string} name */
function camelName(name) {
  const known = camelNames.get(name)
  if (known !== undefined) return known
  const camel = name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase())
  camelNames.set(name, camel)
  return camel
}

/**
 * The same fields, by JavaScript's names. For fields that Conduit names, of which there are few.
 * @param {Fields} fields
 */
function camel(fields) {
  /** @type {Fields} */
  const renamed = {}
  for (const name in fields) renamed[camelName(name)] = fields[name]
  return renamed
}

/** @param {unknown} value @returns {value is Fields} */
const isFields = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The same fields, by their names in JSON. What is none is for Conduit to refuse.
 * @param {unknown} fields
 */
function snake(fields) {
  if (!isFields(fields)) return fields
  /** @type {Fields} */
  const renamed = {}
  for (const [name, value] of Object.entries(fields)) {
    const known = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    if (name.includes('_')) throw new TypeError(`\`${name}\` is not an option, expected \`${camelName(name)}\``)
    renamed[known] = value
  }
  return renamed
}

/** @param {Fields} keys The keys of a config. */
function config(keys) {
  const { upstreams, limits, maxLimits, ...others } = keys
  const listed = Array.isArray(upstreams) ? upstreams.map(snake) : upstreams
  return JSON.stringify(snake({ ...others, upstreams: listed, limits: snake(limits), maxLimits: snake(maxLimits) }))
}

/** @param {unknown} request */
function request(request) {
  if (!isFields(request)) throw new TypeError('the request must be an object, such as `{ language, code }`')
  const limits = snake(request.limits)
  return JSON.stringify({ ...request, limits })
}

/** @param {string} json @returns {import('./types').ExecutionResult} */
function result(json) {
  const { tool_calls, usage, ...others } = JSON.parse(json)
  return { ...others, toolCalls: tool_calls.map(camel), usage: camel(usage) }
}

/** @param {string} json @returns {import('./types').Event[]} */
function events(json) {
  const events = JSON.parse(json)
  for (const event of events) if (event.record !== undefined) event.record = camel(event.record)
  return events
}

/** @param {string} json */
const plain = (json) => JSON.parse(json)

/** @param {string} json @returns {import('./types').Described} */
const described = (json) => /** @type {any} */ (camel(JSON.parse(json)))

module.exports = { config, request, result, events, plain, described, isFields }
