// The lines that console writes: one call, one `write`. What is not one text is formatted by the library.
(function (native) {
  const { write, define, uncurry, apply } = native;
  const replaceAll = uncurry(String.prototype.replaceAll);
  const repeat = uncurry(String.prototype.repeat);
  const MAX_INDENTATION = 64;
  let indentation = ''; // of console.group
  const console = {};
  const streams = { __proto__: null, log: 1, info: 1, debug: 1, warn: 2, error: 2 };
  for (const name of Object.keys(streams)) {
    const stream = streams[name];
    const method = {
      [name](...values) {
        const text = values.length === 1 && typeof values[0] === 'string' ? values[0] : apply(native.format, undefined, values);
        write(stream, indentation === '' ? `${text}\n` : `${indentation}${replaceAll(text, '\n', `\n${indentation}`)}\n`);
      },
    }[name];
    define(console, name, method);
  }
  define(globalThis, 'console', console);
  native.indent = (steps) => {
    const wanted = indentation.length + 2 * steps;
    indentation = repeat(' ', wanted < 0 ? 0 : wanted > MAX_INDENTATION ? MAX_INDENTATION : wanted);
  };
  // `inspect.js` hands its functions over under these names as well.
  native.onInspect = native.onFormat = () => {};
});
