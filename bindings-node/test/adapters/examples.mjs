// Module hooks: what the examples import is found from here.

/** @type {import('node:module').ResolveHook} */
export function resolve(specifier, context, next) {
  const isExample = context.parentURL?.includes('/examples/adapters/')
  return next(specifier, isExample ? { ...context, parentURL: import.meta.url } : context)
}
