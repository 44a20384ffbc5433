// Looking ahead: the forecast in all its forms, skipping and moving one run, a dry run, files, templates, the calendar.

import { expect, isPhone, open, row, test, type Page, type Stack } from "../support/test.ts";

const cron = (expression: string) => [{ type: "cron", expression }];
const restart = (target: string) => [{ action: { type: "restart" }, target }];

async function plan(stack: Stack) {
  // Two that meet on one container, a frequent one, one that stays alone.
  const soon = (hours: number) => new Date(Math.ceil(Date.now() / 3_600_000) * 3_600_000 + hours * 3_600_000);
  const at = soon(2);
  const daily = `${at.getUTCMinutes()} ${at.getUTCHours()} * * *`;
  await stack.schedule({ name: "Nightly restart", timezone: "UTC", triggers: cron(daily), steps: restart("name:web,api") });
  await stack.schedule({ name: "Offsite backup", timezone: "UTC", triggers: cron(daily), steps: restart("name:web") });
  await stack.schedule({ name: "Health check", triggers: cron("*/15 * * * *"), steps: restart("name:cache") });
  await stack.schedule({ name: "Rotate logs", timezone: "UTC", triggers: cron(`15 ${soon(9).getUTCHours()} * * *`), steps: restart("stack:shop") });
}

async function clear(stack: Stack) {
  for (const { id } of (await stack.api("GET", "/schedules")).items) await stack.api("DELETE", `/schedules/${id}`);
}

const card = (page: Page) => page.getByRole("region", { name: "Forecast" });

test.beforeEach(async ({ stack }) => {
  await clear(stack);
  await plan(stack);
});
test.afterAll(async ({ stack }) => clear(stack));

test("a day, a week, a month and a table", async ({ page, eyes }) => {
  await open(page, "/schedules");
  await expect(card(page)).toContainText("1 conflict");
  await expect(card(page)).toContainText("both work on web");
  if (!isPhone(page)) {
    await expect(card(page).getByRole("button", { name: /^Nightly restart, .*conflict/ })).toBeVisible();
    await expect(card(page)).toContainText("3 runs in the next 24 h, and 9");
  }
  await eyes.check("forecast-day");
  await card(page).getByRole("radio", { name: "7 d" }).check({ force: true });
  await expect(page).toHaveURL(/view=7d/);
  if (!isPhone(page)) await expect(card(page).getByRole("img", { name: /runs in 7 days/ })).toBeVisible();
  await eyes.check("forecast-week");
  await card(page).getByRole("radio", { name: "30 d" }).check({ force: true });
  await expect(page).toHaveURL(/view=30d/);
  await eyes.check("forecast-month");
  await open(page, "/schedules?as=table");
  const table = card(page).getByRole("table", { name: /Coming runs/ });
  await expect(table.getByRole("row").filter({ hasText: "Offsite backup" })).toContainText("Conflict");
  await expect(table.getByRole("row").filter({ hasText: "Health check" })).toContainText("Every 15 minutes");
  await eyes.check("forecast-table");
});

test("one run is skipped, brought back and moved", async ({ page, eyes }) => {
  await open(page, "/schedules?as=table");
  const mine = () => card(page).getByRole("row").filter({ hasText: "Rotate logs" });
  const dialog = page.getByRole("dialog", { name: "Rotate logs" });
  await mine().getByRole("button", { name: "Rotate logs" }).click();
  await expect(dialog).toContainText("Planned");
  await eyes.check("forecast-run");
  await dialog.getByRole("button", { name: "Skip this run" }).click();
  await expect(mine()).toContainText("Skipped");
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(mine()).toContainText("Planned");
  await mine().getByRole("button", { name: "Rotate logs" }).click();
  await dialog.getByRole("button", { name: "Move", exact: true }).click();
  await expect(mine().filter({ hasText: "Moved away" })).toHaveCount(1);
  await expect(mine().filter({ hasText: "Moved here" })).toHaveCount(1);
  await mine().filter({ hasText: "Moved here" }).getByRole("button", { name: "Rotate logs" }).click();
  await dialog.getByRole("button", { name: "Run as planned" }).click();
  await expect(mine()).toHaveCount(1);
});

test("the arrow keys go from run to run", async ({ page }) => {
  test.skip(isPhone(page), "a phone has an agenda");
  await open(page, "/schedules");
  const marks = card(page).locator("button.fc-run");
  await expect(marks.first()).toBeVisible();
  await marks.first().focus();
  await page.keyboard.press("ArrowRight");
  await expect(marks.nth(1)).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(marks.nth(1)).toBeFocused();
});

