// There is no Intl. The engine ignores the options of these methods, so what they ask for would be wrong in silence.
(function () {
  const { ownKeys } = Reflect;
  const { defineProperty } = Object;
  const { call } = Function.prototype;
  const NUMBERS = 'use `toFixed`, or code of your own';
  const DATES = 'use `toISOString`, or the `getUTC` methods';
  const TEXTS = 'compare what you make of the texts, such as `toLowerCase()`';

  const refuse = (method, options, instead) => {
    const keys = typeof options === 'object' && options !== null ? ownKeys(options) : [];
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      // A time zone that is the only one there is changes nothing.
      if (options[key] === undefined || (key === 'timeZone' && options[key] === 'UTC')) continue;
      throw new RangeError(`\`${method}\` has no option \`${String(key)}\`, as there is no \`Intl\`: ${instead}`);
    }
  };

  const guard = (prototype, name, position, instead) => {
    // It reads no locale either: what stands first is all that can matter.
    const original = call.bind(prototype[name]);
    const { [name]: method } = {
      [name](first, second, third) {
        refuse(name, position === 1 ? second : third, instead);
        return original(this, first);
      },
    };
    defineProperty(method, 'length', { value: prototype[name].length, configurable: true });
    defineProperty(prototype, name, { value: method, writable: true, enumerable: false, configurable: true });
  };

  guard(Number.prototype, 'toLocaleString', 1, NUMBERS);
  guard(BigInt.prototype, 'toLocaleString', 1, NUMBERS);
  guard(Date.prototype, 'toLocaleString', 1, DATES);
  guard(Date.prototype, 'toLocaleDateString', 1, DATES);
  guard(Date.prototype, 'toLocaleTimeString', 1, DATES);
  guard(String.prototype, 'localeCompare', 2, TEXTS);
});
