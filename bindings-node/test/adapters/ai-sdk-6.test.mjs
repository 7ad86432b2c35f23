import { tests } from './ai-sdk.mjs'

tests('AI SDK 6', 6)
