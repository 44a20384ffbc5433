// Light and dark, less motion, more contrast, another zone: the first paint is already right.

import { expect, hydrated, open, row, test } from "../support/test.ts";

const canvas = (page: import("../support/test.ts").Page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

test("a chosen theme stays, without a flash", async ({ page }) => {
  await page.emulateMedia({ colorScheme: "light" });
  await open(page, "/");
  const light = await canvas(page);
  await page.getByRole("button", { name: "Switch theme" }).filter({ visible: true }).first().click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  const dark = await canvas(page);
  expect(dark).not.toBe(light);
  // The server's own answer carries it, so no script has to repair the first paint.
  const sent = await (await page.request.get("/schedules")).text();
  expect(sent).toMatch(/<html[^>]*data-theme="dark"/);
  await page.reload({ waitUntil: "commit" });
  await page.waitForFunction(() => document.body !== null);
  expect(await canvas(page)).toBe(dark);
  await hydrated(page);
  expect(await canvas(page)).toBe(dark);
});

test("the settings of this browser are kept", async ({ page, eyes }) => {
  await page.emulateMedia({ colorScheme: "light" });
  await open(page, "/settings");
  const card = page.getByRole("region", { name: "Preferences" });
  await card.getByText("Dark", { exact: true }).click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await card.getByRole("switch", { name: "Keys of one letter" }).click();
  await eyes.check("settings-browser");
  await open(page, "/");
  await page.keyboard.press("?");
  await page.keyboard.press("j");
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeHidden();
  await expect(page.locator("tr.line a:focus")).toHaveCount(0);
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("dialog", { name: "Command palette" })).toBeVisible();
  await page.keyboard.press("Escape");
  await open(page, "/settings");
  await expect(card.getByRole("radio", { name: "Dark" })).toBeChecked();
  await card.getByRole("switch", { name: "Keys of one letter" }).click();
  await card.getByText("As the system", { exact: true }).click();
  await expect(page.locator("html")).not.toHaveAttribute("data-theme", /./);
  await open(page, "/");
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
});

test("without a choice the system's theme holds, also when it changes", async ({ page }) => {
  await page.emulateMedia({ colorScheme: "dark" });
  await open(page, "/");
  const dark = await canvas(page);
  await page.emulateMedia({ colorScheme: "light" });
  await expect.poll(() => canvas(page)).not.toBe(dark);
});

test("with less motion nothing moves by itself", async ({ page }) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  await open(page, "/");
  await page.getByRole("button", { name: "Search or run" }).click();
  const moving = await page.evaluate(
    () => document.getAnimations().filter((animation) => animation.playState === "running" && Number(animation.effect?.getComputedTiming().duration) > 20).length,
  );
  expect(moving).toBe(0);
});

test("in forced colours states are still words", async ({ page, eyes }) => {
  await page.emulateMedia({ forcedColors: "active" });
  await open(page, "/");
  await expect(row(page, "worker")).toContainText("Unhealthy");
  await eyes.check("fleet-forced-colors");
});

test.describe("in Kathmandu", () => {
  test.use({ timezoneId: "Asia/Kathmandu", locale: "de-DE" });

  test("times are the viewer's", async ({ page, stack }) => {
    const { id } = await stack.schedule({ name: "At three in UTC", timezone: "UTC" });
    await open(page, `/schedules/${id}`);
    const times = page.getByRole("complementary", { name: "What will happen" }).getByRole("table");
    await expect(times.getByRole("columnheader", { name: "You, Kathmandu" })).toBeVisible();
    await expect(times.getByRole("row").nth(1)).toContainText("08:45");
    // The zone is known to the server from the second page on: what it sends is what stays.
    const sent = await (await page.request.get("/schedules")).text();
    expect(sent).toContain("08:45");
    await stack.api("DELETE", `/schedules/${id}`);
  });
});

test.describe("in a window of 320 pixels", () => {
  // WCAG 1.4.10: as wide as a window of 1280 at 400 percent.
  test.use({ viewport: { width: 320, height: 640 } });

  test("pages still fit", async ({ page, eyes }) => {
    for (const path of ["/", "/schedules", "/schedules/new?target=name:web", "/activity", "/hosts"]) {
      await open(page, path);
      await eyes.fits();
    }
  });
});
