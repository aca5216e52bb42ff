import { makeCertificate } from "../../src/cli/quickstart-certificate.ts";
import { X509Certificate } from "node:crypto";

/** What one configuration of the series says. */
export interface Generation {
  readonly number: number;
  readonly workers: number;
  /** Names of the backend. */
  readonly upstreams: readonly string[];
  /** Which of the certificates. */
  readonly certificate: number;
  /** One listener more. */
  readonly hasExtraListener: boolean;
  /** Put into the file as it stands, at the top. */
  readonly extraMain: string;
}

/** What stays the same from one configuration to the next. */
export interface Premises {
  readonly port: number;
  readonly securePort: number;
  readonly extraPort: number;
  readonly backends: Readonly<Record<string, number>>;
  readonly workerVariable: string;
  /** More directives of the `http` block. */
  readonly extraHttp: string;
  /** And of each server. */
  readonly extraServer: string;
}

/** The nginx.conf of a generation. */
export function configurationOf(generation: Generation, premises: Premises): string {
  const { number, workers, upstreams, certificate } = generation;
  const servers = upstreams.map((name) => `server 127.0.0.1:${premises.backends[name]};`).join(" ");
  const extra = generation.hasExtraListener
    ? serverOf(`listen 127.0.0.1:${premises.extraPort};`, premises)
    : "";
  return `
worker_processes ${workers};
worker_rlimit_nofile 20000;
${generation.extraMain}
events { worker_connections 16384; }
http {
  access_log off;
  add_header X-Generation ${number} always;
  add_header X-Worker ${premises.workerVariable} always;
  ${premises.extraHttp}
  upstream app { ${servers} keepalive 64; }
  ${serverOf(
    `listen 127.0.0.1:${premises.port};
    listen 127.0.0.1:${premises.securePort} ssl;
    ssl_certificate certificate-${certificate}.pem;
    ssl_certificate_key certificate-${certificate}.key;`,
    premises,
  )}
  ${extra}
}
`;
}

function serverOf(listens: string, { extraServer }: Premises): string {
  return `server {
    ${listens}
    ${extraServer}
    keepalive_requests 1000000;
    keepalive_timeout 1h;
    proxy_http_version 1.1;
    location / { proxy_pass http://app; proxy_set_header Connection ""; }
    location ~ ^/(echo|fragments)$ {
      proxy_pass http://app;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
      proxy_read_timeout 1h;
    }
  }`;
}

export interface Certificate {
  /** By name of the file. */
  readonly files: Readonly<Record<string, string>>;
  /** SHA-256, as TLS clients print it. */
  readonly fingerprint: string;
}

export async function makeCertificates(count: number): Promise<Certificate[]> {
  const make = async (_: unknown, index: number): Promise<Certificate> => {
    const { chain, key } = await makeCertificate(["localhost"]);
    return {
      files: { [`certificate-${index}.pem`]: chain, [`certificate-${index}.key`]: key },
      fingerprint: new X509Certificate(chain).fingerprint256,
    };
  };
  return await Promise.all(Array.from({ length: count }, make));
}
