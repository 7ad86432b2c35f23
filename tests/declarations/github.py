import asyncio


async def main() -> None:
    found = await tools.github.search_repositories(query="conduit")
    issue = await tools.github.create_issue(owner="o", repo="r", title=found["items"][0]["name"], labels=["bug"])
    hits = await search_tools("merge pull request")
    described = await describe_tool(hits[0]["name"] if hits else "github.merge_pull_request")
    # A number, not a text.
    await tools.github.get_issue(owner="o", repo="r", issue_number="1")  # pyright: ignore[reportArgumentType]
    # No argument of that name, and no tool.
    await tools.github.get_issue(owner="o", repo="r", issue_number=1, number=1)  # pyright: ignore[reportCallIssue]
    await tools.github.get_isue(owner="o")  # pyright: ignore
    print(issue["html_url"], described["declaration"], input)


asyncio.run(main())
