'use strict'
// Finds the native half: an optional dependency for this platform, which npm installs beside this package.

/** What there is a package for, as `process.platform`, `process.arch`. */
const PLATFORMS = new Map([['linux x64', 'linux-x64-gnu']])

/** @returns {typeof import('./native')} */
function load() {
  const platform = `${process.platform} ${process.arch}`
  const name = PLATFORMS.get(platform)
  if (name === undefined) {
    throw new Error(
      `conduit-codemode has no build for \`${platform}\`, expected \`${[...PLATFORMS.keys()].join('`, `')}\``,
    )
  }
  const missing = `conduit-codemode-${name}`
  try {
    return require(missing)
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error)
    const why =
      code === 'MODULE_NOT_FOUND'
        ? 'is not installed, install without `--omit=optional` and on the machine that it runs on'
        : 'cannot be loaded, it wants glibc'
    throw new Error(`the package \`${missing}\` ${why}`, { cause: error })
  }
}

module.exports = load()
