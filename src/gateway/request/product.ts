/** The product's name, as the Server field, error pages and `-v` tell it. */
export const productName = "longhaul";
/** The version of this package, as package.json says it. */
export const productVersion = "0.1.0";
/** The nginx version whose behaviour is followed: `$nginx_version`. */
export const nginxVersion = "1.31.0";

/** `server_tokens`: whether the version is told; "build" says the same as "on". */
export type ServerTokens = "on" | "off" | "build";

/** Value of the Server field, and the signature of built-in error pages. */
export function serverField(tokens: ServerTokens): string {
  return tokens === "off" ? productName : `${productName}/${productVersion}`;
}
