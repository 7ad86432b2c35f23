# Call tools as `await tools.upstream.tool(name=value)`; one that is declared with `args` takes one dict.
# A tool without an output schema gives `Any`: its text, parsed where it is JSON.
from typing import Any, Literal, TypedDict

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

class _Tools:
    github: _Github

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
