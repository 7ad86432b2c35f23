'use strict'
// Finds the native half: an optional dependency for this platform, which npm installs beside this package.

const { name, optionalDependencies } = require('./package.json')

/** @returns {typeof import('./native')} */
function load() {
  const platform = `${process.platform}-${process.arch}`
  const builds = Object.keys(optionalDependencies)
  // The C library may follow in the name.
  const build = builds.find((build) => `${build}-`.startsWith(`${name}-${platform}-`))
  if (build === undefined) {
    throw new Error(`${name} has no build for \`${platform}\`, expected one of \`${builds.join('`, `')}\``)
  }
  try {
    return require(build)
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error)
    const why =
      code === 'MODULE_NOT_FOUND'
        ? 'is not installed, install without `--omit=optional` and on the machine that it runs on'
        : 'cannot be loaded: on Linux it wants glibc'
    throw new Error(`the package \`${build}\` ${why}`, { cause: error })
  }
}

module.exports = load()
