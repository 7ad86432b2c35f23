// The package's API. Promises reject with a `ConduitError` for what must be mended outside of the program, and with a
// `TypeError` for what is no use of the API at all.

import type {
  Config,
  Described,
  ErrorCode,
  ErrorInfo,
  Event,
  ExecutionRequest,
  ExecutionResult,
  Found,
  JsonSchema,
  Language,
  Tool,
  UpstreamStatus,
} from './types'

export type * from './types'

/** What a runtime is made of: a config file or its keys, and tools that are functions of this program. */
export type RuntimeOptions = (ConfigFile | ConfigKeys) & {
  /** Functions of this program, as `tools.host.<name>`: by name, or in a list. */
  tools?: HostTools
}

/** A config file. */
export interface ConfigFile {
  /** The path of a config file, YAML or JSON. The keys of `ConfigKeys` belong into it then. */
  config: string
}

/**
 * The keys of a config file. An unknown one is an error. Programs may call only what `policy` lists, functions of this program
 * included; `upstreams` are connected when they are first needed.
 */
export interface ConfigKeys extends Config {
  config?: undefined
}

/** What a tool is told of a call beside its arguments. */
export interface ToolContext {
  /** Aborts when nobody waits for the call any more: the program has ended, was cancelled or is out of time. */
  readonly signal: AbortSignal
  /** Whose call it is: `Execution.id`. */
  readonly executionId: string
}

/**
 * What a tool runs. The value becomes JSON; `undefined` is `null`. An error that is thrown reaches the program as a
 * `ToolError` with the code `tool_failed`, the error's `message` and its `content`, if it has one.
 */
export type ToolFunction<Args = any> = (args: Args, context: ToolContext) => unknown

/** A tool with what a model should know of it. */
export interface ToolDefinition<Args = any> {
  /** A title for people. */
  title?: string
  /** What it does, for the model. */
  description?: string
  /** What arguments it takes: a JSON Schema, or a Standard Schema, whose validation runs before `execute`. */
  inputSchema?: JsonSchema | StandardSchema<any, Args>
  /** What it gives: a JSON Schema, or a Standard Schema, whose JSON Schema alone is used. */
  outputSchema?: JsonSchema | StandardSchema<any, any>
  /** MCP's `annotations`. */
  annotations?: Record<string, unknown>
  /** What it runs. */
  execute: ToolFunction<Args>
}

/** A tool in a list. */
export interface NamedTool<Args = any> extends ToolDefinition<Args> {
  /** Its name within the upstream. */
  name: string
  /** The upstream that it belongs to: the first part of its full name. `host` by default. */
  upstream?: string
}

/** Functions of this program. */
export type HostTools = Record<string, ToolFunction | ToolDefinition> | readonly NamedTool[]

/** What Conduit needs of a Standard Schema: zod's, valibot's and others'. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown, ...more: any[]) => any
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

/** The type that a Standard Schema makes of what it validates. */
export type Validated<Schema extends StandardSchema<any, any>> = NonNullable<Schema['~standard']['types']>['output']

/**
 * The same definition; infers the type of the arguments from `inputSchema` when that is a Standard Schema.
 *
 * @example
 * const add = tool({ inputSchema: z.object({ a: z.number(), b: z.number() }), execute: ({ a, b }) => a + b })
 */
export function tool<Schema extends StandardSchema<any, any>, Definition extends object = {}>(
  definition: Definition &
    Omit<ToolDefinition, 'inputSchema' | 'execute'> & {
      inputSchema: Schema
      execute: ToolFunction<Validated<Schema>>
    },
): Definition & ToolDefinition<Validated<Schema>>
export function tool<Definition extends ToolDefinition>(definition: Definition): Definition

/**
 * What a model has to know to write a program in `language`: for the description of a tool that runs programs, before the declarations of
 * the tools that they can call. Throws `invalid_request` for what is no language.
 */
export function guide(language: Language): string

/** Which tools: those that a request with this `allow` may call. */
export interface ToolsOptions {
  /** Narrows the operator's policy. Absent keeps it, empty allows nothing. */
  allow?: readonly string[]
}

/** How to run a program. */
export interface ExecuteOptions {
  /** When it aborts, the program is ended and the result rejects with the signal's reason. `Execution.cancel` gives a result instead. */
  signal?: AbortSignal
}

/**
 * Where programs run. Make one and keep it. It keeps the process alive only while something is under way.
 *
 * @example
 * await using runtime = await Runtime.create({ policy: { allow: ['host.now'] }, tools: { now: () => Date.now() } })
 * const result = await runtime.execute({ language: 'python', code: 'return await tools.host.now()' })
 */
export class Runtime implements AsyncDisposable {
  private constructor()

  /**
   * Makes a runtime, in some milliseconds and on another thread.
   *
   * Rejects with `invalid_config`, `invalid_limit`, `address_denied`, `upstream_unavailable` or `internal`.
   */
  static create(options?: RuntimeOptions): Promise<Runtime>

  /**
   * Runs one program to its end. A program that throws, breaks a limit or is cancelled gives a result too.
   *
   * Rejects with `invalid_request`, `invalid_limit`, `busy`, `shut_down` or `internal`, or with the reason of `signal`.
   */
  execute(request: ExecutionRequest, options?: ExecuteOptions): Promise<ExecutionResult>

  /**
   * Starts one program.
   *
   * Throws `invalid_request`, `shut_down` or `internal`, or the reason of `signal` if that is aborted already; everything else comes from
   * `Execution.result`.
   */
  spawn(request: ExecutionRequest, options?: ExecuteOptions): Execution

  /** The tools that programs may call. Connects what is not connected; what cannot be is left out, `check` says why. */
  tools(options?: ToolsOptions): Promise<Tool[]>

  /** Those of them that fit `query` best. `limit` is the most of them, 1 to 50. */
  searchTools(query: string, options?: ToolsOptions & { limit?: number }): Promise<Found>

  /** The tools with these names, `upstream.tool` or an alias that is unambiguous. */
  describeTools(names: readonly string[], options?: ToolsOptions): Promise<Described>

  /** What a model should read before it writes a program in `language`: the tools as types. */
  declarations(language: Language, options?: ToolsOptions): Promise<string>

  /** Connects every upstream, also those that the policy does not reach, and says how that went. */
  check(): Promise<UpstreamStatus[]>

  /**
   * Refuses what comes, cancels what runs, waits a moment until it has been reported, and ends every connection.
   * Calling it again does no harm.
   */
  close(): Promise<void>

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** One program under way. It runs to its end whether or not somebody waits for it. */
export class Execution implements AsyncIterable<Event>, AsyncDisposable {
  private constructor()

  /** Unguessable, and the same as in the result. */
  readonly id: string

  /** How it ends. Rejects as `Runtime.execute`; nobody has to handle that. */
  readonly result: Promise<ExecutionResult>

  /** What happens, as it happens, each event once; ends with the program. Bounded by the program's limits. */
  readonly events: AsyncIterableIterator<Event>

  /** Ends the program. The result then says what it had produced. */
  cancel(): void

  /** As `events`. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Event>

  /** Ends the program and waits for its end. */
  [Symbol.asyncDispose](): Promise<void>
}

/** What must be mended outside of the program. */
export class ConduitError extends Error {
  constructor(code: ErrorCode, message: string, more?: Partial<ErrorInfo>)

  /** What kind of error this is. */
  readonly code: ErrorCode

  /** The id of the upstream that the error is about. */
  readonly upstream: string | null

  /** Whether nothing was done, and the same request may succeed later without a change. */
  readonly retryable: boolean
}
