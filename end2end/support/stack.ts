// One running Chrontainer with an engine of its own: the program `stack` of the testkit, and what tests say to it.

import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { request, type APIRequestContext } from "@playwright/test";

type Described = {
  url: string;
  user: string;
  password: string;
  api_key: string | null;
  docker_host: string;
  setup_url: string | null;
  log: string;
};

type Answer = { ok?: boolean; error?: string; [key: string]: unknown };
type Session = Awaited<ReturnType<APIRequestContext["storageState"]>>;

/** The draft of a schedule, as the REST API takes it. */
export type Draft = {
  name: string;
  enabled?: boolean;
  timezone?: string;
  triggers?: object[];
  steps?: object[];
};

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));

export class Stack {
  private waiting: ((answer: Answer) => void)[] = [];
  private session?: Promise<Session>;

  private constructor(
    private readonly process: ChildProcessWithoutNullStreams,
    private readonly described: Described,
  ) {}

  /** Starts one; `fresh` without an owner. */
  static async start({ fresh = false } = {}): Promise<Stack> {
    const target = process.env.TARGET_DIR ?? path.join(root, "target");
    const child = spawn(path.join(target, "debug", "stack"), fresh ? ["--fresh"] : [], { stdio: "pipe" });
    let complaints = "";
    child.stderr.on("data", (text) => (complaints += text));
    let stack: Stack | undefined;
    await new Promise<void>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code) => {
        if (!stack) reject(new Error(`the stack ended with ${code}: ${complaints}`));
        const lost = stack?.waiting.splice(0) ?? [];
        for (const tell of lost) tell({ error: `the stack ended: ${complaints}` });
      });
      createInterface({ input: child.stdout }).on("line", (line) => {
        const value = JSON.parse(line);
        if (stack) {
          stack.waiting.shift()?.(value);
        } else {
          stack = new Stack(child, value);
          resolve();
        }
      });
    });
    return stack!;
  }

  get url() {
    return this.described.url;
  }
  get user() {
    return this.described.user;
  }
  get password() {
    return this.described.password;
  }
  /** The engine's address, as hosts are added with it. */
  get dockerHost() {
    return this.described.docker_host;
  }
  get setupUrl() {
    return this.described.setup_url ?? "";
  }

  /** Says one of the commands of testkit/src/bin/stack/commands.rs, and gives its answer. */
  async say(line: string): Promise<Answer> {
    const answer = await new Promise<Answer>((resolve) => {
      this.waiting.push(resolve);
      this.process.stdin.write(`${line}\n`);
    });
    if (answer.error) throw new Error(`${line}: ${answer.error}`);
    return answer;
  }

  /** What the engine itself knows of a container. */
  async inspect(name: string) {
    return (await this.say(`inspect ${name}`)) as unknown as { id: string; state: string; started_at: string };
  }

  /** The REST API, as the owner. */
  async api<T = any>(method: string, path: string, data?: unknown): Promise<T> {
    const context = await request.newContext({
      baseURL: this.url,
      extraHTTPHeaders: { authorization: `Bearer ${this.described.api_key}` },
    });
    const answer = await context.fetch(`/api/v1${path}`, { method, data });
    const text = await answer.text();
    await context.dispose();
    if (!answer.ok()) throw new Error(`${method} ${path}: ${answer.status()} ${text}`);
    return (text ? JSON.parse(text) : undefined) as T;
  }

  /** The container of that name, once the server knows it. */
  async container(name: string) {
    for (let tries = 0; tries < 100; tries++) {
      const { items } = await this.api("GET", `/containers?query=${encodeURIComponent(`name:${name}`)}`);
      if (items.length > 0) return items[0];
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`the server never hears of ${name}`);
  }

  /** Makes a schedule; by default it restarts `web` every night. */
  async schedule(draft: Draft) {
    return this.api("POST", "/schedules", {
      enabled: true,
      timezone: "Europe/Berlin",
      triggers: [{ type: "cron", expression: "0 3 * * *" }],
      steps: [{ action: { type: "restart", grace: "1s" }, target: "name:notes" }],
      ...draft,
    });
  }

  /** Changes a schedule, as somebody else would. */
  async change(schedule: any, changes: object) {
    const { name, enabled, timezone, triggers, steps, version } = schedule;
    return this.api("PUT", `/schedules/${schedule.id}`, { name, enabled, timezone, triggers, steps, version, ...changes });
  }

  /** Runs a schedule now and gives the run once it is over. */
  async run(schedule: { id: string }) {
    const started = await this.api("POST", `/schedules/${schedule.id}/run`);
    const id = started.run?.id ?? started.id;
    for (let tries = 0; tries < 200; tries++) {
      const run = await this.api("GET", `/runs/${id}`);
      if (run.finished_at) return run;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`run ${id} does not end`);
  }

  /** The owner's browser session. */
  signedIn(): Promise<Session> {
    this.session ??= this.signIn();
    return this.session;
  }

  private async signIn(): Promise<Session> {
    const context = await request.newContext({ baseURL: this.url, extraHTTPHeaders: { origin: this.url } });
    const form = { name: this.user, password: this.password };
    const answer = await context.post("/_fn/auth/sign-in", { form, maxRedirects: 0 });
    if (answer.status() >= 400) throw new Error(`signing in: ${answer.status()} ${await answer.text()}`);
    const session = await context.storageState();
    await context.dispose();
    return session;
  }

  /** Ends every session without a word to the browsers. */
  async endSessions() {
    await this.say("sessions end");
    this.session = undefined;
  }

  async end() {
    if (this.process.exitCode !== null) return;
    const gone = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.stdin.end();
    await gone;
  }
}
