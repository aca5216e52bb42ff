import { readFile } from "node:fs/promises";
import { certificateFiles } from "../support/certificate.ts";
import { startGateway, type Gateway, type Product } from "../support/gateway.ts";

/** The published configurations under `configs/`. */
export type Published = "1-http-websocket" | "2-timeouts" | "3-https-websocket" | "4-https-and-http";

/** What a published configuration calls an address, a time or a path, and what it is in this test. */
export type Mapping = Readonly<Record<string, string>>;

/** What every test maps alike. `PREFIX` is the gateway's directory. */
const always: Partial<Record<Published, Mapping>> = {
  "3-https-websocket": {
    "/etc/nginx/certificate.pem": "PREFIX/certificate.pem",
    "/etc/nginx/certificate.key": "PREFIX/certificate.key",
  },
  "4-https-and-http": {
    "/usr/local/nginx/conf/cert/2370631__51bnh.com.pem": "PREFIX/certificate.pem",
    "/usr/local/nginx/conf/cert/2370631__51bnh.com.key": "PREFIX/certificate.key",
    // The upstream in the frame stands for the two addresses that DNS would give for this name.
    "http://dev.emmet.pub:10080": "http://dev.emmet.pub",
  },
};

/** Runs a published configuration as it stands, apart from the addresses in `mapping`. */
export async function startPublished(
  product: Product,
  name: Published,
  port: number,
  mapping: Mapping,
): Promise<Gateway> {
  const text = await readFile(new URL(`configs/${name}.conf`, import.meta.url), "latin1");
  const config = mapped(text, { ...always[name], ...mapping });
  const secure = always[name] !== undefined;
  return startGateway(product, { config, port, files: secure ? await certificateFiles() : {} });
}

/** Replaces exactly what `mapping` says. @throws Error when one of its keys does not occur. */
function mapped(text: string, mapping: Mapping): string {
  let result = text;
  for (const [published, here] of Object.entries(mapping)) {
    if (!text.includes(published)) throw new Error(`the configuration does not contain ${published}`);
    result = result.replaceAll(published, here);
  }
  return result;
}
