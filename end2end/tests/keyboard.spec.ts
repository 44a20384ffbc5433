// Everything without a mouse: signing in, finding, restarting, scheduling; and one always sees where one is.

import { expect, hydrated, open, row, signedOut, test, type Locator, type Page } from "../support/test.ts";

/** The focus is drawn: a ring that is neither thin nor transparent. */
async function ringed(element: Locator) {
  await expect(element).toBeFocused();
  const seen = await element.evaluate((node) => {
    const rings = [node, node.closest("label, .search, .cron-field, tr") ?? node].map((part) => getComputedStyle(part));
    return rings.some((style) => (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2) || style.boxShadow !== "none");
  });
  expect(seen, "the focus cannot be seen").toBe(true);
}

/** Goes on with Tab until the focus is there. */
async function tabTo(page: Page, target: Locator, most = 40) {
  for (let tries = 0; tries < most; tries++) {
    if (await target.evaluate((node) => node === document.activeElement).catch(() => false)) return;
    await page.keyboard.press("Tab");
  }
  await expect(target, "Tab does not get there").toBeFocused();
}

test.describe("signed out", () => {
  test.use({ storageState: signedOut });

  test("signs in", async ({ page, stack }) => {
    await open(page, "/sign-in");
    await ringed(page.getByLabel("Username"));
    await page.keyboard.type(stack.user);
    await page.keyboard.press("Tab");
    await ringed(page.getByRole("textbox", { name: "Password" }));
    await page.keyboard.type(stack.password);
    await page.keyboard.press("Enter");
    await expect(page.getByRole("heading", { name: "Fleet", level: 1 })).toBeVisible();
  });
});

test("skips to the content", async ({ page }) => {
  await open(page, "/");
  await page.keyboard.press("Tab");
  const skip = page.getByRole("link", { name: "Skip to content" });
  await ringed(skip);
  await expect(skip).toBeInViewport();
  await page.keyboard.press("Enter");
  await expect(page.locator("main")).toBeFocused();
});

test("finds, moves and opens", async ({ page }) => {
  await open(page, "/");
  await page.keyboard.press("/");
  const search = page.getByRole("searchbox", { name: "Search containers" });
  await ringed(search);
  await page.keyboard.type("stack:shop");
  await expect(page.getByRole("table", { name: "Containers" }).getByRole("row")).toHaveCount(5);
  await expect(page).toHaveURL(/q=stack/);
  await search.evaluate((node) => (node as HTMLElement).blur());
  await page.keyboard.press("j");
  await ringed(page.getByRole("link", { name: "api", exact: true }));
  await page.keyboard.press("j");
  await ringed(page.getByRole("link", { name: "db", exact: true }));
  await page.keyboard.press("k");
  await expect(page.getByRole("link", { name: "api", exact: true })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "api", level: 1 })).toBeVisible();
  await page.goBack();
  await expect(search).toHaveValue("stack:shop");
});

test("restarts and schedules", async ({ page, stack }) => {
  await open(page, "/?q=name:notes");
  await expect(row(page, "notes")).toBeVisible();
  const before = await stack.inspect("notes");
  await page.keyboard.press("j");
  await page.keyboard.press("r");
  await expect.poll(async () => (await stack.inspect("notes")).started_at, { timeout: 20_000 }).not.toBe(before.started_at);
  await expect(row(page, "notes")).toContainText("Running");
  await page.keyboard.press("s");
  await expect(page).toHaveURL(/\/schedules\/new\?target=/);
  const name = page.getByRole("textbox", { name: "Name" });
  await ringed(name);
  await page.keyboard.type("By hand");
  await page.keyboard.press("Control+s");
  await expect(page).toHaveURL(/\/schedules$/);
  await expect(row(page, "By hand")).toBeVisible();
  const { items } = await stack.api("GET", "/schedules");
  for (const { id } of items) await stack.api("DELETE", `/schedules/${id}`);
});

test("selects several", async ({ page }) => {
  await open(page, "/?q=stack:shop");
  await expect(row(page, "api")).toBeVisible();
  await page.keyboard.press("j");
  await page.keyboard.press("x");
  await page.keyboard.press("j");
  await page.keyboard.press("x");
  await expect(page.getByText("2 selected")).toBeVisible();
  await page.keyboard.press("s");
  await expect(page.getByRole("textbox", { name: "Containers" })).toHaveValue(/name:api,db/);
});

test("goes from page to page", async ({ page }) => {
  await open(page, "/");
  for (const [keys, title] of [["gs", "Schedules"], ["ga", "Activity"], ["gh", "Hosts"], ["gf", "Fleet"]]) {
    await page.keyboard.press(keys[0]);
    await page.keyboard.press(keys[1]);
    await expect(page.getByRole("heading", { name: title, level: 1 })).toBeVisible();
  }
  await page.keyboard.press("c");
  await expect(page.getByRole("button", { name: "Create schedule" })).toBeVisible();
});

test("a dialog takes the focus and gives it back", async ({ page }) => {
  await open(page, "/");
  const search = page.getByRole("button", { name: "Search or run" });
  await search.focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("combobox", { name: "Search or run" })).toBeFocused();
  await page.keyboard.type("hosts");
  await expect(page.getByRole("option", { name: /Hosts/ })).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("Escape");
  await expect(search).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("combobox", { name: "Search or run" })).toBeFocused();
  await page.keyboard.type("hosts");
  await expect(page.getByRole("option", { name: /Hosts/ })).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Hosts", level: 1 })).toBeVisible();
});

test("a menu works with the arrows", async ({ page }) => {
  await open(page, "/");
  const button = page.getByRole("button", { name: "More actions, api", exact: true });
  await button.focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("menuitem").first()).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(page.getByRole("menuitem").nth(1)).toBeFocused();
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowUp");
  await expect(page.getByRole("menuitem").last()).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(button).toBeFocused();
});

test("letters typed into a field are letters", async ({ page }) => {
  await open(page, "/");
  await page.getByRole("searchbox", { name: "Search containers" }).focus();
  await page.keyboard.type("jkrsgc?");
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect(page).toHaveURL(/\/(\?q=.*)?$/);
});

test("Tab reaches every part of the form", async ({ page }) => {
  await open(page, "/schedules/new?target=name:web&name=By%20Tab");
  await hydrated(page);
  await page.getByRole("textbox", { name: "Name" }).focus();
  for (const part of [
    page.getByLabel("Time of day"),
    page.getByLabel("Time to stop"),
    page.getByRole("textbox", { name: "Containers" }),
    page.getByRole("button", { name: "Create schedule" }),
  ]) {
    await tabTo(page, part);
    await ringed(part);
  }
});
