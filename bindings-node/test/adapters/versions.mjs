// Module hooks: a package by the name of another version of it.

/** @type {Record<string, string>} */
let versions = {}

/** @param {Record<string, string>} data */
export function initialize(data) {
  versions = data
}

/** @type {import('node:module').ResolveHook} */
export function resolve(specifier, context, next) {
  const [name = '', ...path] = specifier.split('/')
  return next([versions[name] ?? name, ...path].join('/'), context)
}
