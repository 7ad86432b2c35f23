// Event, EventTarget, AbortController and AbortSignal, as far as programs use them without a page.
(function () {
  const { setTimeout, DOMException } = globalThis;
  const secret = Symbol('construct');

  class Event {
    #type;
    #cancelable;
    #stopped = false;
    #prevented = false;
    #target = null;
    #timeStamp = performance.now();

    constructor(type, { cancelable = false } = {}) {
      this.#type = `${type}`;
      this.#cancelable = !!cancelable;
    }

    get type() {
      return this.#type;
    }

    get target() {
      return this.#target;
    }

    get currentTarget() {
      return this.#target;
    }

    get cancelable() {
      return this.#cancelable;
    }

    get defaultPrevented() {
      return this.#prevented;
    }

    get timeStamp() {
      return this.#timeStamp;
    }

    preventDefault() {
      if (this.#cancelable) this.#prevented = true;
    }

    stopPropagation() {}

    stopImmediatePropagation() {
      this.#stopped = true;
    }

    static dispatch(event, target, listeners) {
      event.#target = target;
      event.#stopped = false;
      for (const listener of [...listeners]) {
        if (event.#stopped) break;
        if (listener.removed || listener.type !== event.#type) continue;
        if (listener.once) remove(listeners, listener);
        try {
          if (typeof listener.callback === 'function') listener.callback.call(target, event);
          else listener.callback.handleEvent(event);
        } catch (error) {
          queueMicrotask(() => {
            throw error;
          });
        }
      }
      return !event.#prevented;
    }
  }
  const { dispatch } = Event;
  delete Event.dispatch;

  const remove = (listeners, listener) => {
    const at = listeners.indexOf(listener);
    if (at >= 0) listeners.splice(at, 1);
    listener.removed = true;
  };

  class EventTarget {
    #listeners = [];

    addEventListener(type, callback, options = {}) {
      if (callback === null || callback === undefined) return;
      const { once = false, signal } = typeof options === 'object' && options !== null ? options : {};
      if (signal?.aborted) return;
      const name = `${type}`;
      if (this.#listeners.some((known) => known.type === name && known.callback === callback)) return;
      const listener = { type: name, callback, once: !!once, removed: false };
      this.#listeners.push(listener);
      signal?.addEventListener('abort', () => remove(this.#listeners, listener), { once: true });
    }

    removeEventListener(type, callback) {
      const listener = this.#listeners.find((known) => known.type === `${type}` && known.callback === callback);
      if (listener) remove(this.#listeners, listener);
    }

    dispatchEvent(event) {
      return dispatch(event, this, this.#listeners);
    }
  }

  class AbortSignal extends EventTarget {
    #aborted = false;
    #reason = undefined;
    onabort = null;

    constructor(key) {
      if (key !== secret) throw new TypeError('Illegal constructor: use new AbortController()');
      super();
    }

    get aborted() {
      return this.#aborted;
    }

    get reason() {
      return this.#reason;
    }

    throwIfAborted() {
      if (this.#aborted) throw this.#reason;
    }

    static abort(reason) {
      const signal = new AbortSignal(secret);
      trigger(signal, reason);
      return signal;
    }

    static timeout(milliseconds) {
      const signal = new AbortSignal(secret);
      setTimeout(() => trigger(signal, new DOMException('The operation timed out', 'TimeoutError')), milliseconds);
      return signal;
    }

    static any(signals) {
      const any = new AbortSignal(secret);
      for (const signal of signals) {
        if (signal.aborted) {
          trigger(any, signal.reason);
          break;
        }
        signal.addEventListener('abort', () => trigger(any, signal.reason), { once: true });
      }
      return any;
    }

    static trigger(signal, reason) {
      if (signal.#aborted) return;
      signal.#aborted = true;
      signal.#reason = reason === undefined ? new DOMException('The operation was aborted', 'AbortError') : reason;
      const event = new Event('abort');
      if (typeof signal.onabort === 'function') signal.onabort(event);
      signal.dispatchEvent(event);
    }
  }
  const { trigger } = AbortSignal;
  delete AbortSignal.trigger;

  class AbortController {
    #signal = new AbortSignal(secret);

    get signal() {
      return this.#signal;
    }

    abort(reason) {
      trigger(this.#signal, reason);
    }
  }

  for (const value of [Event, EventTarget, AbortSignal, AbortController]) {
    Object.defineProperty(value.prototype, Symbol.toStringTag, { value: value.name, configurable: true });
    Object.defineProperty(globalThis, value.name, { value, writable: true, configurable: true });
  }
});
