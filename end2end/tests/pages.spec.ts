// Every page in both themes, on a desk and on a phone: it works without a complaint, fits, is accessible, and leaves a
// picture in screenshots/.

import { choose, expect, hydrated, isPhone, open, row, signedOut, test } from "../support/test.ts";

test.describe("signed out", () => {
  test.use({ storageState: signedOut });

  test("sign-in", async ({ page, eyes }) => {
    await open(page, "/schedules");
    await expect(page).toHaveURL(/\/sign-in\?next=%2Fschedules|\/sign-in\?next=\/schedules/);
    await expect(page.getByLabel("Username")).toBeFocused();
    await eyes.check("sign-in");
  });
});

test("fleet", async ({ page, eyes }) => {
  await open(page, "/");
  await expect(page.getByRole("heading", { name: "Fleet", level: 1 })).toBeVisible();
  await expect(row(page, "web")).toContainText("Healthy");
  await expect(row(page, "worker")).toContainText("Unhealthy");
  await expect(row(page, "cache")).toContainText("Paused");
  await expect(row(page, "mailer")).toContainText("Exited (1)");
  await eyes.check("fleet");
});

test("fleet with a menu open", async ({ page, eyes }) => {
  await open(page, "/");
  await page.getByRole("button", { name: "More actions, api", exact: true }).click();
  await expect(page.getByRole("menuitem", { name: "Restart" })).toBeVisible();
  await eyes.check("fleet-menu");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("menuitem", { name: "Restart" })).toBeHidden();
});

test("fleet with a selection", async ({ page, eyes }) => {
  await open(page, "/");
  await page.getByRole("checkbox", { name: "Select api" }).check();
  await page.getByRole("checkbox", { name: "Select db" }).check();
  await expect(page.getByText("2 selected")).toBeVisible();
  await eyes.check("fleet-selected");
});

test("fleet with nothing found", async ({ page, eyes }) => {
  await open(page, "/?q=name:nobody");
  await expect(page.getByRole("heading", { name: "No container matches" })).toBeVisible();
  await eyes.check("fleet-empty");
});

test("container", async ({ page, stack, eyes }) => {
  const { id } = await stack.container("web");
  await open(page, `/containers/${id}`);
  await expect(page.getByRole("heading", { name: "web", level: 1 })).toBeVisible();
  await expect(page.getByRole("heading", { name: "Facts" })).toBeVisible();
  await eyes.check("container");
});

test("schedules", async ({ page, stack, eyes }) => {
  const { items } = await stack.api("GET", "/schedules");
  if (items.length === 0) {
    await open(page, "/schedules");
    await expect(page.getByRole("heading", { name: "No schedules yet" })).toBeVisible();
    await eyes.check("schedules-empty");
  }
  const nightly = await stack.schedule({ name: "Nightly restart of the notes" });
  await stack.schedule({
    name: "Weekday mornings",
    triggers: [{ type: "cron", expression: "30 7 * * 1-5" }],
    steps: [{ action: { type: "start" }, target: "stack:shop -name:worker" }],
  });
  await stack.schedule({
    name: "Paused for now",
    enabled: false,
    timezone: "UTC",
    triggers: [{ type: "interval", every: "6h" }],
    steps: [{ action: { type: "stop" }, target: "name:backup,mailer" }],
  });
  const broken = await stack.schedule({
    name: "Start what cannot start",
    steps: [{ action: { type: "start" }, target: "name:broken,mailer" }],
  });
  await stack.run(nightly);
  await stack.run(broken);
  await open(page, "/schedules");
  await expect(row(page, "Nightly restart of the notes")).toContainText("Succeeded");
  await expect(row(page, "Nightly restart of the notes")).toContainText("Every day at 03:00");
  await eyes.check("schedules");

  await page.getByRole("button", { name: "More actions, Weekday mornings", exact: true }).click();
  await eyes.check("schedules-menu");
  await page.keyboard.press("Escape");
  await choose(page, "Paused for now", "Delete");
  await expect(page.getByRole("dialog", { name: "Delete Paused for now?" })).toBeVisible();
  await eyes.check("schedules-delete");
  await page.getByRole("button", { name: "Delete schedule" }).click();
  await expect(row(page, "Paused for now")).toBeHidden();
  // The row goes before the server has answered.
  await expect.poll(async () => (await stack.api("GET", "/schedules")).total).toBe(3);
  for (const { id } of (await stack.api("GET", "/schedules")).items) await stack.api("DELETE", `/schedules/${id}`);
});

