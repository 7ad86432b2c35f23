// The same package for `import`.
export { ConduitError, Execution, Runtime, guide, tool } from './index.js'
