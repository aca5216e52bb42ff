/** Reason phrases as nginx writes them on the status line. */
const REASONS: Readonly<Record<number, string>> = {
  100: "Continue",
  101: "Switching Protocols",
  103: "Early Hints",
  200: "OK",
  201: "Created",
  202: "Accepted",
  204: "No Content",
  206: "Partial Content",
  301: "Moved Permanently",
  302: "Moved Temporarily",
  303: "See Other",
  304: "Not Modified",
  307: "Temporary Redirect",
  308: "Permanent Redirect",
  400: "Bad Request",
  401: "Unauthorized",
  402: "Payment Required",
  403: "Forbidden",
  404: "Not Found",
  405: "Not Allowed",
  406: "Not Acceptable",
  408: "Request Time-out",
  409: "Conflict",
  410: "Gone",
  411: "Length Required",
  412: "Precondition Failed",
  413: "Request Entity Too Large",
  414: "Request-URI Too Large",
  415: "Unsupported Media Type",
  416: "Requested Range Not Satisfiable",
  421: "Misdirected Request",
  429: "Too Many Requests",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Temporarily Unavailable",
  504: "Gateway Time-out",
  505: "HTTP Version Not Supported",
  507: "Insufficient Storage",
};

/** The reason phrase; "" for a status that nginx has no words for. */
export function reasonPhrase(status: number): string {
  return REASONS[status] ?? "";
}

/** nginx's own status codes, all shown to the client as 400. */
const STATUS_HEADER_TOO_LARGE = 494;
const STATUS_CERTIFICATE_ERROR = 495;
const STATUS_NO_CERTIFICATE = 496;
const STATUS_HTTP_TO_HTTPS = 497;

const OWN_REASONS: Readonly<Record<number, string>> = {
  [STATUS_HEADER_TOO_LARGE]: "Request Header Or Cookie Too Large",
  [STATUS_CERTIFICATE_ERROR]: "The SSL certificate error",
  [STATUS_NO_CERTIFICATE]: "No required SSL certificate was sent",
  [STATUS_HTTP_TO_HTTPS]: "The plain HTTP request was sent to HTTPS port",
};

/** Where the page's words differ from the status line's. */
const PAGE_TITLES: Readonly<Record<number, string>> = {
  302: "302 Found",
  401: "401 Authorization Required",
};

/** The status that goes on the wire: nginx's own codes become 400. */
export function wireStatus(status: number): number {
  return OWN_REASONS[status] === undefined ? status : 400;
}

/**
 * The body of nginx's built-in page for a status, or null when it has none.
 * @param signature what stands under the line: "nginx" or the name and version
 */
export function errorPage(status: number, signature: string): string | null {
  const own = OWN_REASONS[status];
  const known =
    PAGE_TITLES[status] ?? (REASONS[status] === undefined ? null : `${status} ${REASONS[status]}`);
  if (own === undefined && (known === null || status < 301 || status === 304)) return null;
  const title = own === undefined ? known : `400 ${own}`;
  const heading = own === undefined ? known : "400 Bad Request";
  const lines = [
    "<html>",
    `<head><title>${title}</title></head>`,
    "<body>",
    `<center><h1>${heading}</h1></center>`,
    ...(own === undefined ? [] : [`<center>${own}</center>`]),
    `<hr><center>${signature}</center>`,
    "</body>",
    "</html>",
    "",
  ];
  return lines.join("\r\n");
}
