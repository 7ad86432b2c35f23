// A tool without an output schema gives `any`: its text, parsed where it is JSON.
declare const tools: {
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
