import { makeCertificate } from "../../src/cli/quickstart-certificate.ts";

/** Files for `GatewayOptions.files`: one certificate for every name that the tests use. */
export async function certificateFiles(): Promise<Record<string, string>> {
  const { chain, key } = await makeCertificate(["localhost", "127.0.0.1", "pre.51bnh.com"]);
  return { "certificate.pem": chain, "certificate.key": key };
}
