# Call tools as `await tools.upstream.tool(name=value)`; one that is declared with `args` takes one dict.
# A tool without an output schema gives `Any`: its text, parsed where it is JSON.
from typing import Any, Literal, NotRequired, TypedDict

class _Everything:  # tools.everything
    async def echo(
        self, *,
        message: str,  # Message to echo
    ) -> Any:
        """Echoes back the input string"""
    async def get_annotated_message(
        self, *,
        messageType: Literal["error", "success", "debug"],  # Type of message to demonstrate different annotation patterns
        includeImage: bool = False,  # Whether to include an example image
    ) -> Any:
        """Demonstrates how annotations can be used to provide metadata about content."""
    async def get_env(self) -> Any:
        """Returns all environment variables, helpful for debugging MCP server configuration"""
    async def get_resource_links(
        self, *,
        count: float = 3,  # Number of resource links to return (1-10) @minimum 1 @maximum 10
    ) -> Any:
        """Returns up to ten resource links that reference different types of resources"""
    async def get_resource_reference(
        self, *,
        resourceId: float = 1,  # ID of the text resource to fetch
        resourceType: Literal["Text", "Blob"] = "Text",
    ) -> Any:
        """Returns a resource reference that can be used by MCP clients"""
    async def get_structured_content(
        self, *,
        location: Literal["New York", "Chicago", "Los Angeles"],  # Choose city
    ) -> _EverythingGetStructuredContentResult:
        """Returns structured content along with an output schema for client data validation"""
    async def get_sum(
        self, *,
        a: float,  # First number
        b: float,  # Second number
    ) -> Any:
        """Returns the sum of two numbers"""
    async def get_tiny_image(self) -> Any:
        """Returns a tiny MCP logo image."""
    async def gzip_file_as_resource(
        self, *,
        data: str = ...,  # URL or data URI of the file content to compress @format uri @default "https://raw.githubusercontent.com/modelcontextprotocol/servers/refs/heads/main/...
        name: str = "README.md.gz",  # Name of the output file
        outputType: Literal["resourceLink", "resource"] = "resourceLink",  # How the resulting gzipped file should be returned. 'resourceLink' returns a link to a resource that can be read later, 'resource' returns a full resource object.
    ) -> Any:
        """Compresses a single file using gzip compression. Depending upon the selected output type, returns either the compressed data as a gzipped resource or a resource link, allowing it to be downloaded in a subsequent request during the current session."""
    async def simulate_research_query(
        self, *,
        topic: str,  # The research topic to investigate
        ambiguous: bool = False,  # Simulate an ambiguous query that requires clarification (triggers input_required status)
    ) -> Any:
        """Simulates a deep research operation that gathers, analyzes, and synthesizes information. Demonstrates MCP task-based operations with progress through multiple stages. If 'ambiguous' is true and client supports elicitation, sends an elicitation request for clarification."""
    async def toggle_simulated_logging(self) -> Any:
        """Toggles simulated, random-leveled logging on or off."""
    async def toggle_subscriber_updates(self) -> Any:
        """Toggles simulated resource subscription updates on or off."""
    async def trigger_long_running_operation(
        self, *,
        duration: float = 10,  # Duration of the operation in seconds
        steps: float = 5,  # Number of steps in the operation
    ) -> Any:
        """Demonstrates a long running operation with progress updates."""

class _EverythingGetStructuredContentResult(TypedDict):
    conditions: str  # Weather conditions description
    humidity: float  # Humidity percentage
    temperature: float  # Temperature in celsius

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