test("new schedule", async ({ page, eyes }) => {
  await open(page, "/schedules/new?target=name:web");
  await expect(page.getByRole("rowheader")).toHaveCount(5);
  await eyes.check("schedule-new");
  await page.getByRole("radio", { name: "Cron" }).check();
  await page.getByRole("textbox", { name: "Cron expression" }).fill("30 7 * * 1-5");
  await expect(page.getByRole("complementary", { name: "What will happen" })).toContainText("Monday to Friday at 07:30");
  await eyes.check("schedule-new-cron");
});

test("edit a schedule", async ({ page, stack, eyes }) => {
  const { id } = await stack.schedule({ name: "Two times and two steps", triggers: [
    { type: "cron", expression: "0 3 * * *" },
    { type: "interval", every: "6h" },
  ], steps: [
    { action: { type: "stop", grace: "5s" }, target: "stack:edge" },
    { name: "Back up again", action: { type: "start" }, target: "stack:edge" },
  ] });
  await open(page, `/schedules/${id}`);
  await expect(page.getByRole("textbox", { name: "Name" })).toHaveValue("Two times and two steps");
  await eyes.check("schedule-edit");
  await stack.api("DELETE", `/schedules/${id}`);
});

test("activity and a run", async ({ page, stack, eyes }) => {
  const schedule = await stack.schedule({ name: "Restart the notes" });
  const run = await stack.run(schedule);
  await open(page, "/activity");
  await expect(page.getByRole("link", { name: "Restart the notes" }).first()).toBeVisible();
  await eyes.check("activity");
  await open(page, `/runs/${run.id}`);
  await expect(page.getByRole("log")).not.toBeEmpty();
  await eyes.check("run");

  const broken = await stack.schedule({ name: "Start what cannot start", steps: [{ action: { type: "start" }, target: "name:broken,backup" }] });
  const failed = await stack.run(broken);
  await open(page, `/runs/${failed.id}`);
  await eyes.check("run-failed");
  for (const { id } of [schedule, broken]) await stack.api("DELETE", `/schedules/${id}`);
});

test("hosts", async ({ page, eyes }) => {
  await open(page, "/hosts");
  await expect(page.getByRole("article")).toHaveCount(1);
  await eyes.check("hosts");
  await page.getByRole("button", { name: "Add host" }).click();
  const dialog = page.getByRole("dialog", { name: "Add host" });
  await expect(dialog).toBeVisible();
  await dialog.getByRole("radio", { name: /^TCP($| Not)/ }).check();
  await eyes.check("hosts-add");
});

test("what is not there", async ({ page, stack, guard, eyes }) => {
  guard.expect(/answer 404/, /status of 404/);
  for (const [path, name, title] of [
    ["/nowhere", "not-found", "There is no such page"],
    ["/runs/00000000-0000-7000-8000-00000000dead", "run-not-found", "It is not here"],
    ["/schedules/rubbish", "schedule-not-found", "It is not here"],
    ["/containers/rubbish", "container-not-found", "It is not here"],
  ]) {
    const answer = await page.goto(path);
    expect(answer?.status(), path).toBe(404);
    await hydrated(page);
    await expect(page.getByRole("heading", { name: title })).toBeVisible();
    await eyes.check(name);
  }
});

test("palette, shortcuts and more", async ({ page, eyes }) => {
  await open(page, "/");
  await page.keyboard.press("Control+k");
  const palette = page.getByRole("dialog", { name: "Command palette" });
  await palette.getByRole("combobox").fill("cach");
  await expect(palette.getByRole("option", { name: /cache/ }).first()).toBeVisible();
  await eyes.check("palette");
  await page.keyboard.press("Escape");
  await expect(palette).toBeHidden();
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
  await eyes.check("shortcuts");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeHidden();
  if (isPhone(page)) {
    await page.getByRole("button", { name: "More", exact: true }).click();
    await expect(page.getByRole("dialog", { name: "More" })).toBeVisible();
  } else {
    await page.getByTitle("Account").click();
    await expect(page.getByRole("button", { name: "Sign out" })).toBeVisible();
  }
  await eyes.check("account");
});
