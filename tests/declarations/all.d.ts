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
  readonly filesystem: {
    /** Create a new directory or ensure a directory exists. Can create multiple nested directories in one operation. If the directory already exists, this operation will succeed silently. Perfect for setting up directory structures for projects or ensuring required paths exist. Only works within allowed directories. */
    create_directory(args: { path: string }): Promise<{ content: string }>;
    /** Get a recursive tree view of files and directories as a JSON structure. Each entry includes 'name', 'type' (file/directory), and 'children' for directories. Files have no children array, while directories always have a children array (which may be empty). The output is formatted with 2-space indentation for readability. Only works within allowed directories. */
    directory_tree(args: {
      path: string;
      /** @default [] */
      excludePatterns?: string[];
    }): Promise<{ content: string }>;
    /** Make line-based edits to a text file. Each edit replaces exact line sequences with new content. Returns a git-style diff showing the changes made. Only works within allowed directories. */
    edit_file(args: {
      edits: {
        /** Text to replace with */
        newText: string;
        /** Text to search for - must match exactly */
        oldText: string;
      }[];
      path: string;
      /** Preview changes using git-style diff format @default false */
      dryRun?: boolean;
    }): Promise<{ content: string }>;
    /** Retrieve detailed metadata about a file or directory. Returns comprehensive information including size, creation time, last modified time, permissions, and type. This tool is perfect for understanding file characteristics without reading the actual content. Only works within allowed directories. */
    get_file_info(args: { path: string }): Promise<{ content: string }>;
    /** Returns the list of directories that this server is allowed to access. Subdirectories within these allowed directories are also accessible. Use this to understand which directories and their nested paths are available before trying to access files. */
    list_allowed_directories(args?: {}): Promise<{ content: string }>;
    /** Get a detailed listing of all files and directories in a specified path. Results clearly distinguish between files and directories with [FILE] and [DIR] prefixes. This tool is essential for understanding directory structure and finding specific files within a directory. Only works within allowed directories. */
    list_directory(args: { path: string }): Promise<{ content: string }>;
    /** Get a detailed listing of all files and directories in a specified path, including sizes. Results clearly distinguish between files and directories with [FILE] and [DIR] prefixes. This tool is useful for understanding directory structure and finding specific files within a directory. Only works within allowed directories. */
    list_directory_with_sizes(args: {
      path: string;
      /** Sort entries by name or size @default "name" */
      sortBy?: "name" | "size";
    }): Promise<{ content: string }>;
    /** Move or rename files and directories. Can move files between directories and rename them in a single operation. If the destination exists, the operation will fail. Works across different directories and can be used for simple renaming within the same directory. Both source and destination must be within allowed directories. */
    move_file(args: { destination: string; source: string }): Promise<{ content: string }>;
    /** Read the complete contents of a file as text. DEPRECATED: Use read_text_file instead. */
    read_file(args: {
      path: string;
      /** If provided, returns only the first N lines of the file */
      head?: number;
      /** If provided, returns only the last N lines of the file */
      tail?: number;
    }): Promise<{ content: string }>;
    /** Read a file and return it as a base64-encoded content block with its MIME type. Image and audio files are returned as image/audio content; any other file type is returned as an embedded resource. Only works within allowed directories. */
    read_media_file(args: { path: string }): Promise<{
      content: ({
        data: string;
        mimeType: string;
        type: "image" | "audio";
      } | {
        resource: { blob: string; uri: string; mimeType?: string };
        type: "resource";
      })[];
    }>;
    /** Read the contents of multiple files simultaneously. This is more efficient than reading files one by one when you need to analyze or compare multiple files. Each file's content is returned with its path as a reference. Failed reads for individual files won't stop the entire operation. Only works within allowed directories. */
    read_multiple_files(args: {
      /** Array of file paths to read. Each path must be a string pointing to a valid file within allowed directories. @minItems 1 */
      paths: string[];
    }): Promise<{ content: string }>;
    /** Read the complete contents of a file from the file system as text. Handles various text encodings and provides detailed error messages if the file cannot be read. Use this tool when you need to examine the contents of a single file. Use the 'head' parameter to read only the first N lines of a file, or the 'tail' parameter to read only the last N lines of a file. Operates on the file as text regardless of extension. Only works within allowed directories. */
    read_text_file(args: {
      path: string;
      /** If provided, returns only the first N lines of the file */
      head?: number;
      /** If provided, returns only the last N lines of the file */
      tail?: number;
    }): Promise<{ content: string }>;
    /** Recursively search for files and directories matching a pattern. The patterns should be glob-style patterns that match paths relative to the working directory. Use pattern like '*.ext' to match files in current directory, and '**\/*.ext' to match files in all subdirectories. Returns full paths to all matching items. Great for finding files when you don't know their exact location. Only searches within allowed directories. */
    search_files(args: {
      path: string;
      pattern: string;
      /** @default [] */
      excludePatterns?: string[];
    }): Promise<{ content: string }>;
    /** Create a new file or completely overwrite an existing file with new content. Use with caution as it will overwrite existing files without warning. Handles text content with proper encoding. Only works within allowed directories. */
    write_file(args: { content: string; path: string }): Promise<{ content: string }>;
  };
  readonly github: {
    /** Add a comment to an existing issue */
    add_issue_comment(args: {
      body: string;
      issue_number: number;
      owner: string;
      repo: string;
    }): Promise<any>;
    /** Create a new branch in a GitHub repository */
    create_branch(args: {
      /** Name for the new branch */
      branch: string;
      /** Repository owner (username or organization) */
      owner: string;
      /** Repository name */
      repo: string;
      /** Optional: source branch to create from (defaults to the repository's default branch) */
      from_branch?: string;
    }): Promise<any>;
    /** Create a new issue in a GitHub repository */
    create_issue(args: {
      owner: string;
      repo: string;
      title: string;
      assignees?: string[];
      body?: string;
      labels?: string[];
      milestone?: number;
    }): Promise<any>;
    /** Create or update a single file in a GitHub repository */
    create_or_update_file(args: {
      /** Branch to create/update the file in */
      branch: string;
      /** Content of the file */
      content: string;
      /** Commit message */
      message: string;
      /** Repository owner (username or organization) */
      owner: string;
      /** Path where to create/update the file */
      path: string;
      /** Repository name */
      repo: string;
      /** SHA of the file being replaced (required when updating existing files) */
      sha?: string;
    }): Promise<any>;
    /** Create a new pull request in a GitHub repository */
    create_pull_request(args: {
      /** The name of the branch you want the changes pulled into */
      base: string;
      /** The name of the branch where your changes are implemented */
      head: string;
      /** Repository owner (username or organization) */
      owner: string;
      /** Repository name */
      repo: string;
      /** Pull request title */
      title: string;
      /** Pull request body/description */
      body?: string;
      /** Whether to create the pull request as a draft */
      draft?: boolean;
      /** Whether maintainers can modify the pull request */
      maintainer_can_modify?: boolean;
    }): Promise<any>;
    /** Create a review on a pull request */
    create_pull_request_review(args: {
      /** The body text of the review */
      body: string;
      /** The review action to perform */
      event: "APPROVE" | "REQUEST_CHANGES" | "COMMENT";
      /** Repository owner (username or organization) */
      owner: string;
      /** Pull request number */
      pull_number: number;
      /** Repository name */
      repo: string;
      /** Comments to post as part of the review (specify either position or line, not both) */
      comments?: ({
        /** Text of the review comment */
        body: string;
        /** The relative path to the file being commented on */
        path: string;
        /** The position in the diff where you want to add a review comment */
        position: number;
      } | {
        /** Text of the review comment */
        body: string;
        /** The line number in the file where you want to add a review comment */
        line: number;
        /** The relative path to the file being commented on */
        path: string;
      })[];
      /** The SHA of the commit that needs a review */
      commit_id?: string;
    }): Promise<any>;
    /** Create a new GitHub repository in your account */
    create_repository(args: {
      /** Repository name */
      name: string;
      /** Initialize with README.md */
      autoInit?: boolean;
      /** Repository description */
      description?: string;
      /** Whether the repository should be private */
      private?: boolean;
    }): Promise<any>;
    /** Fork a GitHub repository to your account or specified organization */
    fork_repository(args: {
      /** Repository owner (username or organization) */
      owner: string;
      /** Repository name */
      repo: string;
      /** Optional: organization to fork to (defaults to your personal account) */
      organization?: string;
    }): Promise<any>;
    /** Get the contents of a file or directory from a GitHub repository */
    get_file_contents(args: {
      /** Repository owner (username or organization) */
      owner: string;
      /** Path to the file or directory */
      path: string;
      /** Repository name */
      repo: string;
      /** Branch to get contents from */
      branch?: string;
    }): Promise<any>;
    /** Get details of a specific issue in a GitHub repository. */
    get_issue(args: { issue_number: number; owner: string; repo: string }): Promise<any>;
    /** Get details of a specific pull request */
    get_pull_request(args: {
      /** Repository owner (username or organization) */
      owner: string;
      /** Pull request number */
      pull_number: number;
      /** Repository name */
      repo: string;
    }): Promise<any>;
    /** Get the review comments on a pull request */
    get_pull_request_comments(args: {
      /** Repository owner (username or organization) */
      owner: string;
      /** Pull request number */
      pull_number: number;
      /** Repository name */
      repo: string;
    }): Promise<any>;
    /** Get the list of files changed in a pull request */
    get_pull_request_files(args: {
      /** Repository owner (username or organization) */
      owner: string;
      /** Pull request number */
      pull_number: number;
      /** Repository name */
      repo: string;
    }): Promise<any>;
    /** Get the reviews on a pull request */
    get_pull_request_reviews(args: {
      /** Repository owner (username or organization) */
      owner: string;
      /** Pull request number */
      pull_number: number;
      /** Repository name */
      repo: string;
    }): Promise<any>;
    /** Get the combined status of all status checks for a pull request */
    get_pull_request_status(args: {
      /** Repository owner (username or organization) */
      owner: string;
      /** Pull request number */
      pull_number: number;
      /** Repository name */
      repo: string;
    }): Promise<any>;
    /** Get list of commits of a branch in a GitHub repository */
    list_commits(args: {
      owner: string;
      repo: string;
      page?: number;
      perPage?: number;
      sha?: string;
    }): Promise<any>;
    /** List issues in a GitHub repository with filtering options */
    list_issues(args: {
      owner: string;
      repo: string;
      direction?: "asc" | "desc";
      labels?: string[];
      page?: number;
      per_page?: number;
      since?: string;
      sort?: "created" | "updated" | "comments";
      state?: "open" | "closed" | "all";
    }): Promise<any>;
    /** List and filter repository pull requests */
    list_pull_requests(args: {
      /** Repository owner (username or organization) */
      owner: string;
      /** Repository name */
      repo: string;
      /** Filter by base branch name */
      base?: string;
      /** The direction of the sort */
      direction?: "asc" | "desc";
      /** Filter by head user or head organization and branch name */
      head?: string;
      /** Page number of the results */
      page?: number;
      /** Results per page (max 100) */
      per_page?: number;
      /** What to sort results by */
      sort?: "created" | "updated" | "popularity" | "long-running";
      /** State of the pull requests to return */
      state?: "open" | "closed" | "all";
    }): Promise<any>;
    /** Merge a pull request */
    merge_pull_request(args: {
      /** Repository owner (username or organization) */
      owner: string;
      /** Pull request number */
      pull_number: number;
      /** Repository name */
      repo: string;
      /** Extra detail to append to automatic commit message */
      commit_message?: string;
      /** Title for the automatic commit message */
      commit_title?: string;
      /** Merge method to use */
      merge_method?: "merge" | "squash" | "rebase";
    }): Promise<any>;
    /** Push multiple files to a GitHub repository in a single commit */
    push_files(args: {
      /** Branch to push to (e.g., 'main' or 'master') */
      branch: string;
      /** Array of files to push */
      files: { content: string; path: string }[];
      /** Commit message */
      message: string;
      /** Repository owner (username or organization) */
      owner: string;
      /** Repository name */
      repo: string;
    }): Promise<any>;
    /** Search for code across GitHub repositories */
    search_code(args: {
      q: string;
      order?: "asc" | "desc";
      /** @minimum 1 */
      page?: number;
      /** @minimum 1 @maximum 100 */
      per_page?: number;
    }): Promise<any>;
    /** Search for issues and pull requests across GitHub repositories */
    search_issues(args: {
      q: string;
      order?: "asc" | "desc";
      /** @minimum 1 */
      page?: number;
      /** @minimum 1 @maximum 100 */
      per_page?: number;
      sort?: "comments" | "reactions" | "reactions-+1" | "reactions--1" | "reactions-smile" | "reactions-thinking_face" | "reactions-heart" | "reactions-tada" | "interactions" | "created" | "updated";
    }): Promise<any>;
    /** Search for GitHub repositories */
    search_repositories(args: {
      /** Search query (see GitHub search syntax) */
      query: string;
      /** Page number for pagination (default: 1) */
      page?: number;
      /** Number of results per page (default: 30, max: 100) */
      perPage?: number;
    }): Promise<any>;
    /** Search for users on GitHub */
    search_users(args: {
      q: string;
      order?: "asc" | "desc";
      /** @minimum 1 */
      page?: number;
      /** @minimum 1 @maximum 100 */
      per_page?: number;
      sort?: "followers" | "repositories" | "joined";
    }): Promise<any>;
    /** Update an existing issue in a GitHub repository */
    update_issue(args: {
      issue_number: number;
      owner: string;
      repo: string;
      assignees?: string[];
      body?: string;
      labels?: string[];
      milestone?: number;
      state?: "open" | "closed";
      title?: string;
    }): Promise<any>;
    /** Update a pull request branch with the latest changes from the base branch */
    update_pull_request_branch(args: {
      /** Repository owner (username or organization) */
      owner: string;
      /** Pull request number */
      pull_number: number;
      /** Repository name */
      repo: string;
      /** The expected SHA of the pull request's HEAD ref */
      expected_head_sha?: string;
    }): Promise<any>;
  };
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
