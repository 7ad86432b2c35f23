// What all tests do with runtimes.

import assert from 'node:assert/strict'
import { ConduitError, Runtime } from 'conduit-codemode'

export const typescript = (code, more = {}) => ({ language: 'typescript', code, ...more })
export const python = (code, more = {}) => ({ language: 'python', code, ...more })

/** A runtime that is closed after the test `t`. Node 20 has no `await using`. */
export async function open(t, options = {}) {
  const runtime = await Runtime.create({ maxExecutions: 4, ...options })
  t.after(() => runtime.close())
  return runtime
}

/** The code and the message of the error that `promise` rejects with. */
export async function refusal(promise) {
  const error = await promise.then(
    () => assert.fail('expected an error'),
    (error) => error,
  )
  assert.ok(error instanceof ConduitError, String(error))
  return [error.code, error.message]
}
