// Code mode for LangChain.js and LangGraph.js.

import type { DynamicStructuredTool, StructuredToolInterface } from '@langchain/core/tools' with {
  'resolution-mode': 'import',
}
import type { CodeMode, CodeModeOptions } from './code-mode'

export type { CodeMode, CodeModeOptions, ProgramResult } from './code-mode'

export type LangChainOptions = CodeModeOptions & {
  /** What `humanInTheLoopMiddleware` gets as `interruptOn`. It sees `execute` alone, so a tool that this names is refused. */
  interruptOn?: Record<string, unknown>
}

/**
 * One tool `execute` that runs programs which call `tools`, as `tools.host.<name>`, for `createAgent`, `ToolNode` and `bindTools`.
 * It answers with the JSON of a `ProgramResult`.
 *
 * A tool is invoked with the config of the call of `execute`: callbacks, tags, `configurable`, state and context, and a signal that aborts
 * with its own. What a tool says by `interrupt`, or gives as a `Command`, is an error of its call: only the graph can carry it out.
 *
 * Rejects with `invalid_config` when a tool is a provider's or one of `interruptOn`, and as `Runtime.create`.
 *
 * @example
 * const mode = await codeMode([weather, forecast])
 * const agent = createAgent({ model, tools: mode.tools })
 */
export function codeMode(
  tools: readonly StructuredToolInterface[],
  options?: LangChainOptions
): Promise<CodeMode<[DynamicStructuredTool]>>