class _Github:  # tools.github
    async def add_issue_comment(self, *, body: str, issue_number: float, owner: str, repo: str) -> Any:
        """Add a comment to an existing issue"""
    async def create_branch(
        self, *,
        branch: str,  # Name for the new branch
        owner: str,  # Repository owner (username or organization)
        repo: str,  # Repository name
        from_branch: str = ...,  # Optional: source branch to create from (defaults to the repository's default branch)
    ) -> Any:
        """Create a new branch in a GitHub repository"""
    async def create_issue(
        self, *,
        owner: str,
        repo: str,
        title: str,
        assignees: list[str] = ...,
        body: str = ...,
        labels: list[str] = ...,
        milestone: float = ...,
    ) -> Any:
        """Create a new issue in a GitHub repository"""
    async def create_or_update_file(
        self, *,
        branch: str,  # Branch to create/update the file in
        content: str,  # Content of the file
        message: str,  # Commit message
        owner: str,  # Repository owner (username or organization)
        path: str,  # Path where to create/update the file
        repo: str,  # Repository name
        sha: str = ...,  # SHA of the file being replaced (required when updating existing files)
    ) -> Any:
        """Create or update a single file in a GitHub repository"""
    async def create_pull_request(
        self, *,
        base: str,  # The name of the branch you want the changes pulled into
        head: str,  # The name of the branch where your changes are implemented
        owner: str,  # Repository owner (username or organization)
        repo: str,  # Repository name
        title: str,  # Pull request title
        body: str = ...,  # Pull request body/description
        draft: bool = ...,  # Whether to create the pull request as a draft
        maintainer_can_modify: bool = ...,  # Whether maintainers can modify the pull request
    ) -> Any:
        """Create a new pull request in a GitHub repository"""
    async def create_pull_request_review(
        self, *,
        body: str,  # The body text of the review
        event: Literal["APPROVE", "REQUEST_CHANGES", "COMMENT"],  # The review action to perform
        owner: str,  # Repository owner (username or organization)
        pull_number: float,  # Pull request number
        repo: str,  # Repository name
        comments: list[_GithubComments | _GithubComments2] = ...,  # Comments to post as part of the review (specify either position or line, not both)
        commit_id: str = ...,  # The SHA of the commit that needs a review
    ) -> Any:
        """Create a review on a pull request"""
    async def create_repository(
        self, *,
        name: str,  # Repository name
        autoInit: bool = ...,  # Initialize with README.md
        description: str = ...,  # Repository description
        private: bool = ...,  # Whether the repository should be private
    ) -> Any:
        """Create a new GitHub repository in your account"""
    async def fork_repository(
        self, *,
        owner: str,  # Repository owner (username or organization)
        repo: str,  # Repository name
        organization: str = ...,  # Optional: organization to fork to (defaults to your personal account)
    ) -> Any:
        """Fork a GitHub repository to your account or specified organization"""
    async def get_file_contents(
        self, *,
        owner: str,  # Repository owner (username or organization)
        path: str,  # Path to the file or directory
        repo: str,  # Repository name
        branch: str = ...,  # Branch to get contents from
    ) -> Any:
        """Get the contents of a file or directory from a GitHub repository"""
    async def get_issue(self, *, issue_number: float, owner: str, repo: str) -> Any:
        """Get details of a specific issue in a GitHub repository."""
    async def get_pull_request(
        self, *,
        owner: str,  # Repository owner (username or organization)
        pull_number: float,  # Pull request number
        repo: str,  # Repository name
    ) -> Any:
        """Get details of a specific pull request"""
    async def get_pull_request_comments(
        self, *,
        owner: str,  # Repository owner (username or organization)
        pull_number: float,  # Pull request number
        repo: str,  # Repository name
    ) -> Any:
        """Get the review comments on a pull request"""
    async def get_pull_request_files(
        self, *,
        owner: str,  # Repository owner (username or organization)
        pull_number: float,  # Pull request number
        repo: str,  # Repository name
    ) -> Any:
        """Get the list of files changed in a pull request"""
    async def get_pull_request_reviews(
        self, *,
        owner: str,  # Repository owner (username or organization)
        pull_number: float,  # Pull request number
        repo: str,  # Repository name
    ) -> Any:
        """Get the reviews on a pull request"""
    async def get_pull_request_status(
        self, *,
        owner: str,  # Repository owner (username or organization)
        pull_number: float,  # Pull request number
        repo: str,  # Repository name
    ) -> Any:
        """Get the combined status of all status checks for a pull request"""
    async def list_commits(
        self, *,
        owner: str,
        repo: str,
        page: float = ...,
        perPage: float = ...,
        sha: str = ...,
    ) -> Any:
        """Get list of commits of a branch in a GitHub repository"""
    async def list_issues(
        self, *,
        owner: str,
        repo: str,
        direction: Literal["asc", "desc"] = ...,
        labels: list[str] = ...,
        page: float = ...,
        per_page: float = ...,
        since: str = ...,
        sort: Literal["created", "updated", "comments"] = ...,
        state: Literal["open", "closed", "all"] = ...,
    ) -> Any:
        """List issues in a GitHub repository with filtering options"""
    async def list_pull_requests(
        self, *,
        owner: str,  # Repository owner (username or organization)
        repo: str,  # Repository name
        base: str = ...,  # Filter by base branch name
        direction: Literal["asc", "desc"] = ...,  # The direction of the sort
        head: str = ...,  # Filter by head user or head organization and branch name
        page: float = ...,  # Page number of the results
        per_page: float = ...,  # Results per page (max 100)
        sort: Literal["created", "updated", "popularity", "long-running"] = ...,  # What to sort results by
        state: Literal["open", "closed", "all"] = ...,  # State of the pull requests to return
    ) -> Any:
        """List and filter repository pull requests"""
    async def merge_pull_request(
        self, *,
        owner: str,  # Repository owner (username or organization)
        pull_number: float,  # Pull request number
        repo: str,  # Repository name
        commit_message: str = ...,  # Extra detail to append to automatic commit message
        commit_title: str = ...,  # Title for the automatic commit message
        merge_method: Literal["merge", "squash", "rebase"] = ...,  # Merge method to use
    ) -> Any:
        """Merge a pull request"""
    async def push_files(
        self, *,
        branch: str,  # Branch to push to (e.g., 'main' or 'master')
        files: list[_GithubFiles],  # Array of files to push
        message: str,  # Commit message
        owner: str,  # Repository owner (username or organization)
        repo: str,  # Repository name
    ) -> Any:
        """Push multiple files to a GitHub repository in a single commit"""
    async def search_code(
        self, *,
        q: str,
        order: Literal["asc", "desc"] = ...,
        page: float = ...,  # @minimum 1
        per_page: float = ...,  # @minimum 1 @maximum 100
    ) -> Any:
        """Search for code across GitHub repositories"""
    async def search_issues(
        self, *,
        q: str,
        order: Literal["asc", "desc"] = ...,
        page: float = ...,  # @minimum 1
        per_page: float = ...,  # @minimum 1 @maximum 100
        sort: Literal["comments", "reactions", "reactions-+1", "reactions--1", "reactions-smile", "reactions-thinking_face", "reactions-heart", "reactions-tada", "interactions", "created", "updated"] = ...,
    ) -> Any:
        """Search for issues and pull requests across GitHub repositories"""
    async def search_repositories(
        self, *,
        query: str,  # Search query (see GitHub search syntax)
        page: float = ...,  # Page number for pagination (default: 1)
        perPage: float = ...,  # Number of results per page (default: 30, max: 100)
    ) -> Any:
        """Search for GitHub repositories"""
    async def search_users(
        self, *,
        q: str,
        order: Literal["asc", "desc"] = ...,
        page: float = ...,  # @minimum 1
        per_page: float = ...,  # @minimum 1 @maximum 100
        sort: Literal["followers", "repositories", "joined"] = ...,
    ) -> Any:
        """Search for users on GitHub"""
    async def update_issue(
        self, *,
        issue_number: float,
        owner: str,
        repo: str,
        assignees: list[str] = ...,
        body: str = ...,
        labels: list[str] = ...,
        milestone: float = ...,
        state: Literal["open", "closed"] = ...,
        title: str = ...,
    ) -> Any:
        """Update an existing issue in a GitHub repository"""
    async def update_pull_request_branch(
        self, *,
        owner: str,  # Repository owner (username or organization)
        pull_number: float,  # Pull request number
        repo: str,  # Repository name
        expected_head_sha: str = ...,  # The expected SHA of the pull request's HEAD ref
    ) -> Any:
        """Update a pull request branch with the latest changes from the base branch"""

