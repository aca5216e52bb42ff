import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { chromium, type BrowserContext } from "playwright-core";

const executablePath = "/usr/bin/chromium";

export const browserInstalled = existsSync(executablePath);

export interface Browser {
  readonly context: BrowserContext;
  stop(): Promise<void>;
}

/**
 * Debian's Chromium without a window, with a profile of its own, that accepts any certificate.
 * @param more further options of its command line
 */
export async function startBrowser(more: readonly string[] = []): Promise<Browser> {
  const profile = await mkdtemp(path.join(os.tmpdir(), "longhaul-chromium-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    ignoreHTTPSErrors: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...more,
    ],
  });
  return {
    context,
    async stop() {
      await context.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}
