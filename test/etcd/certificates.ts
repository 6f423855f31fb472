/** A certificate authority for one test file, made by openssl, and what it has signed. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export interface Signed {
  readonly cert: string;
  readonly key: string;
}

export class Certificates {
  readonly folder = mkdtempSync(path.join(os.tmpdir(), 'weft-certificates-'));
  readonly ca: string;

  constructor() {
    this.ca = this.#file('ca.crt');
    const key = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-keyout',
      this.#file('ca.key'),
    ];
    this.#openssl('req', '-x509', ...key, '-out', this.ca, '-days', '2', '-subj', '/CN=test authority');
  }

  /** For a server at this address, or for a client. */
  sign(name: string, subjectAltName = 'IP:127.0.0.1'): Signed {
    const [cert, key, request, extensions] = ['crt', 'key', 'csr', 'ext'].map((end) => this.#file(`${name}.${end}`));
    if (cert === undefined || key === undefined || request === undefined || extensions === undefined)
      throw new Error(name);
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key];
    this.#openssl('req', ...curve, '-out', request, '-subj', `/CN=${name}`);
    writeFileSync(extensions, `subjectAltName=${subjectAltName}\nextendedKeyUsage=serverAuth,clientAuth\n`);
    const authority = ['-CA', this.ca, '-CAkey', this.#file('ca.key'), '-CAcreateserial'];
    this.#openssl('x509', '-req', '-in', request, ...authority, '-out', cert, '-days', '2', '-extfile', extensions);
    return { cert, key };
  }

  /** For tokens: files of a private key and its public half. */
  keyPair(): { readonly private: string; readonly public: string } {
    const pair = { private: this.#file('token.key'), public: this.#file('token.pub') };
    this.#openssl('genrsa', '-out', pair.private, '2048');
    this.#openssl('rsa', '-in', pair.private, '-pubout', '-out', pair.public);
    return pair;
  }

  /** As etcd3 takes them. */
  contents({ cert, key }: Signed): {
    readonly rootCertificate: Buffer;
    readonly certChain: Buffer;
    readonly privateKey: Buffer;
  } {
    return { rootCertificate: readFileSync(this.ca), certChain: readFileSync(cert), privateKey: readFileSync(key) };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #file(name: string): string {
    return path.join(this.folder, name);
  }

  #openssl(...args: readonly string[]): void {
    execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  }
}
