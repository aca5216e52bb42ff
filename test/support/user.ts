/**
 * For a gateway of the tests, whose folder only the user who runs them may read: when root does, the gateway
 * stays root. What `user` does otherwise is the subject of test/user.test.ts.
 */
export const asWhoeverTests = process.getuid?.() === 0 ? "user root;" : "";
