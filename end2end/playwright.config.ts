import { defineConfig, devices } from "@playwright/test";

// The system's Chromium: Playwright's own is a download that not every machine can reach.
const launchOptions = {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-quic", "--disable-background-networking"],
};

const desktop = { ...devices["Desktop Chrome"], viewport: { width: 1280, height: 800 }, launchOptions };
const phone = {
  ...devices["Desktop Chrome"],
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  hasTouch: true,
  isMobile: true,
  launchOptions,
};

// The whole way and every page are looked at in both sizes; the rest does not depend on them. Each page is looked at in
// both themes (support/test.ts).
const everywhere = ["**/journey.spec.ts", "**/oidc.spec.ts", "**/pages.spec.ts", "**/fleet.spec.ts", "**/hosts.spec.ts", "**/transports.spec.ts", "**/people.spec.ts", "**/passkeys.spec.ts", "**/steps.spec.ts"];

export default defineConfig({
  testDir: "./tests",
  outputDir: "./test-results/files",
  forbidOnly: !!process.env.CI,
  // A test that passes only the second time tells of a fault, in it or in the product: ./dev names each. What lands is not held up by it.
  retries: process.env.CI ? 1 : 0,
  // Each worker has a server, an engine and a browser.
  workers: 2,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  // Short on the terminal; the file is for ./dev, which counts.
  reporter: [["dot"], ["json", { outputFile: "test-results/results.json" }]],
  use: {
    timezoneId: "Europe/Berlin",
    actionTimeout: 10_000,
    navigationTimeout: 20_000,
    screenshot: "only-on-failure",
    trace: "retain-on-failure",
  },
  projects: [
    { name: "desktop-light", use: { ...desktop, colorScheme: "light" } },
    { name: "phone-dark", use: { ...phone, colorScheme: "dark" }, testMatch: everywhere },
  ],
});