class _GithubComments(TypedDict):
    body: str  # Text of the review comment
    path: str  # The relative path to the file being commented on
    position: float  # The position in the diff where you want to add a review comment

class _GithubComments2(TypedDict):
    body: str  # Text of the review comment
    line: float  # The line number in the file where you want to add a review comment
    path: str  # The relative path to the file being commented on

class _GithubFiles(TypedDict):
    content: str
    path: str

class _Memory:  # tools.memory
    async def add_observations(self, *, observations: list[_MemoryObservations]) -> _MemoryAddObservationsResult:
        """Add new observations to existing entities in the knowledge graph"""
    async def create_entities(self, *, entities: list[_MemoryEntities]) -> _MemoryCreateEntitiesResult:
        """Create multiple new entities in the knowledge graph"""
    async def create_relations(self, *, relations: list[_MemoryRelations]) -> _MemoryCreateRelationsResult:
        """Create multiple new relations between entities in the knowledge graph. Relations should be in active voice"""
    async def delete_entities(
        self, *,
        entityNames: list[str],  # An array of entity names to delete
    ) -> _MemoryDeleteEntitiesResult:
        """Delete multiple entities and their associated relations from the knowledge graph"""
    async def delete_observations(self, *, deletions: list[_MemoryDeletions]) -> _MemoryDeleteEntitiesResult:
        """Delete specific observations from entities in the knowledge graph"""
    async def delete_relations(
        self, *,
        relations: list[_MemoryRelations],  # An array of relations to delete
    ) -> _MemoryDeleteEntitiesResult:
        """Delete multiple relations from the knowledge graph"""
    async def open_nodes(
        self, *,
        names: list[str],  # An array of entity names to retrieve
    ) -> _MemoryOpenNodesResult:
        """Open specific nodes in the knowledge graph by their names"""
    async def read_graph(self) -> _MemoryOpenNodesResult:
        """Read the entire knowledge graph"""
    async def search_nodes(
        self, *,
        query: str,  # The search query to match against entity names, types, and observation content
    ) -> _MemoryOpenNodesResult:
        """Search for nodes in the knowledge graph based on a query"""

