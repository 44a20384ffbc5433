// What people see when something is wrong: a sentence that says what, why, and what to do.

import { AWAY, choose, expect, hydrated, open, row, signedOut, test } from "../support/test.ts";

test.describe("signing in", () => {
  test.use({ storageState: signedOut });

  test("a wrong password", async ({ page, stack, guard }) => {
    guard.expect(/answer 401/, /status of 401/);
    await open(page, "/sign-in?next=/schedules");
    await page.getByLabel("Username").fill(stack.user);
    await page.getByRole("textbox", { name: "Password" }).fill("wrong");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await expect(page.getByRole("alert")).toContainText(/password/);
    await expect(page.getByLabel("Username")).toHaveValue(stack.user);
    await page.getByRole("textbox", { name: "Password" }).fill(stack.password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await expect(page).toHaveURL(/\/schedules$/);
  });

  test("without JavaScript", async ({ browser, stack }) => {
    const context = await browser.newContext({ javaScriptEnabled: false, baseURL: stack.url, storageState: signedOut });
    const page = await context.newPage();
    await page.goto("/sign-in");
    await page.getByLabel("Username").fill(stack.user);
    await page.getByRole("textbox", { name: "Password" }).fill("wrong");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await expect(page.getByRole("alert")).toContainText(/password/);
    await page.getByLabel("Username").fill(stack.user);
    await page.getByRole("textbox", { name: "Password" }).fill(stack.password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await expect(page.getByRole("heading", { name: "Fleet", level: 1 })).toBeVisible();
    await expect(row(page, "web")).toBeVisible();
    await context.close();
  });
});

test("the session ends while a page is open", async ({ page, stack, guard }) => {
  guard.expect(/answer 401/, /status of 401/);
  await open(page, "/activity");
  await stack.endSessions();
  // The page may notice by itself first, by its stream of events; then the link is gone with it.
  await page.getByRole("link", { name: "Hosts" }).filter({ visible: true }).first().click({ timeout: 3_000 }).catch(() => {});
  await expect(page).toHaveURL(/\/sign-in/, { timeout: 20_000 });
  await hydrated(page);
  await page.getByLabel("Username").fill(stack.user);
  await page.getByRole("textbox", { name: "Password" }).fill(stack.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page).toHaveURL(/\/(hosts|activity)$/);
});

test("a search that cannot be understood", async ({ page }) => {
  await open(page, "/");
  const search = page.getByRole("searchbox", { name: "Search containers" });
  await search.fill("stack:shop hots:local");
  const help = page.locator("#search-help");
  await expect(help).toContainText("hots");
  await expect(search).toHaveAttribute("aria-invalid", "true");
  await expect(page.locator(".search u")).toHaveText("hots");
  // The list stays as it was.
  await expect(row(page, "notes")).toBeVisible();
  await search.fill("stack:shop");
  await expect(search).not.toHaveAttribute("aria-invalid", "true");
  await expect(row(page, "notes")).toBeHidden();
});

test("an address with a search that cannot be understood", async ({ page, guard }) => {
  guard.expect(/answer 422/, /status of 422/);
  await open(page, "/?q=hots:local");
  await expect(page.locator("#search-help")).toContainText("hots");
});

test.describe("the schedule form", () => {
  test("says what is wrong with a cron expression, and where", async ({ page }) => {
    await open(page, "/schedules/new?target=name:web");
    await page.getByRole("radio", { name: "Cron" }).check();
    const cron = page.getByRole("textbox", { name: "Cron expression" });
    await cron.fill("0 25 * * *");
    await expect(cron).toHaveAttribute("aria-invalid", "true");
    const said = page.locator(".cron-said");
    await expect(said).toContainText(/23/);
    await expect(said.locator("mark")).toHaveText("25");
    await cron.fill("0 0 30 2 *");
    await expect(said).toContainText("It never fires");
    await page.getByRole("textbox", { name: "Name" }).fill("Never");
    await page.getByRole("button", { name: "Create schedule" }).click();
    await expect(page).toHaveURL(/\/schedules\/new/);
    await expect(page.locator(".field-err").first()).toBeVisible();
    await cron.fill("0 4 * * 0#1");
    await expect(said).toContainText(/first Sunday/i);
  });

  test("says what is missing, beside the field", async ({ page }) => {
    await open(page, "/schedules/new");
    await page.getByRole("button", { name: "Create schedule" }).click();
    const name = page.getByRole("textbox", { name: "Name" });
    await expect(name).toBeFocused();
    await expect(name).toHaveAccessibleDescription(/Give the schedule a name/);
    await expect(page.getByRole("textbox", { name: "Containers" })).toHaveAccessibleDescription(/Say which containers/);
  });

  test("says what is wrong with a target, and where", async ({ page, guard }) => {
    guard.expect(/answer 422/, /status of 422/);
    await open(page, "/schedules/new");
    const target = page.getByRole("textbox", { name: "Containers" });
    await target.fill("stack:shop hots:local");
    await expect(page.locator(".target-said mark")).toHaveText("hots");
    await target.fill("notes");
    await expect(page.locator(".target-said")).toContainText("name:notes");
    await target.fill("name:notes");
    await expect(page.locator(".target-said")).toContainText("1 container");
  });

  test("refuses a name that is taken", async ({ page, stack, guard }) => {
    guard.expect(/answer 409/, /status of 409/);
    const { id } = await stack.schedule({ name: "Nightly" });
    await open(page, "/schedules/new?target=name:web&name=nightly");
    await page.getByRole("button", { name: "Create schedule" }).click();
    await expect(page.getByRole("textbox", { name: "Name" })).toHaveAccessibleDescription(/another schedule has this name/i);
    await stack.api("DELETE", `/schedules/${id}`);
  });

  test("asks when somebody else saved meanwhile", async ({ page, stack, guard }) => {
    guard.expect(/answer 409/, /status of 409/);
    const { id } = await stack.schedule({ name: "Shared" });
    await open(page, `/schedules/${id}`);
    await page.getByRole("textbox", { name: "Name" }).fill("Mine");
    const current = await stack.api("GET", `/schedules/${id}`);
    await stack.change(current, { name: "Theirs" });
    // The open form hears of it before Save is pressed.
    await expect(page.getByText("saved this schedule meanwhile")).toBeVisible();
    await page.getByRole("button", { name: "Save schedule" }).click();
    const dialog = page.getByRole("dialog", { name: "Somebody else changed this schedule" });
    await expect(dialog).toBeVisible();
    await expect(dialog.getByRole("row", { name: /Name/ })).toContainText("Theirs");
    await dialog.getByRole("button", { name: "Save mine over it" }).click();
    await expect(page.getByText(/Saved Mine/)).toBeVisible();
    expect((await stack.api("GET", `/schedules/${id}`)).name).toBe("Mine");
    await page.getByRole("button", { name: "Undo" }).click();
    await expect(page.getByRole("textbox", { name: "Name" })).toHaveValue("Theirs");
    await stack.api("DELETE", `/schedules/${id}`);
  });

  test("does not lose what was typed", async ({ page }) => {
    await open(page, "/schedules/new?target=name:web");
    await page.getByRole("textbox", { name: "Name" }).fill("Half done");
    await page.getByRole("link", { name: "Fleet" }).filter({ visible: true }).first().click();
    const dialog = page.getByRole("dialog", { name: "Leave without saving?" });
    await expect(dialog).toBeVisible();
    await dialog.getByRole("button", { name: "Keep editing" }).click();
    await expect(page.getByRole("textbox", { name: "Name" })).toHaveValue("Half done");
    await page.getByRole("link", { name: "Fleet" }).filter({ visible: true }).first().click();
    await dialog.getByRole("button", { name: "Discard changes" }).click();
    await expect(page.getByRole("heading", { name: "Fleet", level: 1 })).toBeVisible();
  });
});

test("an action that the engine refuses", async ({ page, stack }) => {
  await open(page, "/?q=name:broken");
  await choose(page, "broken", "Start");
  await expect(row(page, "broken")).toContainText("Start failed");
  await expect(row(page, "broken").getByRole("alert")).toContainText("no such file");
  await page.getByRole("button", { name: "Dismiss" }).click();
  await expect(row(page, "broken")).toContainText("Created");
  const run = await stack.schedule({ name: "Start", steps: [{ action: { type: "start" }, target: "name:broken" }] });
  const failed = await stack.run(run);
  expect(failed.status).toBe("failed");
  await open(page, `/runs/${failed.id}`);
  await expect(page.getByRole("status").filter({ hasText: /^Failed$/ })).toBeVisible();
  await expect(page.getByText(/no such file/).first()).toBeVisible();
  await stack.api("DELETE", `/schedules/${run.id}`);
});

test("a container that goes away while its page is open", async ({ page, stack, guard }) => {
  guard.expect(/answer 404/, /status of 404/);
  await stack.say("run fleeting");
  const { id } = await stack.container("fleeting");
  await open(page, `/containers/${id}`);
  await expect(page.getByRole("heading", { name: "fleeting", level: 1 })).toBeVisible();
  await stack.say("remove fleeting");
  await expect(page.getByRole("heading", { name: "It is not here" })).toBeVisible();
});
