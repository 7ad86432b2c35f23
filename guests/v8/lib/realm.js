// What V8 has and the guest does not is taken away; what the guest's QuickJS does otherwise is done as there.
(function (native) {
  const { now, engineKindOf } = native;
  const { TypeError } = globalThis;
  const { apply, construct } = Reflect;
  const { defineProperty } = Object;
  const define = (object, name, value) => {
    defineProperty(object, name, { value, writable: true, enumerable: false, configurable: true });
  };

  // SECURITY: nothing that shares memory, compiles machine code of its own, or knows a clock, a zone or a locale of the host.
  const GONE = ['Intl', 'SharedArrayBuffer', 'ShadowRealm', 'Temporal', 'WebAssembly', 'console'];
  for (const name of GONE) delete globalThis[name];
  delete Date.prototype.toTemporalInstant;
  // What the engine adds to every realm that it reads from a snapshot, or wants to find in it.
  native.takeAway = () => {
    delete globalThis.Atomics;
    delete globalThis.SharedArrayBuffer;
    delete globalThis.WebAssembly;
  };

  // SECURITY: the only `Date` that a program can reach has the host's clock, in steps of a millisecond.
  const EngineDate = Date;
  const toText = Function.prototype.call.bind(EngineDate.prototype.toString);
  const { Date: HostDate } = {
    Date: function (...values) {
      if (new.target === undefined) return toText(new EngineDate(now()));
      return construct(EngineDate, values.length === 0 ? [now()] : values, new.target);
    },
  };
  defineProperty(HostDate, 'length', { value: 7, configurable: true });
  defineProperty(HostDate, 'prototype', { value: EngineDate.prototype, writable: false });
  define(HostDate, 'parse', EngineDate.parse);
  define(HostDate, 'UTC', EngineDate.UTC);
  define(HostDate, 'now', { now: () => now() }.now);
  define(EngineDate.prototype, 'constructor', HostDate);
  define(globalThis, 'Date', HostDate);

  // Without `Intl` a locale means nothing: these read none. `locale.js` refuses their options.
  const uncurry = (method) => Function.prototype.call.bind(method);
  const { getUTCFullYear, getUTCMonth, getUTCDate, getUTCHours, getUTCMinutes, getUTCSeconds } = EngineDate.prototype;
  const [year, month, day] = [getUTCFullYear, getUTCMonth, getUTCDate].map(uncurry);
  const [hours, minutes, seconds] = [getUTCHours, getUTCMinutes, getUTCSeconds].map(uncurry);
  const getTime = uncurry(EngineDate.prototype.getTime);
  const padStart = uncurry(String.prototype.padStart);
  const two = (number) => padStart(`${number}`, 2, '0');
  const isInvalid = (date) => getTime(date) !== getTime(date);
  const dateText = (date) => `${two(month(date) + 1)}/${two(day(date))}/${padStart(`${year(date)}`, 4, '0')}`;
  const timeText = (date) => {
    const hour = hours(date);
    return `${two(hour % 12 || 12)}:${two(minutes(date))}:${two(seconds(date))} ${hour < 12 ? 'AM' : 'PM'}`;
  };
  const replace = (prototype, methods) => {
    for (const name of Object.keys(methods)) define(prototype, name, methods[name]);
  };
  replace(EngineDate.prototype, {
    toLocaleString() {
      return isInvalid(this) ? 'Invalid Date' : `${dateText(this)}, ${timeText(this)}`;
    },
    toLocaleDateString() {
      return isInvalid(this) ? 'Invalid Date' : dateText(this);
    },
    toLocaleTimeString() {
      return isInvalid(this) ? 'Invalid Date' : timeText(this);
    },
  });

  const numberToString = uncurry(Number.prototype.toString);
  const bigIntToString = uncurry(BigInt.prototype.toString);
  const { normalize, toLowerCase, toUpperCase } = String.prototype;
  const normalized = uncurry(normalize);
  const lower = uncurry(toLowerCase);
  const upper = uncurry(toUpperCase);
  const codePointAt = uncurry(String.prototype.codePointAt);
  replace(Number.prototype, {
    toLocaleString() {
      return numberToString(this);
    },
  });
  replace(BigInt.prototype, {
    toLocaleString() {
      return bigIntToString(this);
    },
  });
  replace(String.prototype, {
    localeCompare(that) {
      if (this === undefined || this === null) throw new TypeError('localeCompare is a method of a string');
      const left = normalized(`${this}`);
      const right = normalized(`${that}`);
      let at = 0;
      while (at < left.length && at < right.length && left[at] === right[at]) at++;
      const first = codePointAt(left, at) ?? -1;
      const second = codePointAt(right, at) ?? -1;
      return first === second ? 0 : first < second ? -1 : 1;
    },
    toLocaleLowerCase() {
      return lower(this);
    },
    toLocaleUpperCase() {
      return upper(this);
    },
  });
  // The engine adds its own when it reads the snapshot; this one is gone before it is taken.
  define(Error, 'isError', { isError: (value) => engineKindOf(value) === 'Error' }.isError);
  native.define = define;
  native.uncurry = uncurry;
  native.apply = apply;
});
