// The same package for `import`.
export { ConduitError, Execution, Runtime, tool } from './index.js'
