// JSON that leaves the guest, the kinds of objects that console tells apart, and what a failed program is told.
(function (native) {
  const { engineKindOf, entries, isDOMException, uncurry } = native;
  const { parse, stringify } = JSON;
  const { isError } = Error;
  const { TypeError } = globalThis;
  const startsWith = uncurry(String.prototype.startsWith);
  const EngineMap = Map;
  const mapGet = uncurry(Map.prototype.get);
  const mapSet = uncurry(Map.prototype.set);
  const kindGet = uncurry(WeakMap.prototype.get);
  const bigIntToString = uncurry(BigInt.prototype.toString);
  const { getOwnPropertyDescriptor } = Reflect;

  native.kinds = new WeakMap();
  native.kindOf = (value) => kindGet(native.kinds, value) ??
    (isDOMException(value) ? 'DOMException' : engineKindOf(value) ?? 'Object');

  // Says what to do about it where the engine says only that it cannot.
  const explained = (what, error) => {
    const message = isError(error) ? getOwnPropertyDescriptor(error, 'message')?.value : undefined;
    if (typeof message !== 'string') return error;
    if (startsWith(message, 'Converting circular structure to JSON')) {
      return new TypeError(`${what} contains a cycle, which JSON cannot express`);
    }
    if (startsWith(message, 'Do not know how to serialize a BigInt')) {
      return new TypeError(`${what} contains a BigInt: convert it with String(value) or Number(value)`);
    }
    return error;
  };

  native.argumentsJson = (value) => {
    try {
      return stringify(value);
    } catch (error) {
      throw explained("the tool's argument", error);
    }
  };

  native.resultJson = (value) => {
    if (value === undefined) return 'null';
    let arrays; // Map or Set -> its one array, so that cycles are seen
    const replace = (_, item) => {
      if (typeof item === 'bigint') return bigIntToString(item);
      if (typeof item !== 'object' || item === null) return item;
      const kind = engineKindOf(item);
      if (kind !== 'Map' && kind !== 'Set') return item;
      arrays ??= new EngineMap();
      const known = mapGet(arrays, item);
      if (known !== undefined) return known;
      const array = entries(item);
      mapSet(arrays, item, array);
      return array;
    };
    try {
      return stringify(value, typeof value === 'object' || typeof value === 'bigint' ? replace : undefined) ?? 'null';
    } catch (error) {
      throw explained("the program's result", error);
    }
  };

  // A string property of a thrown value, whatever getters it has; undefined when there is none.
  const stringProperty = (object, name) => {
    if ((typeof object !== 'object' || object === null) && typeof object !== 'function') return undefined;
    try {
      const value = object[name];
      return typeof value === 'string' ? value : undefined;
    } catch {
      return undefined;
    }
  };
  // As console shows the value; `otherwise` when that is impossible.
  const described = (value, otherwise) => {
    try {
      return native.inspect(value);
    } catch {
      return otherwise;
    }
  };

  // The name, the message, the stack and all that console would say of a thrown value.
  native.failure = (thrown) => {
    const isOne = isError(thrown);
    let name = stringProperty(thrown, 'name');
    let message = stringProperty(thrown, 'message');
    const stack = stringProperty(thrown, 'stack') ?? '';
    if (message === undefined || (name === undefined && !isOne)) {
      message = described(thrown, 'a value that cannot be described');
    }
    name ??= 'Error';
    return [name, message, stack, isOne ? described(thrown, stack) : stack];
  };

  native.start = (input, upstreams) => {
    native.takeAway();
    native.startClock();
    if (input !== 'null') native.define(globalThis, 'input', parse(input));
    native.startTools(upstreams === '' ? [] : parse(upstreams));
  };
  native.define(globalThis, 'input', null);
});
