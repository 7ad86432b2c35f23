// `tools`, and the host calls that wait for their completion. Nothing the program overrides is used here.
// A call's promise is settled by functions that only this file has, when the host has completed the call.
(function (native) {
  const { submit, uncurry, argumentsJson, kinds } = native;
  const { Proxy, ToolError, TypeError } = globalThis;
  const { isArray } = Array;
  const { parse, stringify } = JSON;
  const { defineProperty } = Reflect;
  const { setPrototypeOf, preventExtensions, hasOwn } = Object;
  const EnginePromise = Promise;
  const EngineError = Error;
  const pending = new Map();
  const mapSet = uncurry(Map.prototype.set);
  const mapGet = uncurry(Map.prototype.get);
  const mapDelete = uncurry(Map.prototype.delete);
  const kindSet = uncurry(WeakMap.prototype.set);
  const { prototype: toolErrorPrototype } = ToolError;
  const [CALL, CALL_FULL, SEARCH, DESCRIBE, LIST] = [0, 1, 2, 3, 4];

  const define = (object, key, value, enumerable) => {
    defineProperty(object, key, { __proto__: null, value, writable: true, enumerable, configurable: true });
  };
  // So that a misuse is seen where the call is awaited.
  const rejected = (message) => new EnginePromise((_, reject) => reject(new TypeError(message)));

  // The error of a call is made with it, so that its stack is the call's; it is thrown if the call fails.
  const send = (kind, name, json) => {
    const error = new EngineError();
    let settle;
    const promise = new EnginePromise((resolve, reject) => {
      settle = { __proto__: null, resolve, reject, error };
    });
    mapSet(pending, submit(kind, name, json), settle);
    return promise;
  };

  const sendCall = (kind, name, values) => {
    if (values === undefined) return send(kind, name, '{}');
    if (typeof values !== 'object' || values === null || isArray(values)) {
      return rejected(`\`${name}\` takes its arguments as one object, such as {key: value}`);
    }
    let json;
    try {
      json = argumentsJson(values);
    } catch (error) {
      return new EnginePromise((_, reject) => reject(error));
    }
    if (typeof json !== 'string' || json[0] !== '{') {
      return rejected(`the argument of \`${name}\` is not an object once written as JSON`);
    }
    return send(kind, name, json);
  };

  const wantsString = (usage) => rejected(`the first argument must be a string: ${usage}`);
  const own = {
    __proto__: null,
    $call(name, values, options) {
      if (typeof name !== 'string') return wantsString("tools.$call('upstream.tool', {key: value})");
      let full = false;
      try {
        full = typeof options === 'object' && options !== null && !!options.full;
      } catch (error) {
        return new EnginePromise((_, reject) => reject(error));
      }
      return sendCall(full ? CALL_FULL : CALL, name, values);
    },
    $search(query) {
      return typeof query === 'string' ? send(SEARCH, '', stringify(query)) : wantsString("tools.$search('create an issue')");
    },
    $describe(name) {
      return typeof name === 'string' ? send(DESCRIBE, name, 'null') : wantsString("tools.$describe('upstream.tool')");
    },
    $list() {
      return send(LIST, '', 'null');
    },
  };
  defineProperty(own.$call, 'length', { value: 2 });

  const newTool = (upstream, tool) => {
    const name = `${upstream}.${tool}`;
    const { [name]: call } = {
      [name](...values) {
        if (values.length > 1) {
          return rejected(`\`${name}\` takes one object with its arguments, got ${values.length} arguments`);
        }
        return sendCall(CALL, name, values[0]);
      },
    };
    defineProperty(call, 'length', { __proto__: null, value: 1 });
    return call;
  };

  const refuse = () => {
    throw new TypeError('`tools` is read-only');
  };
  const notAValue = () => {
    throw new TypeError('tools are not values: call one, as in await tools.upstream.tool({key: value})');
  };
  const { toPrimitive, toStringTag } = Symbol;
  // Objects without prototype and without writable properties, whose members are made when they are first read.
  const newMembers = (kind, made, make) => {
    const target = { __proto__: null };
    const member = (key) => {
      if (made[key] === undefined) define(made, key, make(key), true);
      return made[key];
    };
    const proxy = new Proxy(target, {
      __proto__: null,
      get(_, key) {
        // Not thenable, not JSON, not cloneable (its tag is no plain object's), and no conversion to a string may end as
        // a call of a tool named `toString`.
        if (key === 'then' || key === 'toJSON') return undefined;
        if (key === toStringTag) return kind;
        if (typeof key === 'symbol') return key === toPrimitive ? notAValue : undefined;
        return member(key);
      },
      set: refuse,
      defineProperty: refuse,
      deleteProperty: refuse,
      setPrototypeOf: () => false,
    });
    kindSet(kinds, proxy, kind);
    return { target, proxy, member };
  };
  const newUpstream = (upstream) => {
    const { target, proxy } = newMembers('Upstream', { __proto__: null }, (tool) => newTool(upstream, tool));
    preventExtensions(target);
    return proxy;
  };
  const tools = newMembers('Tools', own, newUpstream);
  // Neither writable nor configurable, so no code can put another object in its place.
  defineProperty(globalThis, 'tools', { value: tools.proxy, enumerable: true });

  const FIELDS = ['code', 'tool', 'content'];
  const toolError = (error, fields) => {
    setPrototypeOf(error, toolErrorPrototype);
    define(error, 'message', fields.message, false);
    for (let i = 0; i < FIELDS.length; i++) {
      if (hasOwn(fields, FIELDS[i])) define(error, FIELDS[i], fields[FIELDS[i]], true);
    }
    return error;
  };
  // SECURITY: an own `then` keeps the engine from asking the prototypes, where the program may have put one.
  const fulfil = (resolve, value) => {
    const isBare = typeof value === 'object' && value !== null && !hasOwn(value, 'then');
    if (isBare) define(value, 'then', undefined, false);
    resolve(value);
    if (isBare) delete value.then;
  };

  native.complete = (id, isError, json) => {
    const { resolve, reject, error } = mapGet(pending, id);
    mapDelete(pending, id);
    let value;
    try {
      value = parse(json);
    } catch (unreadable) {
      reject(unreadable);
      return;
    }
    if (!isError) fulfil(resolve, value);
    else reject(typeof value === 'object' && value !== null ? toolError(error, value) : value);
  };
  native.startTools = (names) => {
    for (let i = 0; i < names.length; i++) {
      const value = tools.member(names[i]);
      defineProperty(tools.target, names[i], { __proto__: null, value, enumerable: true });
    }
    preventExtensions(tools.target);
  };
});
