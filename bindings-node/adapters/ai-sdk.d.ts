// Code mode for the Vercel AI SDK, versions 5 to 7.

import type { Tool, ToolSet } from 'ai' with { 'resolution-mode': 'import' }
import type { CodeMode, CodeModeOptions, ProgramResult } from './code-mode'

export type { CodeMode, CodeModeOptions, ProgramResult } from './code-mode'

/** The tool that runs programs. */
export type ExecuteTool = Tool<{ code: string }, ProgramResult> & {
  execute: NonNullable<Tool<{ code: string }, ProgramResult>['execute']>
}

export type AiSdkOptions = CodeModeOptions & {
  /**
   * What `generateText` gets as `toolApproval` in version 7. The SDK asks for approval of `execute` alone, so a tool that this names is
   * refused, unless as `approved` or `not-applicable`. What a function will say nobody can know: it refuses all.
   */
  toolApproval?: unknown
}

/**
 * One tool `execute` that runs programs which call `tools`, as `tools.host.<name>`, for `generateText`, `streamText` and agents.
 *
 * A tool is called with the options of the call of `execute`: its `toolCallId`, `messages`, context, and a signal that aborts with its
 * `abortSignal`. Arguments are validated by the tool's schema. Of a tool that yields, the last value is its result.
 *
 * Rejects with `invalid_config` when a tool needs approval, has no `execute` or is a provider's, and as `Runtime.create`.
 *
 * @example
 * const mode = await codeMode({ weather, forecast })
 * const { text } = await generateText({ model, prompt, tools: mode.tools, stopWhen: stepCountIs(10) })
 * await mode.close()
 */
export function codeMode(tools: ToolSet, options?: AiSdkOptions): Promise<CodeMode<{ [name: string]: ExecuteTool }>>
