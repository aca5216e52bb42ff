/** The first four bytes of our PINGs; the number follows. */
export const pingMark = 0x4c6f6e67;
/** The number of the PING that parts the two steps of a graceful GOAWAY; others are the owner's. */
export const drainPing = 0xffff_ffff;