test("a blackout is hatched, its runs are held, and what ran shows its outcome", async ({ page, stack, eyes }) => {
  const ran = await stack.schedule({ name: "Ran before", triggers: cron("0 5 1 1 *"), steps: restart("name:notes") });
  await stack.api("POST", `/schedules/${ran.id}/run`);
  await expect
    .poll(async () => (await stack.api("GET", `/runs?schedule=${ran.id}`)).items[0]?.status)
    .toMatch(/succeeded|partial|failed/);
  const from = new Date(Date.now() + 3_600_000).toISOString();
  const to = new Date(Date.now() + 13 * 3_600_000).toISOString();
  const blackout = await stack.api("POST", "/blackouts", {
    name: "Quiet hours",
    on: { type: "organisation" },
    timezone: "UTC",
    window: { type: "dated", from, to },
    policy: "postpone",
  });
  try {
    await open(page, "/schedules");
    await expect(card(page)).toContainText("Quiet hours");
    if (!isPhone(page)) {
      await expect(card(page).locator(".fc-black").first()).toBeVisible();
      await expect(card(page).getByRole("button", { name: /^Rotate logs, .*in the blackout Quiet hours, waits/ })).toBeVisible();
      await expect(card(page).getByRole("link", { name: /^Ran before, .*succeeded/ }).first()).toHaveAttribute("href", /\/runs\//);
    }
    await eyes.check("forecast-blackout");
    await open(page, "/schedules?as=table");
    const waits = card(page).getByRole("row").filter({ hasText: "Rotate logs" }).filter({ hasText: "Waits" });
    await waits.getByRole("button", { name: "Rotate logs" }).click();
    const dialog = page.getByRole("dialog", { name: "Rotate logs" });
    await expect(dialog).toContainText("Waits for the end of the blackout Quiet hours");
    await expect(dialog.getByRole("button", { name: "Skip this run" })).toBeVisible();
    await page.keyboard.press("Escape");
  } finally {
    await stack.api("DELETE", `/blackouts/${blackout.id}`);
  }
});

test("a dry run says what would happen and touches nothing", async ({ page, stack, eyes }) => {
  const before = (await stack.container("web")).started_at;
  await open(page, "/schedules/new?target=name:web,mailer");
  await page.getByRole("textbox", { name: "Name" }).focus();
  await page.keyboard.press("Control+Enter");
  const dialog = page.getByRole("dialog", { name: "Dry run" });
  await expect(dialog).toContainText("Nothing was touched");
  await expect(dialog).toContainText("mailer");
  await expect(dialog).toContainText("It is stopped, so this starts it.");
  await eyes.check("dry-run");
  await dialog.getByRole("button", { name: "Close" }).last().click();
  expect((await stack.container("web")).started_at).toBe(before);
});

test("a dry run shows the answers of conditions", async ({ page, stack, eyes }) => {
  const made = await stack.schedule({
    name: "Only what runs",
    triggers: cron("0 5 * * *"),
    steps: restart("name:web,mailer"),
    conditions: [{ if: "running" }],
  });
  await open(page, `/schedules/${made.id}`);
  await page.getByRole("textbox", { name: "Name" }).focus();
  await page.keyboard.press("Control+Enter");
  const dialog = page.getByRole("dialog", { name: "Dry run" });
  const web = dialog.getByRole("list", { name: "Conditions of web" });
  await expect(web).toContainText("It is running");
  await expect(web).toContainText("Holds");
  await expect(dialog.getByRole("list", { name: "Conditions of mailer" })).toContainText("Does not hold");
  await expect(dialog).toContainText("Left alone");
  await eyes.check("dry-run-conditions");
});

test("a file is looked at before it is applied", async ({ page, stack, eyes }) => {
  const file = `format: chrontainer/v1
schedules:
  - name: Rotate logs
    timezone: UTC
    triggers: [{type: cron, expression: 15 4 * * *}]
    steps: [{action: {type: restart}, target: 'stack:shop'}]
  - name: From a file
    triggers: [{type: interval, every: 6h}]
    steps: [{action: {type: noop}}]
`;
  await open(page, "/schedules");
  await page.getByRole("button", { name: "More actions, schedules" }).click();
  await page.getByRole("menuitem", { name: "Import a file" }).click();
  const dialog = page.getByRole("dialog", { name: "Import schedules" });
  await dialog.getByRole("textbox").fill(file);
  await dialog.getByRole("button", { name: "Show changes" }).click();
  await expect(dialog).toContainText("1 new, 1 changed.");
  await eyes.check("import");
  await dialog.getByRole("button", { name: "Apply" }).click();
  await expect(row(page, "From a file")).toBeVisible();
  const { items } = await stack.api("GET", "/schedules?query=Rotate");
  expect(items[0].triggers[0].expression).toBe("15 4 * * *");
});

test("templates begin one schedule or a pair", async ({ page, stack, eyes }) => {
  await open(page, "/schedules");
  await page.getByRole("button", { name: "More actions, schedules" }).click();
  await page.getByRole("menuitem", { name: "Templates" }).click();
  const dialog = page.getByRole("dialog");
  await eyes.check("templates");
  await dialog.getByRole("button", { name: /Weekend shutdown/ }).click();
  await dialog.getByRole("textbox", { name: "Containers" }).fill("stack:shop");
  await eyes.check("template-pair");
  await dialog.getByRole("button", { name: "Create both" }).click();
  await expect(row(page, "Weekend shutdown: stop")).toContainText("Friday at 20:00");
  await expect(row(page, "Weekend shutdown: start")).toContainText("Monday at 06:00");
  expect((await stack.api("GET", "/schedules?query=Weekend")).total).toBe(2);
  await open(page, "/schedules/new?template=weekly-restart");
  await expect(page.getByRole("complementary", { name: "What will happen" })).toContainText("Sunday at 04:30");
});

test("a calendar link is made and revoked", async ({ page, eyes }) => {
  await open(page, "/schedules");
  await page.getByRole("button", { name: "More actions, schedules" }).click();
  await page.getByRole("menuitem", { name: "Subscribe in a calendar" }).click();
  const dialog = page.getByRole("dialog", { name: "Subscribe in a calendar" });
  await dialog.getByRole("button", { name: /Make a/ }).click();
  const link = await dialog.getByRole("textbox").inputValue();
  await eyes.check("calendar");
  const answer = await page.request.get(link);
  expect(answer.status()).toBe(200);
  expect(await answer.text()).toContain("SUMMARY:Nightly restart");
  await dialog.getByRole("button", { name: "Revoke the link" }).click();
  await expect(dialog.getByRole("textbox")).toBeHidden();
  expect((await page.request.get(link)).status()).toBe(404);
});
