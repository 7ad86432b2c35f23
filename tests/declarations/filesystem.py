import asyncio


async def main() -> int:
    listed = await tools.filesystem.list_directory(path="/data")
    names = [line.removeprefix("[FILE] ") for line in listed["content"].splitlines() if line.startswith("[FILE]")]
    files = await asyncio.gather(*(tools.filesystem.read_text_file(path=name, head=10) for name in names))
    # `path` is required.
    await tools.filesystem.read_text_file(head=10)  # pyright: ignore[reportCallIssue]
    return sum(len(file["content"]) for file in files)


print(asyncio.run(main()))
