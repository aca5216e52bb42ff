/** How the process was started that reads a configuration: what directives about the process can do in it. */
export interface Launch {
  /** By root, though the process may have become another user's since. */
  readonly byRoot: boolean;
  /** `user` is looked up, for whoever runs the configuration to follow. */
  readonly honoursUser: boolean;
  /** What is told of a `user` that is not; null where somebody else tells it. */
  readonly userWarning: string | null;
  /** The gateway is a part of another program, which the process belongs to. */
  readonly isEmbedded: boolean;
  /** Requests are logged in nginx's default file where no `access_log` says anything. */
  readonly logsByDefault: boolean;
}

/** For a thread of a process whose main thread tells and acts. @param byRoot as the main thread has found it */
export function threadLaunch(byRoot: boolean): Launch {
  return { byRoot, honoursUser: false, userWarning: null, isEmbedded: false, logsByDefault: true };
}
