# Call tools as `await tools.upstream.tool(name=value)`; one that is declared with `args` takes one dict.
# A tool without an output schema gives `Any`: its text, parsed where it is JSON.
from typing import Any, TypedDict

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
