// `error.stack`: a header line, then the frames of the program at the positions the user wrote.
(function (native) {
  const { position, uncurry } = native;
  const { defineProperty } = Object;
  const errorToString = uncurry(Error.prototype.toString);
  const startsWith = uncurry(String.prototype.startsWith);

  const placeOf = (site, file) => {
    const line = site.getLineNumber();
    if (typeof line !== 'number') return 'native';
    const column = site.getColumnNumber();
    return file === 'program.ts' ? position(line, column) : `<input>:${line}:${column}`;
  };
  // The sites, which hold functions and receivers, are read here and never handed out.
  native.formatStack = (error, sites) => {
    let text;
    try {
      text = errorToString(error);
    } catch {
      text = 'Error';
    }
    for (let i = 0; i < sites.length; i++) {
      const site = sites[i];
      const file = site.getFileName();
      if (typeof file === 'string' && startsWith(file, 'conduit:')) continue;
      const name = site.getFunctionName() || '<anonymous>';
      const place = placeOf(site, file);
      text += `\n    at ${site.isAsync() ? 'async ' : ''}${name} (${place})`;
    }
    return text;
  };
  // A syntax error has no frame for its place.
  native.setPlace = (error, place) => {
    const value = `${error.stack}\n    at ${place}`;
    defineProperty(error, 'stack', { __proto__: null, value, writable: true, configurable: true });
  };
});
