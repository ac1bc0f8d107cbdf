/** Runs inside a namespace: whatever connects to the Unix socket is connected to the address. `SOCKET HOST:PORT` */
import { connect, createServer } from 'node:net';
import { pair } from './netns.mjs';

const [socket, address] = process.argv.slice(2);
const [host, port] = address.split(':');
createServer((client) => pair(client, connect(Number(port), host))).listen(socket, () => console.log('up'));
