// A provider to sign in with, from npm: every test that needs one has its own.

import type { OAuth2Server } from "oauth2-mock-server";

const [major, minor] = process.versions.node.split(".").map(Number);
/** It needs Node 20.19; the one of Debian 12 is 18. */
export const runs = major! > 20 || (major === 20 && minor! >= 19);

export type Claims = Record<string, unknown>;

export class Provider {
  /** What the tokens say of whoever signs in. */
  claims: Claims = { sub: "ada-1", preferred_username: "ada", email: "ada@example.org", email_verified: true };

  private constructor(private readonly server: OAuth2Server) {
    server.service.on("beforeTokenSigning", (token) => Object.assign(token.payload, this.claims));
    server.service.on("beforeUserinfo", (response) => (response.body = { sub: this.claims.sub as string }));
  }

  static async start() {
    const { OAuth2Server } = await import("oauth2-mock-server");
    const server = new OAuth2Server();
    await server.issuer.keys.generate("RS256");
    await server.start(0, "127.0.0.1");
    return new Provider(server);
  }

  get issuer() {
    return this.server.issuer.url!;
  }

  /** As the REST API takes it. */
  draft(changes: object = {}) {
    return { kind: "oidc", name: "Otterhouse", issuer: this.issuer, client_id: "chrontainer", client_secret: "of the test", ...changes };
  }

  /** The next answer of the token endpoint is a refusal. */
  refuseOnce() {
    this.server.service.once("beforeResponse", (response) => {
      response.statusCode = 400;
      response.body = { error: "invalid_grant" };
    });
  }

  async end() {
    await this.server.stop();
  }
}
