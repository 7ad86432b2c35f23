// setTimeout and setInterval: a heap of timers, ordered by due time, then by id.
(function (native) {
  const { now, define, apply } = native;
  const { TypeError } = globalThis;
  const { isFinite } = Number;
  const { trunc } = Math;
  const heap = [];
  let lastId = 0;
  let running = 0; // the timer whose callback runs; 0 once the callback has cleared it

  const before = (a, b) => (a.due !== b.due ? a.due < b.due : a.id < b.id);
  const swap = (a, b) => {
    const timer = heap[a];
    heap[a] = heap[b];
    heap[b] = timer;
  };
  const up = (start) => {
    for (let at = start; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!before(heap[at], heap[parent])) return;
      swap(at, parent);
      at = parent;
    }
  };
  const down = (start) => {
    for (let at = start, child; (child = 2 * at + 1) < heap.length; at = child) {
      if (child + 1 < heap.length && before(heap[child + 1], heap[child])) child++;
      if (!before(heap[child], heap[at])) return;
      swap(at, child);
    }
  };
  // Own elements, so that a setter which the program puts on a prototype sees nothing.
  const { defineProperty } = Object;
  const insert = (timer) => {
    const at = heap.length;
    defineProperty(heap, at, { __proto__: null, value: timer, writable: true, enumerable: true, configurable: true });
    up(at);
  };
  const take = (at) => {
    const timer = heap[at];
    const last = heap[heap.length - 1];
    heap.length--;
    if (at < heap.length) {
      heap[at] = last;
      down(at);
      up(at);
    }
    return timer;
  };

  // Delays below one millisecond, not a number or beyond 31 bits count as one millisecond, as in Node.
  const delayOf = (value) => {
    const ms = value === undefined ? 0 : +value;
    return isFinite(ms) && ms >= 1 && ms <= 0x7fffffff ? trunc(ms) : 1;
  };
  const set = (name, callback, delay, values, repeats) => {
    if (typeof callback !== 'function') throw new TypeError(`the first argument of ${name} must be a function`);
    const period = delayOf(delay);
    const id = ++lastId;
    insert({ __proto__: null, due: now() + period, period: repeats ? period : 0, id, callback, values });
    return id;
  };
  const clear = (id) => {
    if (typeof id !== 'number') return;
    if (id === running) running = 0;
    for (let at = 0; at < heap.length; at++) {
      if (heap[at].id === id) {
        take(at);
        return;
      }
    }
  };
  const functions = {
    setTimeout(callback, delay, ...values) {
      return set('setTimeout', callback, delay, values, false);
    },
    setInterval(callback, delay, ...values) {
      return set('setInterval', callback, delay, values, true);
    },
    clearTimeout(id) {
      clear(id);
    },
    clearInterval(id) {
      clear(id);
    },
  };
  for (const name of Object.keys(functions)) {
    defineProperty(functions[name], 'length', { value: name.startsWith('set') ? 2 : 1, configurable: true });
    define(globalThis, name, functions[name]);
  }

  // When the next timer is due, in milliseconds; -1 when there is none.
  native.nextDue = () => (heap.length ? heap[0].due : -1);
  // Whether one was due, which has been called then.
  native.fireDue = () => {
    if (!heap.length || heap[0].due > now()) return false;
    const timer = take(0);
    running = timer.id;
    apply(timer.callback, undefined, timer.values);
    const again = timer.period && running === timer.id;
    running = 0;
    if (again) {
      timer.due = now() + timer.period;
      insert(timer);
    }
    return true;
  };
});
