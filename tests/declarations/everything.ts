/// <reference path="everything.d.ts" />
export {}
const weather = await tools.everything['get-structured-content']({ location: 'New York' })
const warm: boolean = weather.temperature > 20 && weather.conditions.length > 0
const [sum, env] = await Promise.all([tools.everything['get-sum']({ a: 1, b: 2 }), tools.everything['get-env']()])
// @ts-expect-error: a place that the schema does not list
await tools.everything['get-structured-content']({ location: 'Atlantis' })
console.log(warm, sum.length, env)
