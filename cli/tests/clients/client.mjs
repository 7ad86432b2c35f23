// The TypeScript SDK's client lists and calls the tools of `conduit serve --stdio`. Usage: client.mjs COMMAND ARGS...
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

// The packages lie where `cargo xtask` put them, not beside this file.
const require = createRequire(path.join(process.env.CONDUIT_TEST_NODE_MODULES, 'x.js'));
const load = (name) => import(pathToFileURL(require.resolve(name)));
const { Client } = await load('@modelcontextprotocol/sdk/client/index.js');
const { StdioClientTransport } = await load('@modelcontextprotocol/sdk/client/stdio.js');

const [command, ...args] = process.argv.slice(2);
const client = new Client({ name: 'conduit-tests', version: '1.0.0' });
await client.connect(new StdioClientTransport({ command, args }));

const { tools } = await client.listTools();
assert.deepEqual(tools.map((tool) => tool.name).sort(), ['describe_tools', 'execute_python', 'execute_typescript', 'search_tools']);

const code = 'const { sum } = await tools.up.add({ a: 2, b: 40 });\nconsole.log("the sum is", sum);\nreturn { sum };';
// callTool checks structuredContent against the tool's outputSchema.
const result = await client.callTool({ name: 'execute_typescript', arguments: { code } });
assert.ok(!result.isError, JSON.stringify(result));
assert.deepEqual(result.structuredContent.value, { sum: 42 });
assert.equal(result.structuredContent.stdout, 'the sum is 42\n');

const failed = await client.callTool({ name: 'execute_typescript', arguments: { code: 'for (;;) {}', limits: { cpu_time_ms: 50 } } });
assert.equal(failed.isError, true);
assert.equal(failed.structuredContent.outcome.limit, 'cpu_time');

const found = await client.callTool({ name: 'search_tools', arguments: { query: 'add two numbers' } });
assert.match(found.content[0].text, /up\.add/);
const described = await client.callTool({ name: 'describe_tools', arguments: { names: ['up.add'] } });
assert.match(described.content[0].text, /a: number/);
await client.close();
console.log('ok');
