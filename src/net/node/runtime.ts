/** True under Bun, whose node:net differs in a few places that the adapter must know. */
export const runsOnBun = process.versions["bun"] !== undefined;
