// TextEncoder and TextDecoder for UTF-8, UTF-16LE and windows-1252 (which "latin1" means on the web).
(function (native) {
  const { encode, decode } = native;
  const LABELS = {
    __proto__: null,
    'utf-8': 'utf-8', utf8: 'utf-8', 'unicode-1-1-utf-8': 'utf-8',
    'utf-16le': 'utf-16le', 'utf-16': 'utf-16le', 'ucs-2': 'utf-16le', unicode: 'utf-16le',
    'windows-1252': 'windows-1252', latin1: 'windows-1252', 'iso-8859-1': 'windows-1252', ascii: 'windows-1252',
    'us-ascii': 'windows-1252', cp1252: 'windows-1252', l1: 'windows-1252',
  };
  const HIGH_1252 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';
  const NO_BYTES = new Uint8Array(0);
  const { fromCharCode } = String;

  const bytesOf = (input) => {
    if (input === undefined) return NO_BYTES;
    if (input instanceof Uint8Array) return input;
    if (ArrayBuffer.isView(input)) return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
    if (input instanceof ArrayBuffer) return new Uint8Array(input);
    throw new TypeError('decode takes an ArrayBuffer or a view of one');
  };

  const concat = (first, second) => {
    if (first.length === 0) return second;
    const both = new Uint8Array(first.length + second.length);
    both.set(first);
    both.set(second, first.length);
    return both;
  };

  const decode1252 = (bytes) => {
    let text = '';
    for (const byte of bytes) text += byte >= 0x80 && byte < 0xa0 ? HIGH_1252[byte - 0x80] : fromCharCode(byte);
    return [text, 0];
  };

  const decodeUtf16 = (bytes, fatal, stream) => {
    let text = '';
    let waiting = bytes.length & 1;
    for (let at = 0; at + 1 < bytes.length; at += 2) text += fromCharCode(bytes[at] | (bytes[at + 1] << 8));
    const last = text.charCodeAt(text.length - 1);
    if (stream && last >= 0xd800 && last < 0xdc00) {
      text = text.slice(0, -1);
      waiting += 2;
    }
    if (!stream && waiting) {
      text += '\ud800';
      waiting = 0;
    }
    if (fatal && !text.isWellFormed()) throw new TypeError('the bytes are not valid UTF-16');
    return [text.toWellFormed(), waiting];
  };

  class TextEncoder {
    get encoding() {
      return 'utf-8';
    }

    encode(text = '') {
      return encode(`${text}`);
    }

    encodeInto(source, destination) {
      const text = `${source}`;
      if (!(destination instanceof Uint8Array)) throw new TypeError('encodeInto writes into a Uint8Array');
      const bytes = encode(text);
      let written = Math.min(bytes.length, destination.length);
      while (written < bytes.length && (bytes[written] & 0xc0) === 0x80) written--;
      destination.set(bytes.subarray(0, written));
      return { read: decode(bytes.subarray(0, written), false, false)[0].length, written };
    }
  }

  class TextDecoder {
    #encoding;
    #fatal;
    #ignoreBOM;
    #waiting = NO_BYTES;
    #started = false;

    constructor(label = 'utf-8', options) {
      this.#encoding = LABELS[`${label}`.trim().toLowerCase()];
      if (this.#encoding === undefined) throw new RangeError(`the encoding \`${label}\` is not supported`);
      this.#fatal = !!options?.fatal;
      this.#ignoreBOM = !!options?.ignoreBOM;
    }

    get encoding() {
      return this.#encoding;
    }

    get fatal() {
      return this.#fatal;
    }

    get ignoreBOM() {
      return this.#ignoreBOM;
    }

    decode(input, options) {
      const stream = !!options?.stream;
      const bytes = concat(this.#waiting, bytesOf(input));
      const decoder = { 'utf-8': decode, 'utf-16le': decodeUtf16, 'windows-1252': decode1252 }[this.#encoding];
      this.#waiting = NO_BYTES;
      let [text, waiting] = decoder(bytes, this.#fatal, stream);
      if (waiting) this.#waiting = bytes.slice(bytes.length - waiting);
      if (!this.#started && text !== '') {
        this.#started = true;
        if (!this.#ignoreBOM && text.charCodeAt(0) === 0xfeff && this.#encoding !== 'windows-1252') text = text.slice(1);
      }
      if (!stream) this.#started = false;
      return text;
    }
  }

  for (const value of [TextEncoder, TextDecoder]) {
    Object.defineProperty(value.prototype, Symbol.toStringTag, { value: value.name, configurable: true });
    Object.defineProperty(globalThis, value.name, { value, writable: true, configurable: true });
  }
});
