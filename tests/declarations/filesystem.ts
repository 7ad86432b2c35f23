/// <reference path="filesystem.d.ts" />
export {}
const listed = await tools.filesystem.list_directory({ path: '/data' })
const names = listed.content.split('\n').filter((line) => line.startsWith('[FILE]'))
const files = await Promise.all(names.map((path) => tools.filesystem.read_text_file({ path, head: 10 })))
const total: number = files.reduce((length, file) => length + file.content.length, 0)
// @ts-expect-error: `path` is required
await tools.filesystem.read_text_file({ head: 10 })
console.log(total)
