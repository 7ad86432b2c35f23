# Call tools as `await tools.upstream.tool(name=value)`; one that is declared with `args` takes one dict.
# A tool without an output schema gives `Any`: its text, parsed where it is JSON.
from typing import Any, Literal, TypedDict

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

class _Tools:
    everything: _Everything

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
