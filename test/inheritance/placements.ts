/** Where a directive stands, and the place below where the request ends that shows its effect. */
import type { Context } from "../../src/config/module.ts";

/** What surrounds a directive in its servers. */
export interface Surroundings {
  /** What answers, in the place where the request ends. */
  readonly content: string;
  /** More of the server: other locations. */
  readonly server: string;
}

export interface Placement {
  readonly name: string;
  /** The directive must be allowed here. */
  readonly context: Context;
  /** The `server` block's text; without the directive when it stands in `http`. */
  server(directive: string, around: Surroundings): string;
  /** `return`, `rewrite` and their like do not answer in `limit_except`. */
  readonly loses?: "steps";
}

export const placements: readonly Placement[] = [
  {
    name: "none",
    context: "http",
    server: (_, { content, server }) => `${server} location / { ${content} }`,
  },
  {
    name: "server",
    context: "server",
    server: (directive, { content, server }) => `${directive} ${server} location / { ${content} }`,
  },
  {
    name: "location",
    context: "location",
    server: (directive, { content, server }) => `${server} location / { ${content} ${directive} }`,
  },
  {
    name: "location, from nested",
    context: "location",
    server: (directive, { content, server }) =>
      `${server} location / { ${directive} location ~ ^/ { ${content} } }`,
  },
  {
    name: "location, from if",
    context: "location",
    server: (directive, { content, server }) =>
      `${server} location / { ${content} ${directive} if ($uri) { set $in 1; } }`,
  },
  {
    name: "location, from limit_except",
    context: "location",
    loses: "steps",
    server: (directive, { content, server }) =>
      `${server} location / { ${content} ${directive} limit_except PATCH { } }`,
  },
  {
    name: "server, from named",
    context: "server",
    server: (directive, { content, server }) =>
      `${directive} ${server} location / { try_files /no-such-file @named; } location @named { ${content} }`,
  },
  {
    name: "if in location",
    context: "if in location",
    server: (directive, { content, server }) =>
      `${server} location / { ${content} if ($uri) { ${directive} } }`,
  },
  {
    name: "limit_except",
    context: "limit_except",
    loses: "steps",
    server: (directive, { content, server }) =>
      `${server} location / { ${content} limit_except PATCH { ${directive} } }`,
  },
];

/** The `http` block's own placement: the request ends in a location of one of its servers. */
export const inHttp = placements[0]!;
