// What goes into an execution and what comes out, with JavaScript's names.

/** The language of a program: TypeScript (of which JavaScript is a part), or Python 3.13 with its standard library. */
export type Language = 'typescript' | 'python'

/** A limit that an execution can break. */
export type Limit =
  | 'cpu_time'
  | 'wall_time'
  | 'memory'
  | 'stack'
  | 'output'
  | 'log_entries'
  | 'program_size'
  | 'program_depth'
  | 'result_size'
  | 'tool_calls'
  | 'tool_calls_in_flight'
  | 'call_size'
  | 'reply_size'

/** Limits of one execution. What is absent has the operator's value; what is above the operator's maximum is clamped to it. */
export interface Limits {
  /** CPU time of the guest's thread, in milliseconds. Waiting costs none. */
  cpuTimeMs?: number
  /** Time from start to end, waiting included, in milliseconds. */
  wallTimeMs?: number
  /** The guest's memory and what the host holds for its calls under way, in bytes. */
  memoryBytes?: number
  /** The guest's native stack, in bytes. Recursion normally ends earlier, as an error that the program can catch. */
  stackBytes?: number
  /** Standard output and standard error together, in bytes of UTF-8. */
  outputBytes?: number
  /** Writes to standard output and standard error: one `console.log` or `print` each. */
  logEntries?: number
  /** The program's source and its input, in bytes each. */
  programBytes?: number
  /** Nesting of the program's syntax: brackets, operators, types. */
  programDepth?: number
  /** The JSON of the program's value, in bytes. */
  resultBytes?: number
  /** Calls of tools, refused ones and searches included. */
  toolCalls?: number
  /** Calls at once; further ones wait their turn. */
  toolCallsInFlight?: number
  /** The JSON of one call's arguments, in bytes. A larger call fails; the program can catch it. */
  callBytes?: number
  /** One call's reply, or one answer about tools, in bytes. A larger one fails the call; the program can catch it. */
  replyBytes?: number
}

/** One program to run, and what it may do. */
export interface ExecutionRequest {
  /** The program's language. */
  language: Language
  /** The program's source. */
  code: string
  /** Narrows the operator's policy to these patterns. Absent keeps it, empty allows nothing. */
  allow?: readonly string[]
  /** What the program finds as `input`: JSON. Absent is `null`. */
  input?: unknown
  /** Limits that differ from the operator's defaults. */
  limits?: Limits
}

/** How an execution ended, and everything that it produced until then. */
export interface ExecutionResult {
  /** Unguessable, unique per execution. */
  id: string
  /** How it ended. */
  outcome: Outcome
  /** The program's value; `null` unless it completed. */
  value: any
  /** Standard output, complete or cut at the limit. */
  stdout: string
  /** Standard error, likewise. */
  stderr: string
  /** Every call of a tool, in the order in which they started. */
  toolCalls: ToolCallRecord[]
  /** What it used. */
  usage: Usage
}

/** How an execution ended. */
export type Outcome =
  /** The program ended by itself; its value is in the result. */
  | { status: 'completed' }
  /** The program threw, or is not a program. */
  | { status: 'failed'; error: GuestError }
  /** The program broke a limit; what it had produced is kept. `message` has the limit's value and what to do, for the model. */
  | { status: 'limit_exceeded'; limit: Limit; message: string }
  /** The caller cancelled it. */
  | { status: 'cancelled' }

/** What a program threw, in the positions of its own source. */
export interface GuestError {
  /** The error's class, such as `TypeError`. */
  name: string
  /** The error's text. */
  message: string
  /** Where it was thrown, one frame a line, then what else the error tells. Empty when not known. */
  stack: string
  /** The line in the program, from 1, when known. */
  line?: number
  /** The column in the program, from 1, in UTF-16 units, when known. */
  column?: number
}

/** One call of a tool, as it went. */
export interface ToolCallRecord {
  /** The tool: as resolved, or as the program named it when it was refused. */
  tool: string
  /** `null` when the call gave a value, else why it did not. */
  error: ErrorCode | null
  /** When it started, in milliseconds after the execution. */
  startedMs: number
  /** How long it took, in milliseconds. */
  durationMs: number
  /** The arguments' JSON, in bytes. */
  argumentsBytes: number
  /** The JSON that the program got, in bytes. */
  replyBytes: number
}

/** What an execution used. */
export interface Usage {
  /** CPU time of the guest's thread, in milliseconds. */
  cpuTimeMs: number
  /** Time from start to end, in milliseconds. */
  wallTimeMs: number
  /** The guest's memory at its largest, in bytes. */
  memoryBytes: number
  /** Output kept, in bytes. */
  outputBytes: number
  /** Writes to standard output and standard error. */
  logEntries: number
  /** Calls of tools, refused ones and searches included. */
  toolCalls: number
  /** Limits that were asked for above what is allowed, and clamped. */
  clamped?: Limit[]
}

