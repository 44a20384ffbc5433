// The test of all specs: a stack for each worker, a signed-in browser, and a guard that fails a test for whatever the
// browser complains about.

import { AxeBuilder } from "@axe-core/playwright";
import { test as base, expect, type BrowserContext, type Locator, type Page } from "@playwright/test";
import { Stack } from "./stack.ts";

export { expect, Stack };
export type { Locator, Page };

/** Listens for errors in a browser. */
export class Guard {
  private readonly heard: string[] = [];
  private readonly expected: RegExp[] = [];

  watch(context: BrowserContext) {
    context.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.note(`console ${message.type()}: ${message.text()}`);
    });
    context.on("weberror", (error) => this.note(`uncaught: ${error.error().stack ?? error.error().message}`));
    context.on("requestfailed", (request) => {
      const why = request.failure()?.errorText ?? "";
      // Leaving a page ends what it was asking for.
      if (!/ERR_ABORTED/.test(why)) this.note(`request failed: ${request.method()} ${request.url()} ${why}`);
    });
    context.on("response", (response) => {
      if (response.status() >= 400) this.note(`answer ${response.status()}: ${response.url()}`);
    });
  }

  /** From now on errors like this one are part of the test. */
  expect(...patterns: RegExp[]) {
    this.expected.push(...patterns);
  }

  /** Everything that was heard and not expected. */
  complaints() {
    return this.heard.filter((line) => !this.expected.some((pattern) => pattern.test(line)));
  }

  private note(line: string) {
    this.heard.push(line);
  }
}

/** What a browser says while its server is away. */
export const AWAY = [/ERR_CONNECTION_REFUSED/, /ERR_CONNECTION_RESET/, /ERR_EMPTY_RESPONSE/, /ERR_INCOMPLETE_CHUNKED/, /ERR_NETWORK_CHANGED/];

type TestFixtures = { guard: Guard; eyes: Eyes };
type WorkerFixtures = { stack: Stack };

export const test = base.extend<TestFixtures, WorkerFixtures>({
  stack: [
    async ({}, use) => {
      const stack = await Stack.start();
      await use(stack);
      await stack.end();
    },
    { scope: "worker", timeout: 120_000 },
  ],
  baseURL: async ({ stack }, use) => use(stack.url),
  storageState: async ({ stack }, use) => use(await stack.signedIn()),
  guard: [
    async ({ context }, use) => {
      const guard = new Guard();
      guard.watch(context);
      await use(guard);
      expect(guard.complaints(), "what the browser complained about").toEqual([]);
    },
    { auto: true },
  ],
  eyes: async ({ page }, use, info) => use(new Eyes(page, info.project.name)),
});

/** For tests that nobody is signed in to. */
export const signedOut = { cookies: [], origins: [] };

/** Whether this is a phone's layout. */
export const isPhone = (page: Page) => (page.viewportSize()?.width ?? 0) < 760;

/** Waits until the page works: before that a click reaches nothing. */
export async function hydrated(page: Page) {
  await page.locator("html[data-hydrated]").waitFor({ state: "attached" });
}

export async function open(page: Page, path: string) {
  await page.goto(path);
  await hydrated(page);
}

/** The row of a container, a schedule or a run. */
export function row(page: Page, name: string) {
  return page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
}

/** Chooses from the menu of a row. */
export async function choose(page: Page, name: string, item: string) {
  await page.getByRole("button", { name: `More actions, ${name}`, exact: true }).click();
  await page.getByRole("menuitem", { name: item, exact: true }).click();
}

/** Looks at a page as people with different eyes do. */
export class Eyes {
  constructor(
    private readonly page: Page,
    private readonly project: string,
  ) {}

  /** Checks what holds for every state of every page, in both themes, and keeps a picture of each. */
  async check(name: string) {
    const own = this.project.endsWith("dark") ? "dark" : "light";
    const other = own === "dark" ? "light" : "dark";
    await this.settled();
    await this.picture(own, name);
    await this.fits();
    await this.accessible();
    // Forced colours are the same in both.
    if (await this.page.evaluate(() => matchMedia("(forced-colors: active)").matches)) return;
    // Themes differ in colours alone.
    await this.page.emulateMedia({ colorScheme: other });
    await this.settled();
    await this.picture(other, name);
    await this.accessible(["color-contrast"]);
    await this.page.emulateMedia({ colorScheme: own });
    await this.settled();
  }

  /** What slides in or fades is looked at when it has arrived. */
  private async settled() {
    // axe works in a page of its own; behind it nothing is drawn, and what is not drawn never arrives.
    await this.page.bringToFront();
    await this.page.evaluate(() => {
      const arriving = document.getAnimations().filter((a) => a.effect?.getTiming().iterations !== Infinity);
      return Promise.race([Promise.allSettled(arriving.map((a) => a.finished)), new Promise((done) => setTimeout(done, 3_000))]).then(() => undefined);
    });
    await this.page.evaluate(() => document.fonts.ready);
  }

  private async picture(theme: string, name: string) {
    const size = this.project.split("-")[0];
    await this.page.screenshot({ path: `screenshots/${size}-${theme}/${name}.png`, fullPage: true });
  }

  /** Nothing is wider than the window. */
  async fits() {
    const wide = await this.page.evaluate(() => {
      const root = document.documentElement;
      if (root.scrollWidth <= root.clientWidth) return [];
      return [...document.body.querySelectorAll("*")]
        .filter((element) => element.getBoundingClientRect().right > root.clientWidth + 1)
        .slice(-5)
        .map((element) => `${element.tagName.toLowerCase()}.${element.className} ends at ${element.getBoundingClientRect().right}`);
    });
    expect(wide, "wider than the window").toEqual([]);
  }

  /** Axe finds nothing, by these rules or by all. */
  async accessible(rules?: string[]) {
    const axe = new AxeBuilder({ page: this.page });
    const all = rules ? axe.withRules(rules) : axe.withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]);
    let { violations } = await all.analyze();
    if (violations.some(({ id, nodes }) => id === "target-size" && nodes.some((node) => /obscured/.test(node.failureSummary ?? "")))) {
      // What a bar at the window's edge hides in part can be scrolled out from under it: without the bars it must be large enough.
      const bars = this.page.locator(".bulk, .tabbar, .topbar, .savebar");
      const letThrough = (value: string) => bars.evaluateAll((all, value) => all.forEach((bar) => ((bar as HTMLElement).style.pointerEvents = value)), value);
      await letThrough("none");
      const again = await new AxeBuilder({ page: this.page }).withRules(["target-size"]).analyze();
      await letThrough("");
      violations = violations.filter(({ id }) => id !== "target-size").concat(again.violations);
    }
    const found = violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary ?? ""}`));
    expect(found, "what axe found").toEqual([]);
  }
}
