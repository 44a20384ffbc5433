// The whole way of a new user: from the set-up link to a schedule that has restarted a real container.

import { expect, type Page } from "@playwright/test";
import { Stack, choose, hydrated, isPhone, row, signedOut, test } from "../support/test.ts";

const NAME = "grace";
const PASSWORD = "seven otters on a raft";

// Its server has nobody yet, so the worker's own is of no use here.
test.use({
  storageState: signedOut,
  baseURL: undefined,
  // The viewer is not where the schedule is.
  timezoneId: "America/New_York",
});

test.describe.configure({ mode: "serial" });

let stack: Stack;
test.beforeAll(async () => {
  stack = await Stack.start({ fresh: true });
});
test.afterAll(async () => stack?.end());

async function signOut(page: Page) {
  if (isPhone(page)) await page.getByRole("button", { name: "More", exact: true }).click();
  else await page.getByTitle("Account").click();
  await page.getByRole("button", { name: "Sign out" }).filter({ visible: true }).click();
  await page.waitForURL(/\/sign-in/);
}

test("from the set-up link to a schedule that fires", async ({ page, guard, eyes }) => {
  test.setTimeout(120_000);
  // What the page reads again while somebody signs out is refused.
  guard.expect(/answer 401: .*\/_fn\//, /status of 401/);

  await test.step("the set-up link makes the owner", async () => {
    await page.goto(stack.url);
    await expect(page).toHaveURL(/\/setup$/);
    await hydrated(page);
    await eyes.check("setup-without-link");
    await page.goto(stack.setupUrl);
    await hydrated(page);
    await eyes.check("setup");
    await page.getByLabel("Username").fill(NAME);
    await page.getByRole("textbox", { name: "Password" }).fill(PASSWORD);
    await expect(page.getByText("Good. 22 characters.")).toBeVisible();
    await page.getByRole("button", { name: "Create account and continue" }).click();
    await expect(page.getByRole("heading", { name: "Fleet", level: 1 })).toBeVisible();
    await hydrated(page);
  });

  await test.step("the fleet is the engine's, live", async () => {
    await expect(page.getByText("10 containers on 1 host")).toBeVisible();
    await expect(row(page, "web")).toContainText("Healthy");
    await stack.say("stop db");
    await expect(row(page, "db")).toContainText(/Stopped|Exited/);
    await stack.say("stubborn slow");
    await expect(row(page, "slow")).toContainText("Running");
    await expect(page.getByText("11 containers on 1 host")).toBeVisible();
  });

  await test.step("a click restarts a container", async () => {
    const before = await stack.inspect("slow");
    await choose(page, "slow", "Restart");
    await expect(row(page, "slow")).toContainText("Restarting");
    await expect.poll(async () => (await stack.inspect("slow")).started_at, { timeout: 20_000 }).not.toBe(before.started_at);
    await expect(row(page, "slow")).toContainText("Running", { timeout: 20_000 });
    expect((await stack.inspect("slow")).id).toBe(before.id);
  });

  await test.step("every day at 03:00", async () => {
    await choose(page, "notes", "Schedule");
    await page.getByRole("textbox", { name: "Name" }).fill("Nightly restart");
    await expect(page.getByRole("radio", { name: "Every day" })).toBeChecked();
    await expect(page.getByLabel("Time of day")).toHaveValue("03:00");
    await page.getByLabel("Zone", { exact: true }).fill("Europe/Berlin");
    const side = page.getByRole("complementary", { name: "What will happen" });
    await expect(side).toContainText(/Restart notes on .*, every day at 03:00, Europe\/Berlin\./i);
    const times = side.getByRole("table");
    await expect(times.getByRole("columnheader", { name: "Berlin" })).toBeVisible();
    await expect(times.getByRole("columnheader", { name: "You, New York" })).toBeVisible();
    await expect(times.getByRole("rowheader")).toHaveCount(5);
    const first = times.getByRole("row").nth(1);
    await expect(first).toContainText("03:00");
    // Six hours behind, or five in the weeks when only one of the two has changed its clocks.
    await expect(first).toContainText(/2[12]:00/);
    await expect(side).toContainText("notes");
    await page.getByRole("button", { name: "Create schedule" }).click();
    await expect(page).toHaveURL(/\/schedules$/);
    await expect(row(page, "Nightly restart")).toContainText(/03:00/);
    await expect(page.getByText(/Saved Nightly restart, next run in/)).toBeVisible();
  });

  await test.step("one that fires in seconds", async () => {
    await page.goto(`${stack.url}/schedules/new?target=name:slow&name=Often`);
    await hydrated(page);
    await page.getByRole("radio", { name: "Interval" }).check();
    await page.getByLabel("Every, number").fill("8");
    await page.getByLabel("Every, unit").selectOption("seconds");
    await page.getByLabel("Time to stop").fill("2s");
    await expect(page.getByRole("complementary", { name: "What will happen" })).toContainText("every 8 seconds");
    await page.keyboard.press("Control+s");
    await expect(page).toHaveURL(/\/schedules$/);
  });

  await test.step("its run is seen while it happens", async () => {
    await page.goto(`${stack.url}/activity`);
    await hydrated(page);
    const entry = page.getByRole("listitem").filter({ has: page.getByRole("link", { name: "Often" }), hasText: "Running" });
    await entry.first().getByRole("link", { name: "Often", exact: true }).click({ timeout: 20_000 });
    await expect(page).toHaveURL(/\/runs\//);
    await expect(page.getByRole("heading", { name: /Often/, level: 1 })).toBeVisible();
    const facts = page.getByRole("region", { name: "Facts" });
    await expect(facts).toContainText("on time");
    await expect(facts).toContainText("Took", { timeout: 15_000 });
    await expect(page.getByRole("status").filter({ hasText: "Succeeded" })).toBeVisible();
    await expect(page.getByRole("region", { name: "Steps" })).toContainText("Restart");
    await expect(page.getByRole("region", { name: "Steps" })).toContainText("2."); // The grace time: two seconds and a bit.
    await expect(page.getByRole("log")).toContainText("slow");
    // Kept: the same after reading it anew.
    await page.reload();
    await hydrated(page);
    await expect(page.getByRole("status").filter({ hasText: "Succeeded" })).toBeVisible();
    await expect(page.getByRole("log")).toContainText("slow");
  });

  await test.step("recreated under its name, the schedule still finds it", async () => {
    const { id } = await stack.say("recreate slow");
    const fresh = await stack.inspect("slow");
    expect(fresh.id).toBe(id);
    await expect.poll(async () => (await stack.inspect("slow")).started_at, { timeout: 25_000 }).not.toBe(fresh.started_at);
    expect((await stack.inspect("slow")).id).toBe(id);
  });

  await test.step("paused, it rests", async () => {
    await page.goto(`${stack.url}/schedules`);
    await hydrated(page);
    await page.getByRole("switch", { name: "Often, active" }).uncheck();
    await expect(row(page, "Often")).toContainText("Paused");
  });

  await test.step("out and in again", async () => {
    await signOut(page);
    await hydrated(page);
    await page.getByLabel("Username").fill(NAME);
    await page.getByRole("textbox", { name: "Password" }).fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await expect(page.getByRole("heading", { name: "Fleet", level: 1 })).toBeVisible();
  });
});

test("the set-up link works once", async ({ page }) => {
  await page.goto(stack.setupUrl);
  await expect(page).toHaveURL(/\/sign-in$/);
});
