/// <reference path="github.d.ts" />
export {}
const found = await tools.github.search_repositories({ query: 'conduit' })
const issue = await tools.github.create_issue({ owner: 'o', repo: 'r', title: found.items[0].name, labels: ['bug'] })
const hits = await tools.$search('merge pull request')
const { declaration } = await tools.$describe(hits[0]?.name ?? 'github.merge_pull_request')
// @ts-expect-error: a number, not a text
await tools.github.get_issue({ owner: 'o', repo: 'r', issue_number: '1' })
console.log(issue.html_url, declaration, input)
