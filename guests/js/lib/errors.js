// ToolError: what a refused or failed tool call is rejected with. The shim makes its instances.
(function () {
  class ToolError extends Error {
    constructor(message, { code, tool, content, cause } = {}) {
      super(message, cause === undefined ? undefined : { cause });
      this.code = code;
      this.tool = tool;
      if (content !== undefined) this.content = content;
    }
  }
  Object.defineProperty(ToolError.prototype, 'name', { value: 'ToolError', writable: true, configurable: true });
  Object.defineProperty(globalThis, 'ToolError', { value: ToolError, writable: true, configurable: true });
});
