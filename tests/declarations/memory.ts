/// <reference path="memory.d.ts" />
export {}
await tools.memory.create_entities({ entities: [{ name: 'a', entityType: 'thing', observations: [] }] })
const graph = await tools.memory.read_graph()
const names: string[] = graph.entities.map((entity) => entity.name)
try {
  await tools.$call('memory.no_such_tool')
} catch (error) {
  if (error instanceof ToolError) console.log(error.code, error.tool, error.message)
}
// @ts-expect-error: `entityType` is required
await tools.memory.create_entities({ entities: [{ name: 'a', observations: [] }] })
console.log(names)
