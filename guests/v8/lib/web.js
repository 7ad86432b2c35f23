// The web's globals that QuickJS has by itself: DOMException, base64, crypto, performance and queueMicrotask.
(function (native) {
  const { now, random, fail, define, uncurry } = native;
  const { TypeError } = globalThis;
  const { defineProperty, defineProperties } = Object;
  const charCodeAt = uncurry(String.prototype.charCodeAt);
  const { fromCharCode } = String;

  const NAMES = ['IndexSizeError', 'DOMStringSizeError', 'HierarchyRequestError', 'WrongDocumentError',
    'InvalidCharacterError', 'NoDataAllowedError', 'NoModificationAllowedError', 'NotFoundError', 'NotSupportedError',
    'InUseAttributeError', 'InvalidStateError', 'SyntaxError', 'InvalidModificationError', 'NamespaceError',
    'InvalidAccessError', 'ValidationError', 'TypeMismatchError', 'SecurityError', 'NetworkError', 'AbortError',
    'URLMismatchError', 'QuotaExceededError', 'TimeoutError', 'InvalidNodeTypeError', 'DataCloneError'];
  const CODES = { __proto__: null };
  const CONSTANTS = { __proto__: null };
  NAMES.forEach((name, index) => {
    const constant = name.replace(/Error$/, '').replace(/^DOMString/, 'Domstring').replace(/^InUse/, 'Inuse')
      .replace(/^URL/, 'Url').replace(/(?<!^)(?=[A-Z])/g, '_').toUpperCase();
    CODES[name] = index + 1;
    CONSTANTS[`${constant}_ERR`] = { value: index + 1, enumerable: true };
  });
  for (const name of ['DOMStringSizeError', 'NoDataAllowedError', 'ValidationError']) delete CODES[name];

  // An error made by the engine, so that it has a stack, with the members of its class in place of its own.
  class DOMException extends Error {
    #name;
    #message;

    constructor(message = '', name = 'Error') {
      super();
      this.#message = `${message}`;
      this.#name = `${name}`;
    }

    get name() {
      return this.#name;
    }

    get message() {
      return this.#message;
    }

    get code() {
      return CODES[this.#name] ?? 0;
    }

    static isOne(value) {
      return #name in value;
    }
  }
  const { isOne } = DOMException;
  delete DOMException.isOne;
  for (const name of ['name', 'message', 'code']) defineProperty(DOMException.prototype, name, { enumerable: true });
  defineProperty(DOMException.prototype, Symbol.toStringTag, { value: 'DOMException', configurable: true });
  defineProperties(DOMException, CONSTANTS);
  defineProperties(DOMException.prototype, CONSTANTS);
  define(globalThis, 'DOMException', DOMException);

  const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const VALUES = { __proto__: null };
  for (let i = 0; i < 64; i++) VALUES[ALPHABET[i]] = i;
  const refused = (message) => new DOMException(message, 'InvalidCharacterError');
  const functions = {
    btoa(data) {
      if (arguments.length === 0) throw new TypeError('btoa takes a string');
      const text = `${data}`;
      let encoded = '';
      for (let at = 0; at < text.length; at += 3) {
        let bits = 0;
        for (let i = 0; i < 3; i++) {
          const code = at + i < text.length ? charCodeAt(text, at + i) : 0;
          if (code > 255) throw refused('the string has characters outside of Latin1');
          bits = (bits << 8) | code;
        }
        const left = text.length - at;
        encoded += ALPHABET[bits >> 18] + ALPHABET[(bits >> 12) & 63] +
          (left > 1 ? ALPHABET[(bits >> 6) & 63] : '=') + (left > 2 ? ALPHABET[bits & 63] : '=');
      }
      return encoded;
    },
    atob(data) {
      if (arguments.length === 0) throw new TypeError('atob takes a string');
      const text = `${data}`;
      const digits = [];
      let padding = 0;
      for (let at = 0; at < text.length; at++) {
        const char = text[at];
        if (char === ' ' || char === '\t' || char === '\n' || char === '\f' || char === '\r') continue;
        if (char === '=') {
          padding++;
          continue;
        }
        const value = VALUES[char];
        if (value === undefined || padding) throw refused('the string is not base64');
        digits[digits.length] = value;
      }
      const rest = digits.length % 4;
      if (rest === 1 || padding > 2 || (padding && (digits.length + padding) % 4)) throw refused('the string is not base64');
      let decoded = '';
      for (let at = 0; at < digits.length; at += 4) {
        const bits = (digits[at] << 18) | (digits[at + 1] << 12) | ((digits[at + 2] ?? 0) << 6) | (digits[at + 3] ?? 0);
        decoded += fromCharCode(bits >> 16);
        if (at + 2 < digits.length) decoded += fromCharCode((bits >> 8) & 255);
        if (at + 3 < digits.length) decoded += fromCharCode(bits & 255);
      }
      return decoded;
    },
    queueMicrotask(callback) {
      if (typeof callback !== 'function') throw new TypeError('queueMicrotask takes a function');
      then(resolved, () => {
        try {
          callback();
        } catch (error) {
          fail(error);
        }
      });
    },
  };
  const then = uncurry(Promise.prototype.then);
  const resolved = Promise.resolve();
  for (const name of Object.keys(functions)) define(globalThis, name, functions[name]);

  const QUOTA = 65536;
  const hex = uncurry(Number.prototype.toString);
  const typedArrayTag = uncurry(
    Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag).get);
  const byteLength = uncurry(
    Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), 'byteLength').get);
  const INTEGERS = { __proto__: null };
  for (const name of ['Int8', 'Uint8', 'Uint8Clamped', 'Int16', 'Uint16', 'Int32', 'Uint32', 'BigInt64', 'BigUint64']) {
    INTEGERS[`${name}Array`] = true;
  }
  const Bytes = Uint8Array;
  const crypto = {};
  define(crypto, 'getRandomValues', {
    getRandomValues(array) {
      const tag = typeof array === 'object' && array !== null ? typedArrayTag(array) : undefined;
      if (tag === undefined || !INTEGERS[tag]) {
        throw new DOMException('getRandomValues takes an array of integers', 'TypeMismatchError');
      }
      if (byteLength(array) > QUOTA) {
        throw new DOMException(`getRandomValues gives at most ${QUOTA} bytes`, 'QuotaExceededError');
      }
      random(array);
      return array;
    },
  }.getRandomValues);
  define(crypto, 'randomUUID', {
    randomUUID() {
      const bytes = new Bytes(16);
      random(bytes);
      bytes[6] = (bytes[6] & 0x0f) | 0x40;
      bytes[8] = (bytes[8] & 0x3f) | 0x80;
      let text = '';
      for (let i = 0; i < 16; i++) {
        if (i === 4 || i === 6 || i === 8 || i === 10) text += '-';
        text += hex(bytes[i] >> 4, 16) + hex(bytes[i] & 15, 16);
      }
      return text;
    },
  }.randomUUID);
  define(globalThis, 'crypto', crypto);

  let origin = 0;
  const performance = {};
  define(performance, 'now', { now: () => now() - origin }.now);
  defineProperty(performance, 'timeOrigin', {
    get: Object.getOwnPropertyDescriptor({ get timeOrigin() { return origin; } }, 'timeOrigin').get,
    enumerable: true,
    configurable: true,
  });
  define(globalThis, 'performance', performance);
  native.isDOMException = isOne;
  native.startClock = () => {
    origin = now();
  };

  const { utf8Length, writeUtf8, decodeUtf8 } = native;
  native.encode = (text) => {
    const bytes = new Bytes(utf8Length(text));
    writeUtf8(text, bytes);
    return bytes;
  };
  native.decode = (bytes, fatal, stream) => {
    const decoded = decodeUtf8(bytes, fatal, stream);
    if (decoded === undefined) throw new TypeError('the bytes are not valid UTF-8');
    return decoded;
  };
});
