// What src/lib.rs exports. JSON texts are in core's form.

export type Deliver = (kind: number, id: number, tool: number, json: string, execution: string | null) => void

export function main(args: string[]): number
export function guide(language: string): string
export function create(
  config: string | undefined,
  keys: string,
  tools: string[],
  deliver: Deliver,
): Promise<NativeRuntime>

export interface NativeRuntime {
  execute(operation: number, request: string): void
  spawn(operation: number, request: string, withEvents: boolean): string
  cancel(operation: number): void
  ask(operation: number, question: string): void
  reply(call: number, isValue: boolean, json: string): void
  dispose(): void
}
