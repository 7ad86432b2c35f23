// Loaded before a server that listens everywhere: it listens on loopback alone, at a free port, and says which.
import net from 'node:net';

const { listen } = net.Server.prototype;
net.Server.prototype.listen = function (_port, ready) {
  return listen.call(this, 0, '127.0.0.1', () => {
    console.log(`listening at ${this.address().port}`);
    ready?.();
  });
};