class _MemoryObservations(TypedDict):
    contents: list[str]  # An array of observation contents to add
    entityName: str  # The name of the entity to add the observations to

class _MemoryResults(TypedDict):
    addedObservations: list[str]
    entityName: str

class _MemoryAddObservationsResult(TypedDict):
    results: list[_MemoryResults]

class _MemoryEntities(TypedDict):
    entityType: str  # The type of the entity
    name: str  # The name of the entity
    observations: list[str]  # An array of observation contents associated with the entity

class _MemoryCreateEntitiesResult(TypedDict):
    entities: list[_MemoryEntities]

_MemoryRelations = TypedDict("_MemoryRelations", {
    "from": str,  # The name of the entity where the relation starts
    "relationType": str,  # The type of the relation
    "to": str,  # The name of the entity where the relation ends
})

class _MemoryCreateRelationsResult(TypedDict):
    relations: list[_MemoryRelations]

class _MemoryDeleteEntitiesResult(TypedDict):
    message: str
    success: bool

class _MemoryDeletions(TypedDict):
    entityName: str  # The name of the entity containing the observations
    observations: list[str]  # An array of observations to delete

class _MemoryOpenNodesResult(TypedDict):
    entities: list[_MemoryEntities]
    relations: list[_MemoryRelations]

class _Tools:
    everything: _Everything
    filesystem: _Filesystem
    github: _Github
    memory: _Memory

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
