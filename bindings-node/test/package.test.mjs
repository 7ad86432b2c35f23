// The packages as a user gets them: installed from their archives into an empty project, without a registry.

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const ARCHIVES = fileURLToPath(new URL('../../.work/packages/node', import.meta.url))
const timeout = 120_000
const project = mkdtempSync(join(tmpdir(), 'conduit-'))

before(
  () => {
    writeFileSync(join(project, 'package.json'), '{ "name": "empty", "private": true }\n')
    const archives = readdirSync(ARCHIVES).filter((name) => name.endsWith('.tgz'))
    assert.equal(archives.length, 2)
    const paths = archives.map((name) => join(ARCHIVES, name))
    execFileSync('npm', ['install', '--offline', '--no-audit', '--no-fund', '--silent', ...paths], {
      cwd: project,
      stdio: 'inherit',
    })
  },
  { timeout },
)
after(() => rmSync(project, { recursive: true }))

/** How a program of the project ends: its status or signal, what it printed. `talk` may speak with it. */
async function run(program, args, talk = (child) => child.stdin.end()) {
  const child = spawn(program, args, { cwd: project, timeout: 60_000, killSignal: 'SIGKILL' })
  const text = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (data) => (text[name] += data))
  const ended = new Promise((resolve) =>
    child.on('close', (code, signal) => resolve([code ?? signal, text.stdout, text.stderr])),
  )
  await talk(child)
  return ended
}

const conduit = (args, talk) => run(join(project, 'node_modules/.bin/conduit'), args, talk)

/** Waits for a line of standard output. */
const line = (child) => new Promise((resolve) => child.stdout.once('data', resolve))

const BODY = `
  const runtime = await Runtime.create({ policy: { allow: ['*'] }, tools: { one: () => 1 } })
  console.log((await runtime.execute({ language: 'python', code: 'return await tools.host.one()' })).value)`

test('ESM and CommonJS programs use the package', { timeout }, async () => {
  writeFileSync(join(project, 'a.mjs'), `import { Runtime } from 'conduit-codemode'\n${BODY}`)
  writeFileSync(join(project, 'b.cjs'), `const { Runtime } = require('conduit-codemode')\n;(async () => {${BODY}})()`)
  assert.deepEqual(await run('node', ['a.mjs']), [0, '1\n', ''])
  assert.deepEqual(await run('node', ['b.cjs']), [0, '1\n', ''])
})

test('nothing runs when the packages are installed, and they have what they need', () => {
  const folder = join(project, 'node_modules')
  const installed = readdirSync(folder).filter((name) => !name.startsWith('.'))
  assert.deepEqual(installed, ['conduit-codemode', 'conduit-codemode-linux-x64-gnu'])
  for (const name of installed) {
    const manifest = JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8'))
    assert.deepEqual([manifest.scripts, manifest.dependencies, manifest.license], [undefined, undefined, 'MIT'])
    assert.match(readFileSync(join(folder, name, 'LICENSE'), 'utf8'), /^MIT License/)
  }
})

test('the readme of the package is a program that runs', { timeout }, async () => {
  const readme = readFileSync(join(project, 'node_modules/conduit-codemode/README.md'), 'utf8')
  const [, sample] = readme.match(/```js\n([\s\S]*?)```/)
  writeFileSync(join(project, 'readme.mjs'), sample)
  assert.deepEqual(await run('node', ['readme.mjs']), [0, '[ 21, 21 ] 2 cities\n\n', ''])
})

test('a missing native half is an error that names it', { timeout }, async () => {
  const code = `
    const module = require('node:module')
    const find = module._resolveFilename
    module._resolveFilename = (name, ...more) => find(name.startsWith('conduit-codemode-') ? 'not-there' : name, ...more)
    require('conduit-codemode')`
  const [status, , stderr] = await run('node', ['-e', code])
  assert.equal(status, 1)
  assert.match(
    stderr,
    /Error: the package `conduit-codemode-linux-x64-gnu` is not installed, install without `--omit=optional`/,
  )
  const elsewhere = "Object.defineProperty(process, 'platform', { value: 'plan9' }); require('conduit-codemode')"
  assert.match(
    (await run('node', ['-e', elsewhere]))[2],
    /Error: conduit-codemode has no build for `plan9-x64`, expected one of `conduit-codemode-darwin-arm64`, /,
  )
})

test('the command keeps its streams and its status', { timeout }, async () => {
  const [status, version] = await conduit(['--version'])
  assert.deepEqual([status, version], [0, 'conduit 0.1.0\n'])
  writeFileSync(join(project, 'p.ts'), 'console.log("a"); console.error("b"); input.n + 1')
  assert.deepEqual(await conduit(['exec', '--input', '{"n": 1}', 'p.ts']), [0, 'a\n2\n', 'b\n'])
  const program = (code, ...args) => conduit(['exec', ...args, '-'], (child) => child.stdin.end(code))
  assert.equal((await program('throw 1'))[0], 1)
  assert.equal((await program('while (true) {}', '--limit', 'cpu_time=50ms'))[0], 3)
  assert.equal((await conduit(['nonsense']))[0], 2)
  const other = await run(join(project, 'node_modules/.bin/conduit-codemode'), ['--version'])
  assert.deepEqual(other, [0, 'conduit 0.1.0\n', ''])
})

test('signals end the command', { timeout }, async () => {
  for (const signal of ['SIGINT', 'SIGTERM']) {
    const talk = async (child) => {
      child.stdin.end('console.log(1); while (true) {}')
      await line(child)
      child.kill(signal)
    }
    assert.deepEqual((await conduit(['exec', '-'], talk)).slice(0, 2), [130, '1\n'], signal)
  }
})

test('`npx conduit-codemode serve --stdio` is an MCP server', { timeout }, async () => {
  const request = (id, method, params) => `${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`
  const clientInfo = { name: 'test', version: '1' }
  const answers = []
  const [status] = await run('npx', ['--offline', 'conduit-codemode', 'serve', '--stdio'], async (child) => {
    child.stdin.write(request(1, 'initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo }))
    answers.push(JSON.parse(await line(child)))
    child.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
    child.stdin.write(request(2, 'tools/call', { name: 'execute_typescript', arguments: { code: '20 + 1' } }))
    answers.push(JSON.parse(await line(child)))
    child.stdin.end()
  })
  assert.equal(status, 0)
  assert.equal(answers[0].result.serverInfo.name, 'conduit')
  assert.equal(answers[1].result.structuredContent.value, 21)
})
