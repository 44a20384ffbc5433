// Opens Fleet with ten thousand containers and measures it: {"interactive": ms, "scrolling": ms, "event_p95": ms, …}.
// The bench reads it; containers change at the same time, and a change's time is the engine's own (`started_at`).
//
// With a width of less than 760 it is a phone's page. TRACES keeps what Chromium did while it scrolled, for its own
// performance panel (chrome://tracing): fleet-WIDTH.json in that directory.
//
//   node fleet.mjs URL USER PASSWORD [WIDTH HEIGHT]

import { chromium } from "@playwright/test";

const [url, name, password, width = "1440", height = "900"] = process.argv.slice(2);
const phone = Number(width) < 760 ? { isMobile: true, hasTouch: true, deviceScaleFactor: 2 } : {};
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-quic", "--disable-background-networking"],
});
const context = await browser.newContext({ baseURL: url, viewport: { width: Number(width), height: Number(height) }, ...phone });
const answer = await context.request.post("/_fn/auth/sign-in", { form: { name, password }, headers: { origin: url }, maxRedirects: 0 });
if (answer.status() >= 400) throw new Error(`signing in: ${answer.status()} ${await answer.text()}`);
const page = await context.newPage();
const interactive = [];
for (let turn = 0; turn < 5; turn++) {
  await page.goto("/", { waitUntil: "commit" });
  await page.locator("html[data-hydrated]").waitFor({ state: "attached" });
  await page.locator("tr.line").first().waitFor();
  interactive.push(await page.evaluate(() => performance.now()));
}
interactive.sort((a, b) => a - b);
const loaded = await page.evaluate(() => {
  const all = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  return all.reduce((sum, entry) => sum + entry.encodedBodySize, 0);
});
const categories = ["devtools.timeline", "disabled-by-default-devtools.timeline", "v8.execute", "blink.user_timing"];
if (process.env.TRACES) await browser.startTracing(page, { path: `${process.env.TRACES}/fleet-${width}.json`, categories });

// Long tasks while it scrolls, a screen at a time and then by leaps.
const scrolling = await page.evaluate(async () => {
  const tasks = [];
  const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries().map((entry) => entry.duration)));
  observer.observe({ type: "longtask" });
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  for (let step = 0; step < 60; step++) {
    scrollBy(0, 300);
    await pause(50);
  }
  for (let leap = 1; leap <= 10; leap++) {
    scrollTo(0, (document.documentElement.scrollHeight * leap) / 11);
    await pause(400);
  }
  scrollTo(0, 0);
  await pause(500);
  observer.disconnect();
  return { longest: Math.max(0, ...tasks), long: tasks.length };
});
if (process.env.TRACES) await browser.stopTracing();

// Starts that the page can see: from the engine's own time of the start to the row that shows it.
const delays = await page.evaluate(
  () =>
    new Promise((done) => {
      const shown = new Map();
      const delays = [];
      const source = new EventSource("/api/v1/events");
      source.addEventListener("container_changed", (event) => {
        const { container } = JSON.parse(event.data);
        const since = Date.parse(container.started_at);
        if (container.state === "running" && Date.now() - since < 5_000) shown.set(container.id, { since, state: "running" });
        else shown.delete(container.id);
        look();
      });
      const now = () => performance.timeOrigin + performance.now();
      const words = { running: /Running|Healthy|Unhealthy|Starting/, exited: /Stopped|Exited/, paused: /Paused/ };
      const look = () => {
        for (const row of document.querySelectorAll("tr.line")) {
          const change = shown.get(row.dataset.id);
          if (change && words[change.state]?.test(row.querySelector(".sc")?.textContent ?? "")) {
            delays.push(now() - change.since);
            shown.delete(row.dataset.id);
          }
        }
      };
      new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
      setTimeout(() => {
        source.close();
        delays.sort((a, b) => a - b);
        done(delays);
      }, 15_000);
    }),
);
await browser.close();
const p95 = delays.length > 0 ? delays[Math.ceil(delays.length * 0.95) - 1] : null;
process.stdout.write(
  JSON.stringify({ interactive: interactive[2], scrolling: scrolling.longest, long_tasks: scrolling.long, event_p95: p95, events: delays.length, loaded }),
);
