// A small virus checker that speaks ClamAV's INSTREAM and knows one virus: the file that all checkers are tried with.
import { createServer } from 'node:net';

/** That file, put together here so that no checker finds it in the source. */
export const eicar = () =>
  Buffer.from(['X5O!P%@AP[4\\PZX54(P^)7CC)7}', '$EICAR-STANDARD-', 'ANTIVIRUS-TEST-FILE', '!$H+H*'].join(''));

/** Listens on a free port; `away(true)` makes it close without an answer. */
export async function startClamd() {
  let isAway = false;
  const server = createServer((socket) => {
    socket.on('error', () => {});
    if (isAway) return socket.destroy();
    let got = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      got = Buffer.concat([got, chunk]);
      const command = got.subarray(0, got.indexOf(0)).toString();
      if (command === 'zVERSION') return socket.end('ClamAV 1.4.3/test\0');
      const chunks = [];
      for (let at = command.length + 1; at + 4 <= got.length;) {
        const length = got.readUInt32BE(at);
        if (length === 0) {
          const found = Buffer.concat(chunks).includes(eicar());
          return socket.end(found ? 'stream: Eicar-Test-Signature FOUND\0' : 'stream: OK\0');
        }
        chunks.push(got.subarray(at + 4, at + 4 + length));
        at += 4 + length;
      }
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${server.address().port}`,
    away: (is) => {
      isAway = is;
    },
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}
