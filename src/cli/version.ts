import { nginxVersion, productName, productVersion } from "../gateway/request/product.ts";

/** What `-v` prints, with its line end. */
export function versionText(): string {
  return `${productName} version: ${productName}/${productVersion}\n`;
}

/** What `-V` adds: the runtime underneath. */
export function buildText(): string {
  const { bun, node, openssl } = process.versions;
  // What Bun calls its OpenSSL is a number for programs that ask: it has BoringSSL.
  const runtime = bun === undefined ? `node ${node} with OpenSSL ${openssl}` : `bun ${bun} with BoringSSL`;
  return (
    `running on ${runtime}\n` +
    "TLS SNI support enabled\n" +
    `configuration language: nginx ${nginxVersion}\n`
  );
}

/** What `-h` prints, in nginx's form. */
export const HELP_TEXT = `Usage: ${productName} [-?hvVtTq] [-s signal] [-p prefix]
                [-e filename] [-c filename] [-g directives]
       ${productName} --takeover [-p prefix] [-e filename] [-c filename] [-g directives]
       ${productName} quickstart

Options:
  -?,-h,--help  : this help
  -v,--version  : show version and exit
  -V            : show version and what it runs on, then exit
  -t            : test configuration and exit
  -T            : test configuration, dump it and exit
  -q            : suppress non-error messages during configuration testing
  -s signal     : send signal to a running ${productName}: stop, quit, reopen, reload
  -p prefix     : set prefix path (default: the current directory)
  -e filename   : set error log file (default: logs/error.log, below the prefix)
  -c filename   : set configuration file (default: nginx.conf, below the prefix)
  -g directives : set global directives out of configuration file
  --takeover    : take the place of the running ${productName} of that configuration, which lets its
                  connections end; no connection is refused meanwhile

Commands:
  quickstart    : run a demonstration: a gateway, two WebSocket backends and a page to try them
`;
