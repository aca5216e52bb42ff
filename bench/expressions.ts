/**
 * A configuration full of regular expressions, as public ones for WordPress and its like are: a request below
 * `paths.expressions` passes 60 locations, of which the last is its own, 20 rewrites and 10 ifs, and is then
 * answered by the proxy itself.
 */
import { paths, smallBody } from "./wire.ts";

/** Directories that nobody may see, by name. */
const hidden = "git svn hg bzr env htaccess htpasswd aws ssh vscode idea npm cache config".split(" ");
const assets =
  "css js json xml txt map woff woff2 ttf eot ico svg png gif jpe?g webp avif mp4 webm pdf".split(" ");
const plugins = "akismet jetpack woocommerce elementor yoast wordfence wpforms updraft litespeed smush".split(
  " ",
);

const locations: readonly string[] = [
  ...hidden.map((name) => `~ /\\.${name}(?:/|$)`),
  ...assets.map((name) => `~* ^.+\\.${name}$`),
  ...plugins.map((name) => `~* ^/expressions/wp-content/plugins/${name}/(?:.*)\\.(?:php|phtml)$`),
  "~* ^/expressions/(?:wp-content|wp-includes)/.*\\.php$",
  "~* /(?:uploads|files)/.*\\.php$",
  "~ ^/expressions/wp-json/(.*)$",
  "~ ^/expressions/feed/(?:rss2?|atom)/?$",
  "~ sitemap(?:-[a-z]+)?\\.xml$",
  "~* (?:readme|license|changelog)\\.(?:html|md)$",
  "~ ^/expressions/([^/]+\\.php)(/.*)?$",
  "~ ^/expressions/(?:en|de|fr|es)/(.*)$",
  "~ ^/expressions/tag/(?<tag>[^/]+)/?$",
  "~ ^/expressions/author/(?<author>[a-z0-9_-]+)/?$",
  "~ ^/expressions/page/([0-9]{1,4})/?$",
  "~ ^/expressions/archive/([0-9]{4})/([0-9]{2})$",
  "~ ^/expressions/shop/(?<category>[^/]+)/(?<product>[^/]+)/?$",
  "~* ^/expressions/(?:cart|checkout|my-account)(?:/|$)",
  "~ ^/expressions/api/v([0-9]+)/(.*)$",
];

const words = "old news blog post story item event video photo forum".split(" ");
const rewrites: readonly string[] = [
  ...words.map((word) => `^/expressions/${word}-([0-9]+)\\.html$`),
  ...words.map((word) => `^/expressions/${word}/(.*)/index\\.(?:html|php)$`),
];

const conditions: readonly string[] = [
  '$request_uri ~* "\\.(?:sql|bak|swp|old)$"',
  '$args ~* "(?:<|%3C).*script"',
  '$args ~ "union.*select.*\\("',
  '$args ~ "base64_(?:en|de)code\\("',
  '$args ~ "proc/self/environ"',
  '$http_user_agent ~* "(?:nikto|sqlmap|nmap|masscan)"',
  '$http_user_agent ~* "MSIE [1-6]\\."',
  '$http_cookie ~* "comment_author|wordpress_logged_in|wp-postpass"',
  '$http_referer ~* "(?:casino|poker|viagra)"',
  '$request_uri ~ "//+"',
];

/** What nginx and Longhaul are given besides: it changes no other request. */
export function expressionsLocation(): string {
  const passed = locations.map((match) => `location ${match.replace(" ", ' "')}" { return 404; }`);
  const directives = [
    ...rewrites.map((expression) => `rewrite "${expression}" /gone last;`),
    ...conditions.map((condition) => `if (${condition}) { return 403; }`),
  ];
  return `location ${paths.expressions} {
            ${passed.join("\n            ")}
            location ~ "^/expressions/([0-9]{4})/([0-9]{2})/(?<slug>[a-z0-9-]+)/?$" {
                ${directives.join("\n                ")}
                return 200 "${smallBody.trimEnd()}\\n";
            }
        }`;
}

/** How many of each there are, the request's own location included: what the row's title says. */
export const expressionCounts = {
  locations: locations.length + 1,
  rewrites: rewrites.length,
  conditions: conditions.length,
} as const;
