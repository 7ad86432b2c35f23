// A tool without an output schema gives `any`: its text, parsed where it is JSON.
declare const tools: {
  readonly everything: {
    /** Echoes back the input string */
    echo(args: {
      /** Message to echo */
      message: string;
    }): Promise<any>;
    /**
     * Demonstrates how annotations can be used to provide metadata about content.
     * Also `tools.everything.get_annotated_message`.
     */
    "get-annotated-message"(args: {
      /** Type of message to demonstrate different annotation patterns */
      messageType: "error" | "success" | "debug";
      /** Whether to include an example image @default false */
      includeImage?: boolean;
    }): Promise<any>;
    /**
     * Returns all environment variables, helpful for debugging MCP server configuration
     * Also `tools.everything.get_env`.
     */
    "get-env"(args?: {}): Promise<any>;
    /**
     * Returns up to ten resource links that reference different types of resources
     * Also `tools.everything.get_resource_links`.
     */
    "get-resource-links"(args?: {
      /** Number of resource links to return (1-10) @default 3 @minimum 1 @maximum 10 */
      count?: number;
    }): Promise<any>;
    /**
     * Returns a resource reference that can be used by MCP clients
     * Also `tools.everything.get_resource_reference`.
     */
    "get-resource-reference"(args?: {
      /** ID of the text resource to fetch @default 1 */
      resourceId?: number;
      /** @default "Text" */
      resourceType?: "Text" | "Blob";
    }): Promise<any>;
    /**
     * Returns structured content along with an output schema for client data validation
     * Also `tools.everything.get_structured_content`.
     */
    "get-structured-content"(args: {
      /** Choose city */
      location: "New York" | "Chicago" | "Los Angeles";
    }): Promise<{
      /** Weather conditions description */
      conditions: string;
      /** Humidity percentage */
      humidity: number;
      /** Temperature in celsius */
      temperature: number;
    }>;
    /**
     * Returns the sum of two numbers
     * Also `tools.everything.get_sum`.
     */
    "get-sum"(args: {
      /** First number */
      a: number;
      /** Second number */
      b: number;
    }): Promise<any>;
    /**
     * Returns a tiny MCP logo image.
     * Also `tools.everything.get_tiny_image`.
     */
    "get-tiny-image"(args?: {}): Promise<any>;
    /**
     * Compresses a single file using gzip compression. Depending upon the selected output type, returns either the compressed data as a gzipped resource or a resource link, allowing it to be downloaded in a subsequent request during the current session.
     * Also `tools.everything.gzip_file_as_resource`.
     */
    "gzip-file-as-resource"(args?: {
      /** URL or data URI of the file content to compress @format uri @default "https://raw.githubusercontent.com/modelcontextprotocol/servers/refs/heads/main/... */
      data?: string;
      /** Name of the output file @default "README.md.gz" */
      name?: string;
      /** How the resulting gzipped file should be returned. 'resourceLink' returns a link to a resource that can be read later, 'resource' returns a full resource object. @default "resourceLink" */
      outputType?: "resourceLink" | "resource";
    }): Promise<any>;
    /**
     * Simulates a deep research operation that gathers, analyzes, and synthesizes information. Demonstrates MCP task-based operations with progress through multiple stages. If 'ambiguous' is true and client supports elicitation, sends an elicitation request for clarification.
     * Also `tools.everything.simulate_research_query`.
     */
    "simulate-research-query"(args: {
      /** The research topic to investigate */
      topic: string;
      /** Simulate an ambiguous query that requires clarification (triggers input_required status) @default false */
      ambiguous?: boolean;
    }): Promise<any>;
    /**
     * Toggles simulated, random-leveled logging on or off.
     * Also `tools.everything.toggle_simulated_logging`.
     */
    "toggle-simulated-logging"(args?: {}): Promise<any>;
    /**
     * Toggles simulated resource subscription updates on or off.
     * Also `tools.everything.toggle_subscriber_updates`.
     */
    "toggle-subscriber-updates"(args?: {}): Promise<any>;
    /**
     * Demonstrates a long running operation with progress updates.
     * Also `tools.everything.trigger_long_running_operation`.
     */
    "trigger-long-running-operation"(args?: {
      /** Duration of the operation in seconds @default 10 */
      duration?: number;
      /** Number of steps in the operation @default 5 */
      steps?: number;
    }): Promise<any>;
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
