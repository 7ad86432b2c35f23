// The rest of console, on top of its log and error.
(function (native) {
  const { console } = globalThis;
  const { inspect, format, indent } = native;
  const log = console.log;
  const error = console.error;
  const now = performance.now;
  const counts = new Map();
  const timers = new Map();
  const label = (name) => (name === undefined ? 'default' : `${name}`);

  const row = (cells, widths) => `│${cells.map((cell, i) => ` ${cell.padEnd(widths[i])} `).join('│')}│`;
  const table = (data, columns) => {
    if (data === null || typeof data !== 'object') return log(data);
    const entries = data instanceof Map ? [...data] : Object.entries(data instanceof Set ? [...data] : data);
    const heads = [];
    let hasValues = false;
    for (const [, value] of entries.slice(0, 1000)) {
      if (value === null || typeof value !== 'object') hasValues = true;
      else for (const key of Object.keys(value)) if (heads.length < 100 && !heads.includes(key)) heads.push(key);
    }
    const shown = Array.isArray(columns) ? columns.map(String) : heads;
    const header = ['(index)', ...shown, ...(hasValues ? ['Values'] : [])];
    const rows = entries.slice(0, 1000).map(([index, value]) => {
      const isObject = value !== null && typeof value === 'object';
      const cells = shown.map((key) => (isObject && Object.hasOwn(value, key) ? inspect(value[key]) : ''));
      return [`${index}`, ...cells, ...(hasValues ? [isObject ? '' : inspect(value)] : [])];
    });
    const widths = header.map((head, i) => Math.max(head.length, ...rows.map((cells) => cells[i].length)));
    const line = (left, middle, right) => left + widths.map((width) => '─'.repeat(width + 2)).join(middle) + right;
    return log([line('┌', '┬', '┐'), row(header, widths), line('├', '┼', '┤'),
      ...rows.map((cells) => row(cells, widths)), line('└', '┴', '┘')].join('\n'));
  };

  const elapsed = (name, extra, method) => {
    const start = timers.get(name);
    if (start === undefined) return error(`No such label '${name}' for console.${method}()`);
    return log(`${name}: ${now() - start}ms`, ...extra);
  };

  const methods = {
    trace(...values) {
      const trace = new Error(format(...values));
      trace.name = 'Trace';
      error(trace.stack);
    },
    dir(value, options) {
      log(inspect(value, options?.depth));
    },
    table,
    group(...values) {
      if (values.length) log(...values);
      indent(1);
    },
    groupEnd() {
      indent(-1);
    },
    assert(condition, ...values) {
      if (condition) return;
      if (typeof values[0] === 'string') values[0] = `Assertion failed: ${values[0]}`;
      else values.unshift('Assertion failed');
      error(...values);
    },
    count(name) {
      const key = label(name);
      counts.set(key, (counts.get(key) ?? 0) + 1);
      log(`${key}: ${counts.get(key)}`);
    },
    countReset(name) {
      counts.delete(label(name));
    },
    time(name) {
      timers.set(label(name), now());
    },
    timeLog(name, ...values) {
      elapsed(label(name), values, 'timeLog');
    },
    timeEnd(name) {
      elapsed(label(name), [], 'timeEnd');
      timers.delete(label(name));
    },
  };
  methods.dirxml = methods.dir;
  methods.groupCollapsed = methods.group;
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(console, name, { value, writable: true, configurable: true });
  }
});
