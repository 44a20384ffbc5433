// Opens Fleet and prints a line of JSON whenever the state that one container's line shows has changed:
// {"at": milliseconds since 1970, "state": "Running"}. Ends with its input. The bench reads it.
//
//   node watch.mjs URL USER PASSWORD CONTAINER

import { chromium } from "@playwright/test";

const [url, name, password, container] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-quic", "--disable-background-networking"],
});
process.stdin.resume().once("end", async () => {
  await browser.close();
  process.exit(0);
});

const context = await browser.newContext({ baseURL: url });
const answer = await context.request.post("/_fn/auth/sign-in", { form: { name, password }, headers: { origin: url }, maxRedirects: 0 });
if (answer.status() >= 400) throw new Error(`signing in: ${answer.status()} ${await answer.text()}`);
const page = await context.newPage();
await page.exposeFunction("tell", (line) => process.stdout.write(`${line}\n`));
await page.goto("/");
await page.locator("html[data-hydrated]").waitFor({ state: "attached" });
await page.evaluate((container) => {
  let shown = "";
  const look = () => {
    const at = performance.timeOrigin + performance.now();
    const row = [...document.querySelectorAll("tr.line")].find((row) => row.querySelector("a")?.textContent === container);
    const state = row?.querySelector(".sc")?.firstElementChild?.textContent?.trim() ?? "";
    if (state === "" || state === shown) return;
    shown = state;
    window.tell(JSON.stringify({ at, state }));
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
  look();
}, container);