/** What happens while an execution runs. */
export type Event =
  /** The program wrote to standard output. */
  | { event: 'stdout'; text: string }
  /** The program wrote to standard error. */
  | { event: 'stderr'; text: string }
  /** A call of a tool went out. `index` counts the calls of this execution from 0. */
  | { event: 'tool_call_started'; index: number; tool: string }
  /** A call of a tool ended. */
  | { event: 'tool_call_ended'; index: number; record: ToolCallRecord }

/**
 * Why something failed. By the caller: `invalid_request`, `invalid_config`, `invalid_limit`. By the host: `busy` (retry later),
 * `shut_down`, `internal`. The others are of tools and upstreams.
 */
export type ErrorCode =
  | 'invalid_request'
  | 'invalid_config'
  | 'invalid_limit'
  | 'tool_not_found'
  | 'tool_failed'
  | 'arguments_too_large'
  | 'reply_too_large'
  | 'cancelled'
  | 'invalid_arguments'
  | 'invalid_schema'
  | 'missing_schema'
  | 'upstream_unavailable'
  | 'upstream_died'
  | 'upstream_protocol'
  | 'upstream_timeout'
  | 'address_denied'
  | 'busy'
  | 'shut_down'
  | 'internal'

/** An error, as data. */
export interface ErrorInfo {
  /** What kind of error this is. */
  code: ErrorCode
  /** The whole text, with the cause. */
  message: string
  /** The id of the upstream that the error is about. */
  upstream: string | null
  /** Whether nothing was done, and the same request may succeed later without a change. */
  retryable: boolean
}

/** A tool, as its upstream lists it. Its texts are the upstream's: data, never to be trusted. */
export interface Tool {
  /** `upstream.tool`. */
  name: string
  /** A title for people. */
  title?: string
  /** What the tool does. */
  description?: string
  /** JSON Schema of the arguments. */
  inputSchema?: JsonSchema
  /** JSON Schema of `structuredContent`. */
  outputSchema?: JsonSchema
  /** MCP's `annotations`. */
  annotations?: Record<string, unknown>
}

/** A JSON Schema, as JSON. */
export type JsonSchema = boolean | { [keyword: string]: any }

/** Whether an upstream's tools could be had. */
export interface UpstreamStatus {
  /** The upstream's id. */
  id: string
  /** How many tools it offers, if they could be had. */
  tools: number | null
  /** Why they could not be had. */
  error: ErrorInfo | null
  /** What was dropped from its list, and why. */
  warnings: string[]
}

/** What a search gives. */
export interface Found {
  /** The tools that fit best, best first. */
  tools: Tool[]
  /** The upstreams whose tools could not be searched, and why. */
  unavailable: UpstreamStatus[]
}

/** Tools by their names. */
export interface Described {
  /** Those that there are, in the order of their names, each once. */
  tools: Tool[]
  /** One error for each name that no tool has, or none that is allowed. */
  notFound: ToolErrorInfo[]
  /** One error for each name whose upstream cannot be asked; the tool may exist. */
  unavailable: ToolErrorInfo[]
}

/** A failed or refused call, as data. */
export interface ToolErrorInfo {
  /** Why. */
  code: ErrorCode
  /** What failed, what was expected, what to try. */
  message: string
  /** The tool. */
  tool: string
  /** The tool's own content, when it ran and reported an error. */
  content?: unknown
}

/** An MCP server: where tools come from. Times are milliseconds, or texts such as `'20s'`. */
export type UpstreamConfig = StdioUpstream | StreamableHttpUpstream

/** What upstreams of both kinds have. */
export interface UpstreamCommon {
  /** The name in `tools.<id>`: letters, digits, `-` and single `_`. */
  id: string
  /** Starting or reaching it, handshake included. 30 s by default. */
  connectTimeout?: number | string
  /** One call, or one list of tools, to its last byte. 60 s by default. */
  callTimeout?: number | string
}

/** An MCP server that Conduit starts. */
export interface StdioUpstream extends UpstreamCommon {
  type: 'stdio'
  /** The program; no shell is between. */
  command: string
  /** Its arguments. */
  args?: readonly string[]
  /** The variables that it gets beside `PATH`, `HOME`, `LANG` and `TMPDIR`; a secret is cut out of whatever the server answers. */
  env?: Record<string, string | { secret: string } | { plain: string }>
  /** Its working directory. */
  cwd?: string
}

/** An MCP server over HTTP. */
export interface StreamableHttpUpstream extends UpstreamCommon {
  type: 'streamable_http'
  /** Where it is; `https`, or `http`. */
  url: string
  /** Whether it may be at an address that is not public, such as `127.0.0.1`. */
  allowPrivate?: boolean
  /** Sent as `Authorization: Bearer ...`. */
  bearerToken?: string
  /** A key, sent in `header`. */
  apiKey?: string
  /** The header of `apiKey`; `X-API-Key` by default. */
  header?: string
}
