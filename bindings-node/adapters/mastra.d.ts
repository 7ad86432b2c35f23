// Code mode for Mastra 1.

import type { ToolsInput } from '@mastra/core/agent' with { 'resolution-mode': 'import' }
import type { Tool } from '@mastra/core/tools' with { 'resolution-mode': 'import' }
import type { CodeMode, CodeModeOptions, ProgramResult } from './code-mode'

export type { CodeMode, CodeModeOptions, ProgramResult } from './code-mode'

/**
 * One tool `execute` that runs programs which call `tools`, as `tools.host.<key>`, for `new Agent({ tools })`.
 *
 * A tool is executed with the context of the call of `execute`: `requestContext`, `mastra`, `agent`, workspace, tracing, and an
 * `abortSignal` that aborts with its own. What does not fit a tool's schemas is an error of its call.
 *
 * An agent's own `requireToolApproval` asks for approval of `execute` alone: leave out the tools that it is meant for.
 *
 * Rejects with `invalid_config` when a tool has `requireApproval`, suspends, has no `execute` or is a provider's, and as `Runtime.create`.
 *
 * @example
 * const mode = await codeMode({ weather, forecast })
 * const agent = new Agent({ id: 'agent', name: 'agent', instructions, model, tools: mode.tools })
 */
export function codeMode(
  tools: ToolsInput,
  options?: CodeModeOptions
): Promise<CodeMode<{ [name: string]: Tool<{ code: string }, ProgramResult> }>>
