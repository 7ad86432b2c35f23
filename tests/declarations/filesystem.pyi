# Call tools as `await tools.upstream.tool(name=value)`; one that is declared with `args` takes one dict.
# A tool without an output schema gives `Any`: its text, parsed where it is JSON.
from typing import Any, Literal, NotRequired, TypedDict

class _Filesystem:  # tools.filesystem
    async def create_directory(self, *, path: str) -> _FilesystemCreateDirectoryResult:
        """Create a new directory or ensure a directory exists. Can create multiple nested directories in one operation. If the directory already exists, this operation will succeed silently. Perfect for setting up directory structures for projects or ensuring required paths exist. Only works within allowed directories."""
    async def directory_tree(
        self, *,
        path: str,
        excludePatterns: list[str] = ...,  # @default []
    ) -> _FilesystemCreateDirectoryResult:
        """Get a recursive tree view of files and directories as a JSON structure. Each entry includes 'name', 'type' (file/directory), and 'children' for directories. Files have no children array, while directories always have a children array (which may be empty). The output is formatted with 2-space indentation for readability. Only works within allowed directories."""
    async def edit_file(
        self, *,
        edits: list[_FilesystemEdits],
        path: str,
        dryRun: bool = False,  # Preview changes using git-style diff format
    ) -> _FilesystemCreateDirectoryResult:
        """Make line-based edits to a text file. Each edit replaces exact line sequences with new content. Returns a git-style diff showing the changes made. Only works within allowed directories."""
    async def get_file_info(self, *, path: str) -> _FilesystemCreateDirectoryResult:
        """Retrieve detailed metadata about a file or directory. Returns comprehensive information including size, creation time, last modified time, permissions, and type. This tool is perfect for understanding file characteristics without reading the actual content. Only works within allowed directories."""
    async def list_allowed_directories(self) -> _FilesystemCreateDirectoryResult:
        """Returns the list of directories that this server is allowed to access. Subdirectories within these allowed directories are also accessible. Use this to understand which directories and their nested paths are available before trying to access files."""
    async def list_directory(self, *, path: str) -> _FilesystemCreateDirectoryResult:
        """Get a detailed listing of all files and directories in a specified path. Results clearly distinguish between files and directories with [FILE] and [DIR] prefixes. This tool is essential for understanding directory structure and finding specific files within a directory. Only works within allowed directories."""
    async def list_directory_with_sizes(
        self, *,
        path: str,
        sortBy: Literal["name", "size"] = "name",  # Sort entries by name or size
    ) -> _FilesystemCreateDirectoryResult:
        """Get a detailed listing of all files and directories in a specified path, including sizes. Results clearly distinguish between files and directories with [FILE] and [DIR] prefixes. This tool is useful for understanding directory structure and finding specific files within a directory. Only works within allowed directories."""
    async def move_file(self, *, destination: str, source: str) -> _FilesystemCreateDirectoryResult:
        """Move or rename files and directories. Can move files between directories and rename them in a single operation. If the destination exists, the operation will fail. Works across different directories and can be used for simple renaming within the same directory. Both source and destination must be within allowed directories."""
    async def read_file(
        self, *,
        path: str,
        head: float = ...,  # If provided, returns only the first N lines of the file
        tail: float = ...,  # If provided, returns only the last N lines of the file
    ) -> _FilesystemCreateDirectoryResult:
        """Read the complete contents of a file as text. DEPRECATED: Use read_text_file instead."""
    async def read_media_file(self, *, path: str) -> _FilesystemReadMediaFileResult:
        """Read a file and return it as a base64-encoded content block with its MIME type. Image and audio files are returned as image/audio content; any other file type is returned as an embedded resource. Only works within allowed directories."""
    async def read_multiple_files(
        self, *,
        paths: list[str],  # Array of file paths to read. Each path must be a string pointing to a valid file within allowed directories. @minItems 1
    ) -> _FilesystemCreateDirectoryResult:
        """Read the contents of multiple files simultaneously. This is more efficient than reading files one by one when you need to analyze or compare multiple files. Each file's content is returned with its path as a reference. Failed reads for individual files won't stop the entire operation. Only works within allowed directories."""
    async def read_text_file(
        self, *,
        path: str,
        head: float = ...,  # If provided, returns only the first N lines of the file
        tail: float = ...,  # If provided, returns only the last N lines of the file
    ) -> _FilesystemCreateDirectoryResult:
        """Read the complete contents of a file from the file system as text. Handles various text encodings and provides detailed error messages if the file cannot be read. Use this tool when you need to examine the contents of a single file. Use the 'head' parameter to read only the first N lines of a file, or the 'tail' parameter to read only the last N lines of a file. Operates on the file as text regardless of extension. Only works within allowed directories."""
    async def search_files(
        self, *,
        path: str,
        pattern: str,
        excludePatterns: list[str] = ...,  # @default []
    ) -> _FilesystemCreateDirectoryResult:
        """Recursively search for files and directories matching a pattern. The patterns should be glob-style patterns that match paths relative to the working directory. Use pattern like '*.ext' to match files in current directory, and '**/*.ext' to match files in all subdirectories. Returns full paths to all matching items. Great for finding files when you don't know their exact location. Only searches within allowed directories."""
    async def write_file(self, *, content: str, path: str) -> _FilesystemCreateDirectoryResult:
        """Create a new file or completely overwrite an existing file with new content. Use with caution as it will overwrite existing files without warning. Handles text content with proper encoding. Only works within allowed directories."""

class _FilesystemCreateDirectoryResult(TypedDict):
    content: str

class _FilesystemEdits(TypedDict):
    newText: str  # Text to replace with
    oldText: str  # Text to search for - must match exactly

class _FilesystemContent(TypedDict):
    data: str
    mimeType: str
    type: Literal["image", "audio"]

class _FilesystemResource(TypedDict):
    blob: str
    uri: str
    mimeType: NotRequired[str]

class _FilesystemContent2(TypedDict):
    resource: _FilesystemResource
    type: Literal["resource"]

class _FilesystemReadMediaFileResult(TypedDict):
    content: list[_FilesystemContent | _FilesystemContent2]

class _Tools:
    filesystem: _Filesystem

tools: _Tools
input: Any  # What the caller gave to this run

class ToolError(Exception):
    """Raised when a call fails or is refused."""
    message: str  # What went wrong
    code: str  # Why, such as `tool_failed`, `tool_not_found` or `invalid_arguments`
    tool: str  # The tool by its full name, or as the program wrote it when there is none
    content: Any  # The tool's own content blocks, when it ran and reported an error

class _Found(TypedDict):
    name: str
    description: str | None

async def call_tool(name: str, args: dict[str, Any] | None = None, /, *, full: bool = False, **kwargs: Any) -> Any:
    """Calls a tool by its full name, `upstream.tool`. With `full`, gives the whole MCP result."""
async def search_tools(query: str, /) -> list[_Found]:
    """The tools that fit a question best, best first."""
async def describe_tool(name: str, /) -> dict[str, Any]:
    """One tool: `name`, `description`, its schemas, and its `declaration`."""
async def list_tools() -> list[_Found]:
    """All tools."""
