// How console shows a value: like Node's util.inspect, bounded in depth, breadth and length, and safe with any value.
(function (native) {
  // Captured here, so that a program that overrides them changes nothing of what console prints.
  const call = Function.prototype.call;
  const uncurry = (method) => call.bind(method);
  const getter = (object, name) => uncurry(Object.getOwnPropertyDescriptor(object, name).get);
  const { ownKeys, getPrototypeOf, getOwnPropertyDescriptor } = Reflect;
  const { isArray } = Array;
  const { is } = Object;
  const join = uncurry(Array.prototype.join);
  const push = uncurry(Array.prototype.push);
  const includes = uncurry(Array.prototype.includes);
  const indexOf = uncurry(String.prototype.indexOf);
  const slice = uncurry(String.prototype.slice);
  const replaceEach = uncurry(String.prototype.replace);
  const replaceAll = uncurry(String.prototype.replaceAll);
  const test = uncurry(RegExp.prototype.test);
  const startsWith = uncurry(String.prototype.startsWith);
  const toISOString = uncurry(Date.prototype.toISOString);
  const getTime = uncurry(Date.prototype.getTime);
  const regExpSource = getter(RegExp.prototype, 'source');
  const regExpFlags = getter(RegExp.prototype, 'flags');
  const errorToString = uncurry(Error.prototype.toString);
  const symbolToString = uncurry(Symbol.prototype.toString);
  const functionToString = uncurry(Function.prototype.toString);
  const typedArrayLength = getter(getPrototypeOf(Uint8Array.prototype), 'length');
  const bufferLength = getter(ArrayBuffer.prototype, 'byteLength');
  const unbox = {
    Number: uncurry(Number.prototype.valueOf),
    String: uncurry(String.prototype.valueOf),
    Boolean: uncurry(Boolean.prototype.valueOf),
    Symbol: uncurry(Symbol.prototype.valueOf),
    BigInt: uncurry(BigInt.prototype.valueOf),
  };
  // Of these two the engine knows no class: their members read only true instances.
  const urlHref = getter(URL.prototype, 'href');
  const eachParameter = uncurry(URLSearchParams.prototype.forEach);
  const { stringify } = JSON;
  const { parseInt, parseFloat } = Number;
  const { isView } = ArrayBuffer;
  const toText = String;
  const isError = Error.isError;
  const { toStringTag } = Symbol;

  const DEPTH = 4;
  const MAX_DEPTH = 32;
  const MAX_ITEMS = 100;
  const MAX_STRING = 10_000;
  const MAX_TEXT = 256 * 1024;
  const LINE = 72;
  const SHORT = 24;
  const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
  // `exec` of this very object, not the prototype's, is what the engine calls when it tests.
  IDENTIFIER.exec = RegExp.prototype.exec;

  const quote = (text) => {
    const shown = text.length > MAX_STRING ? slice(text, 0, MAX_STRING) : text;
    let quoted = slice(stringify(shown), 1, -1);
    if (indexOf(quoted, "'") < 0) quoted = `'${replaceAll(quoted, '\\"', '"')}'`;
    else if (indexOf(shown, '"') < 0) quoted = `"${quoted}"`;
    else if (indexOf(shown, '`') < 0 && indexOf(shown, '${') < 0) quoted = `\`${replaceAll(quoted, '\\"', '"')}\``;
    else quoted = `'${replaceAll(replaceAll(quoted, '\\"', '"'), "'", "\\'")}'`;
    return shown === text ? quoted : `${quoted}... ${text.length - MAX_STRING} more characters`;
  };

  const primitive = (value) => {
    switch (typeof value) {
      case 'string': return quote(value);
      case 'bigint': return `${value}n`;
      case 'symbol': return symbolToString(value);
      case 'number': return is(value, -0) ? '-0' : `${value}`;
      default: return `${value}`;
    }
  };

  const INDEX = /^(?:0|[1-9]\d{0,9})$/;
  INDEX.exec = IDENTIFIER.exec;
  const isIndex = (key) => typeof key === 'string' && test(INDEX, key);

  const keyText = (key) => {
    if (typeof key === 'symbol') return `[${symbolToString(key)}]`;
    return test(IDENTIFIER, key) ? key : quote(key);
  };

  // The name of the class an object belongs to; null for an object without prototype.
  const className = (value) => {
    for (let object = value, steps = 0; object !== null && steps < 100; object = getPrototypeOf(object), steps++) {
      const own = getOwnPropertyDescriptor(object, 'constructor');
      if (own && typeof own.value === 'function') {
        const name = getOwnPropertyDescriptor(own.value, 'name');
        if (name && typeof name.value === 'string' && name.value !== '') return name.value;
      }
    }
    return null;
  };

  const functionText = (value) => {
    const own = getOwnPropertyDescriptor(value, 'name');
    const name = own && typeof own.value === 'string' && own.value !== '' ? own.value : '';
    if (startsWith(functionToString(value), 'class')) return name ? `[class ${name}]` : '[class (anonymous)]';
    const kind = className(value) ?? 'Function';
    return name ? `[${kind}: ${name}]` : `[${kind} (anonymous)]`;
  };

  const more = (count) => `... ${count} more item${count === 1 ? '' : 's'}`;

  // The tag that an object's class gives it, such as `Generator`.
  const tagOf = (value) => {
    for (let object = value, steps = 0; object !== null && steps < 100; object = getPrototypeOf(object), steps++) {
      const own = getOwnPropertyDescriptor(object, toStringTag);
      if (own) return typeof own.value === 'string' ? own.value : '';
    }
    return '';
  };

  // Many short elements, several to a line.
  const fill = (parts, indent) => {
    if (parts.length <= 6) return parts;
    const lines = [];
    let line = '';
    for (let i = 0; i < parts.length; i++) {
      if (parts[i].length > SHORT || indexOf(parts[i], '\n') >= 0) return parts;
      if (line !== '' && indent.length + line.length + parts[i].length > LINE) {
        push(lines, line);
        line = '';
      }
      line = line === '' ? parts[i] : `${line}, ${parts[i]}`;
    }
    push(lines, line);
    return lines;
  };

  const layout = (open, parts, close, indent, isList) => {
    if (parts.length === 0) return `${open}${close}`;
    let width = open.length + close.length;
    let multiline = false;
    for (let i = 0; i < parts.length; i++) {
      width += parts[i].length + 2;
      if (indexOf(parts[i], '\n') >= 0) multiline = true;
    }
    if (!multiline && width <= LINE) return `${open} ${join(parts, ', ')} ${close}`;
    const pad = `\n${indent}  `;
    return `${open}${pad}${join(isList ? fill(parts, indent) : parts, `,${pad}`)}\n${indent}${close}`;
  };

  class Writer {
    seen = [];
    left = MAX_TEXT;

    constructor(depth) {
      this.depth = depth;
    }

    show(value, depth, indent) {
      let text;
      if (this.left <= 0) return '...';
      if ((typeof value !== 'object' && typeof value !== 'function') || value === null) {
        text = primitive(value);
      } else if (includes(this.seen, value)) {
        text = '[Circular]';
      } else {
        push(this.seen, value);
        try {
          text = this.object(value, depth, indent);
        } catch {
          text = '[Object: could not be inspected]';
        }
        this.seen.length--;
      }
      this.left -= text.length;
      return text;
    }

    property(object, key, depth, indent, skipKey) {
      const own = getOwnPropertyDescriptor(object, key);
      let text;
      if (own === undefined) text = 'undefined';
      else if (own.get) text = own.set ? '[Getter/Setter]' : '[Getter]';
      else if (own.set) text = '[Setter]';
      else text = this.show(own.value, depth + 1, `${indent}  `);
      return skipKey ? text : `${keyText(key)}: ${text}`;
    }

    // The enumerable own properties that `skip` does not name.
    properties(value, parts, depth, indent, skip) {
      const names = ownKeys(value);
      let shown = 0;
      for (let i = 0; i < names.length; i++) {
        const key = names[i];
        if (skip && skip(key)) continue;
        const own = getOwnPropertyDescriptor(value, key);
        if (!own || !own.enumerable) continue;
        if (shown === MAX_ITEMS) {
          push(parts, more(names.length - i));
          return;
        }
        shown++;
        push(parts, this.property(value, key, depth, indent));
      }
    }

    array(value, length, parts, depth, indent) {
      let shown = 0;
      for (let i = 0; i < length; i++) {
        if (shown === MAX_ITEMS) {
          push(parts, more(length - i));
          return;
        }
        const own = getOwnPropertyDescriptor(value, i);
        let holes = 0;
        if (!own) {
          const start = i;
          while (i < length && i - start < 1000 && !getOwnPropertyDescriptor(value, i)) i++;
          holes = i - start;
          i--;
        }
        shown++;
        push(parts, own ? this.property(value, i, depth, indent, true)
          : `<${holes} empty item${holes === 1 ? '' : 's'}>`);
      }
    }

    entries(entries, isMap, parts, depth, indent) {
      for (let i = 0; i < entries.length; i++) {
        if (i === MAX_ITEMS) {
          push(parts, more(entries.length - i));
          return;
        }
        const inner = `${indent}  `;
        push(parts, isMap
          ? `${this.show(entries[i][0], depth + 1, inner)} => ${this.show(entries[i][1], depth + 1, inner)}`
          : this.show(entries[i], depth + 1, inner));
      }
    }

    error(value, depth, indent) {
      let text;
      try {
        if (depth > this.depth) return `[${errorToString(value)}]`;
        text = value.stack;
        if (typeof text !== 'string' || text === '') text = `[${errorToString(value)}]`;
      } catch {
        text = '[Error]';
      }
      if (indent) text = replaceAll(text, '\n', `\n${indent}`);
      const parts = [];
      const name = getOwnPropertyDescriptor(value, 'name')?.value;
      const isNamed = typeof name === 'string' && startsWith(text, name);
      const isShown = (key) => key === 'stack' || key === 'message' || (key === 'name' && isNamed);
      this.properties(value, parts, depth, indent, isShown);
      for (const key of ['cause', 'errors']) {
        const own = getOwnPropertyDescriptor(value, key);
        if (own && !own.enumerable && 'value' in own) {
          push(parts, `[${key}]: ${this.show(own.value, depth + 1, `${indent}  `)}`);
        }
      }
      if (parts.length === 0) return text;
      const pad = `\n${indent}  `;
      return `${text} {${pad}${join(parts, `,${pad}`)}\n${indent}}`;
    }

    object(value, depth, indent) {
      const kind = native.kindOf(value);
      if (kind === 'Proxy') return '[Proxy]';
      if (kind === 'Tools' || kind === 'Upstream') return `[${kind}]`;
      if (isError(value) || kind === 'DOMException') return this.error(value, depth, indent);
      if (typeof value === 'function') {
        const parts = [];
        this.properties(value, parts, depth, indent, (key) => key === 'prototype');
        const text = functionText(value);
        return parts.length ? layout(`${text} {`, parts, '}', indent) : text;
      }
      const name = className(value);
      const shownName = name ?? '[Object: null prototype]';
      if (kind === 'Date') {
        const time = getTime(value);
        return time === time ? toISOString(value) : 'Invalid Date';
      }
      if (kind === 'RegExp') return `/${regExpSource(value)}/${regExpFlags(value)}`;
      const isList = isArray(value);
      const typed = isView(value) && kind !== 'DataView';
      const parts = [];
      if (depth > this.depth) return isList ? '[Array]' : `[${name ?? 'Object: null prototype'}]`;
      if (isList) {
        const length = value.length;
        this.array(value, length, parts, depth, indent);
        this.properties(value, parts, depth, indent, isIndex);
        return layout(name === 'Array' ? '[' : `${shownName}(${length}) [`, parts, ']', indent, true);
      }
      if (typed) {
        const length = typedArrayLength(value);
        this.array(value, length, parts, depth, indent);
        return layout(`${shownName}(${length}) [`, parts, ']', indent, true);
      }
      if (kind === 'Map' || kind === 'Set') {
        const entries = native.entries(value);
        this.entries(entries, kind === 'Map', parts, depth, indent);
        this.properties(value, parts, depth, indent);
        return layout(`${shownName}(${entries.length}) {`, parts, '}', indent);
      }
      if (kind === 'Promise') push(parts, this.promise(value, depth, indent));
      else if (kind === 'ArrayBuffer') push(parts, `byteLength: ${bufferLength(value)}`);
      else if (kind in unbox) {
        const text = `[${kind}: ${primitive(unbox[kind](value))}]`;
        this.properties(value, parts, depth, indent, isIndex);
        return parts.length ? layout(`${text} {`, parts, '}', indent) : text;
      } else if (name === 'URL' || name === 'URLSearchParams') this.web(value, name, parts, depth, indent);
      this.properties(value, parts, depth, indent);
      if (name === 'Object') {
        const tag = tagOf(value);
        return layout(tag !== '' ? `Object [${tag}] {` : '{', parts, '}', indent);
      }
      return layout(`${shownName} {`, parts, '}', indent);
    }

    // What a URL or its parameters hold; nothing for an object that only has the name of their class.
    web(value, name, parts, depth, indent) {
      try {
        if (name === 'URL') {
          push(parts, `href: ${quote(urlHref(value))}`);
        } else {
          const entries = [];
          eachParameter(value, (text, key) => push(entries, [key, text]));
          this.entries(entries, true, parts, depth, indent);
        }
      } catch {
        // It is none.
      }
    }

    promise(value, depth, indent) {
      const [state, result] = native.promiseState(value);
      if (state === 0) return '<pending>';
      const text = this.show(result, depth + 1, `${indent}  `);
      return state === 1 ? text : `<rejected> ${text}`;
    }
  }

  // As many levels as `depth` says: null and Infinity mean as many as there can be.
  const inspect = (value, depth = DEPTH) => {
    const levels = typeof depth !== 'number' || !(depth < MAX_DEPTH) ? MAX_DEPTH : depth;
    return new Writer(levels).show(value, 0, '');
  };

  const DIRECTIVES = /%[sdifjoOc%]/g;
  DIRECTIVES.exec = IDENTIFIER.exec;
  const toInteger = (value) => {
    if (typeof value === 'bigint') return `${value}n`;
    return typeof value === 'symbol' ? 'NaN' : primitive(parseInt(value));
  };
  const directive = (letter, value) => {
    switch (letter) {
      case 's':
        if (typeof value === 'string') return value;
        return typeof value === 'object' || typeof value === 'function' ? inspect(value) : primitive(value);
      case 'd':
        if (typeof value === 'bigint') return `${value}n`;
        return typeof value === 'symbol' || typeof value === 'object' ? 'NaN' : primitive(+value);
      case 'i': return toInteger(value);
      case 'f': return typeof value === 'symbol' ? 'NaN' : primitive(parseFloat(value));
      case 'j':
        try {
          return toText(stringify(value));
        } catch {
          return '[Circular]';
        }
      case 'c': return '';
      default: return inspect(value);
    }
  };

  // What one console call writes, without the newline.
  const format = (...values) => {
    let text = '';
    let next = 0;
    if (typeof values[0] === 'string') {
      next = 1;
      const template = values[0];
      text = values.length === 1 ? template : replaceEach(template, DIRECTIVES, (found) => {
        if (found === '%%') return '%';
        return next < values.length ? directive(found[1], values[next++]) : found;
      });
    }
    for (; next < values.length; next++) {
      if (next > 0) text += ' ';
      text += typeof values[next] === 'string' ? values[next] : inspect(values[next]);
    }
    return text;
  };

  native.inspect = inspect;
  native.format = format;
  native.onInspect(inspect);
  native.onFormat(format);
});
