/**
 * How many sockets a network has open: accepted and dialed ones, with handshakes and dials that are under
 * way. Each costs a descriptor. Listening sockets do not count.
 */
export class SocketCount {
  open = 0;
}
