import { productName } from "../gateway/request/product.ts";

/** Writes a line to standard error behind the program's name. Latin1. */
export function tell(text: string): void {
  process.stderr.write(Buffer.from(`${productName}: ${text}\n`, "latin1"));
}
