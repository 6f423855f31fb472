/** Runs in a namespace of the lab: prints each UDP datagram that comes to PORT, in hexadecimal, a line each. */
import { createSocket } from 'node:dgram';

const socket = createSocket('udp4', (datagram) => console.log(datagram.toString('hex')));
socket.bind(Number(process.argv[2]), () => console.log('listening'));
