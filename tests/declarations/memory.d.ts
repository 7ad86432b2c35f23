// A tool without an output schema gives `any`: its text, parsed where it is JSON.
declare const tools: {
  readonly memory: {
    /** Add new observations to existing entities in the knowledge graph */
    add_observations(args: {
      observations: {
        /** An array of observation contents to add */
        contents: string[];
        /** The name of the entity to add the observations to */
        entityName: string;
      }[];
    }): Promise<{ results: { addedObservations: string[]; entityName: string }[] }>;
    /** Create multiple new entities in the knowledge graph */
    create_entities(args: {
      entities: {
        /** The type of the entity */
        entityType: string;
        /** The name of the entity */
        name: string;
        /** An array of observation contents associated with the entity */
        observations: string[];
      }[];
    }): Promise<{
      entities: {
        /** The type of the entity */
        entityType: string;
        /** The name of the entity */
        name: string;
        /** An array of observation contents associated with the entity */
        observations: string[];
      }[];
    }>;
    /** Create multiple new relations between entities in the knowledge graph. Relations should be in active voice */
    create_relations(args: {
      relations: {
        /** The name of the entity where the relation starts */
        from: string;
        /** The type of the relation */
        relationType: string;
        /** The name of the entity where the relation ends */
        to: string;
      }[];
    }): Promise<{
      relations: {
        /** The name of the entity where the relation starts */
        from: string;
        /** The type of the relation */
        relationType: string;
        /** The name of the entity where the relation ends */
        to: string;
      }[];
    }>;
    /** Delete multiple entities and their associated relations from the knowledge graph */
    delete_entities(args: {
      /** An array of entity names to delete */
      entityNames: string[];
    }): Promise<{ message: string; success: boolean }>;
    /** Delete specific observations from entities in the knowledge graph */
    delete_observations(args: {
      deletions: {
        /** The name of the entity containing the observations */
        entityName: string;
        /** An array of observations to delete */
        observations: string[];
      }[];
    }): Promise<{ message: string; success: boolean }>;
    /** Delete multiple relations from the knowledge graph */
    delete_relations(args: {
      /** An array of relations to delete */
      relations: {
        /** The name of the entity where the relation starts */
        from: string;
        /** The type of the relation */
        relationType: string;
        /** The name of the entity where the relation ends */
        to: string;
      }[];
    }): Promise<{ message: string; success: boolean }>;
    /** Open specific nodes in the knowledge graph by their names */
    open_nodes(args: {
      /** An array of entity names to retrieve */
      names: string[];
    }): Promise<{
      entities: {
        /** The type of the entity */
        entityType: string;
        /** The name of the entity */
        name: string;
        /** An array of observation contents associated with the entity */
        observations: string[];
      }[];
      relations: {
        /** The name of the entity where the relation starts */
        from: string;
        /** The type of the relation */
        relationType: string;
        /** The name of the entity where the relation ends */
        to: string;
      }[];
    }>;
    /** Read the entire knowledge graph */
    read_graph(args?: {}): Promise<{
      entities: {
        /** The type of the entity */
        entityType: string;
        /** The name of the entity */
        name: string;
        /** An array of observation contents associated with the entity */
        observations: string[];
      }[];
      relations: {
        /** The name of the entity where the relation starts */
        from: string;
        /** The type of the relation */
        relationType: string;
        /** The name of the entity where the relation ends */
        to: string;
      }[];
    }>;
    /** Search for nodes in the knowledge graph based on a query */
    search_nodes(args: {
      /** The search query to match against entity names, types, and observation content */
      query: string;
    }): Promise<{
      entities: {
        /** The type of the entity */
        entityType: string;
        /** The name of the entity */
        name: string;
        /** An array of observation contents associated with the entity */
        observations: string[];
      }[];
      relations: {
        /** The name of the entity where the relation starts */
        from: string;
        /** The type of the relation */
        relationType: string;
        /** The name of the entity where the relation ends */
        to: string;
      }[];
    }>;
  };
  /** Calls a tool by its full name, `upstream.tool`. With `full`, gives the whole MCP result. */
  $call(name: string, args?: object, options?: { full?: boolean }): Promise<any>;
  /** The tools that fit a question best, best first. */
  $search(query: string): Promise<{ name: string; description: string | null }[]>;
  /** One tool with its schemas and its declaration. */
  $describe(name: string): Promise<{ name: string; description?: string; declaration: string; [key: string]: unknown }>;
  /** All tools. */
  $list(): Promise<{ name: string; description: string | null }[]>;
};

/** What the caller gave to this run. */
declare const input: unknown;

/** Thrown when a call fails or is refused. */
declare class ToolError extends Error {
  /** Why, such as `tool_failed`, `tool_not_found` or `invalid_arguments`. */
  readonly code: string;
  /** The tool by its full name, or as the program wrote it when there is none. */
  readonly tool: string;
  /** The tool's own content blocks, when it ran and reported an error. */
  readonly content: any;
}
