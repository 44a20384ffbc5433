// A stand-in for GitHub, shaped as its documentation says: it signs in at once whoever comes.

import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export class GitHub {
  id = 4711;
  login = "octo-ada";
  teams = [{ slug: "ops", organization: { login: "acme" } }];
  private readonly codes = new Set<string>();

  private constructor(private readonly server: Server) {
    server.on("request", (request, response) => void this.answer(request, response));
  }

  static async start() {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new GitHub(server);
  }

  get url() {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** As the REST API takes it. */
  draft(changes: object = {}) {
    return { kind: "github", name: "Octohouse", issuer: this.url, api_url: `${this.url}/api/v3`, client_id: "chrontainer", client_secret: "of the test", ...changes };
  }

  private async answer(request: IncomingMessage, response: ServerResponse) {
    const url = new URL(request.url!, this.url);
    const json = (body: unknown, status = 200) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    };
    if (url.pathname === "/login/oauth/authorize") {
      const code = randomUUID();
      this.codes.add(code);
      const back = new URL(url.searchParams.get("redirect_uri")!);
      back.searchParams.set("code", code);
      back.searchParams.set("state", url.searchParams.get("state")!);
      response.writeHead(302, { location: back.href });
      return response.end();
    }
    if (url.pathname === "/login/oauth/access_token") {
      let body = "";
      for await (const part of request) body += part;
      const form = new URLSearchParams(body);
      const good = this.codes.delete(form.get("code") ?? "") && form.get("client_secret") === "of the test" && form.has("code_verifier");
      // It says no with a status of 200.
      return json(good ? { access_token: "gho_test", token_type: "bearer", scope: "read:user,user:email" } : { error: "bad_verification_code" });
    }
    if (request.headers.authorization !== "Bearer gho_test") return json({ message: "Bad credentials" }, 401);
    switch (url.pathname) {
      case "/api/v3/user":
        return json({ id: this.id, login: this.login });
      case "/api/v3/user/emails":
        return json([{ email: `${this.login}@example.org`, verified: true, primary: true }]);
      case "/api/v3/user/orgs":
        return json([{ login: "acme" }]);
      case "/api/v3/user/teams":
        return json(this.teams);
      default:
        return json({ message: "Not Found" }, 404);
    }
  }

  async end() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
