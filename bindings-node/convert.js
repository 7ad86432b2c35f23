'use strict'
// Between JavaScript's names and the JSON of Conduit: `wallTimeMs` here is `wall_time_ms` there. Values are never renamed.

/** @typedef {Record<string, unknown>} Fields */

/** JavaScript's names by those of Conduit, of which there are few. @type {Record<string, string>} */
const camelNames = Object.create(null)

/** @param {string} name */
const camelName = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase())

/** The same fields, by JavaScript's names. @param {Fields} fields */
function camel(fields) {
  /** @type {any} */
  const renamed = {}
  for (const name in fields) renamed[(camelNames[name] ??= camelName(name))] = fields[name]
  return renamed
}

/** @param {unknown} value @returns {value is Fields} */
const isFields = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)

/** The same fields, by their names in JSON. What is none is for Conduit to refuse. @param {unknown} fields */
function snake(fields) {
  if (!isFields(fields)) return fields
  const named = Object.entries(fields).map(([name, value]) => {
    if (name.includes('_')) throw new TypeError(`\`${name}\` is not an option, expected \`${camelName(name)}\``)
    // JSON has none of them, and would have `null`.
    if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`\`${name}\` cannot be ${value}`)
    return [name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]
  })
  return Object.fromEntries(named)
}

/** @param {Fields} keys The keys of a config. */
function config({ upstreams, limits, maxLimits, ...others }) {
  const listed = Array.isArray(upstreams) ? upstreams.map(snake) : upstreams
  return JSON.stringify(snake({ ...others, upstreams: listed, limits: snake(limits), maxLimits: snake(maxLimits) }))
}

/** @param {unknown} request */
function request(request) {
  if (!isFields(request)) throw new TypeError('the request must be an object, such as `{ language, code }`')
  return JSON.stringify({ ...request, limits: snake(request.limits) })
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

module.exports = { camel, config, request, result, events, isFields }
