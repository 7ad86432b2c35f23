import { register } from 'node:module'

// The adapter's own `import('ai')` is that of this version too.
register('./versions.mjs', import.meta.url, { data: { ai: 'ai-7' } })
const { tests } = await import('./ai-sdk.mjs')

tests('AI SDK 7', 7)
