// What the adapters share.

import type { JsonSchema, Language, Limits, Runtime, RuntimeOptions, ToolDefinition } from '../index'

/** What a runtime is made of but for its tools, and how programs run. */
export type CodeModeOptions = DistributiveOmit<RuntimeOptions, 'tools' | 'limits'> & {
  /** The language of the programs; `typescript` by default. */
  language?: Language
  /** The name of the tool that runs them; `execute` by default. */
  name?: string
  /** Limits of each program. */
  limits?: Limits
  /** Which tools programs may call; `['host.*']` by default, which is all that were given. With `upstreams` it has to be stated. */
  policy?: { allow: readonly string[] }
}

type DistributiveOmit<T, Keys extends PropertyKey> = T extends unknown ? Omit<T, Keys> : never

/** One tool that runs programs, in a framework's own form. */
export interface CodeMode<Tools> extends AsyncDisposable {
  /** What the agent is given instead of the tools. */
  tools: Tools
  /** Where the programs run. */
  runtime: Runtime
  /** Closes the runtime. */
  close(): Promise<void>
}

/** What the model reads of a program. */
export type ProgramResult = { stdout?: string; stderr?: string } &
  /** It completed. */
  (
    | { value: unknown; error?: never }
    /** It threw, broke a limit or was cancelled. */
    | { error: string; value?: never }
  )

/** A framework's tool, as a host tool that is also told of the framework's call which the program runs for. */
export interface InnerTool extends Omit<ToolDefinition, 'execute' | 'inputSchema' | 'outputSchema'> {
  name: string
  inputSchema?: JsonSchema
  outputSchema?: JsonSchema
  /** `signal` aborts with the framework's own, and when nobody waits for the call any more. */
  call(args: any, outer: any, signal: AbortSignal): unknown
}

/** The JSON Schema of `{ code: string }`. */
export function codeSchema(): { [keyword: string]: unknown }

/** Why a tool is none for programs. */
export function refused(name: string, why: string): Error

/** A runtime with these tools, and what the framework's own tool is made of. */
export function open(
  inner: InnerTool[],
  options?: CodeModeOptions
): Promise<{
  name: string
  description: string
  run(code: string, outer: unknown, signal?: AbortSignal): Promise<ProgramResult>
  handle: Omit<CodeMode<unknown>, 'tools'>
}>
