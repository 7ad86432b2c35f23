// Code mode for the OpenAI Agents SDK.

import type { FunctionTool, Tool } from '@openai/agents' with { 'resolution-mode': 'import' }
import type { CodeMode, CodeModeOptions } from './code-mode'

export type { CodeMode, CodeModeOptions, ProgramResult } from './code-mode'

/**
 * One tool `execute` that runs programs which call `tools`, as `tools.host.<name>`, for `new Agent({ tools })`. It answers with the
 * JSON of a `ProgramResult`.
 *
 * A tool is invoked with the `RunContext` of the call of `execute`, and with its details, whose signal aborts with that of the run. Its
 * `isEnabled` is asked for each call. The SDK hides the message of a tool's error behind a text of its own, which is what the program's
 * `ToolError` then says; `errorFunction: null` in `tool({...})` gives the message.
 *
 * Rejects with `invalid_config` when a tool has `needsApproval` or guardrails, may be called directly only, or is hosted, and as
 * `Runtime.create`.
 *
 * @example
 * const mode = await codeMode([weather, forecast])
 * const agent = new Agent({ name: 'agent', instructions, tools: mode.tools })
 */
export function codeMode(
  tools: readonly Tool<any>[],
  options?: CodeModeOptions
): Promise<CodeMode<[FunctionTool<any, any, string>]>>
