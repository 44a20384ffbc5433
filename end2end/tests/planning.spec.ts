// Where schedules come from beside the form, and what is done to many of them: labels, files, the archive, bulk actions.

import { choose, expect, isPhone, open, row, test, type Stack } from "../support/test.ts";

async function clear(stack: Stack) {
  // What labels ask for is archived when they do not count any more.
  for (const { id } of (await stack.api("GET", "/hosts")).items) await stack.api("PATCH", `/hosts/${id}`, { label_schedules: false });
  for (const archived of [false, true]) {
    const { items } = await stack.api("GET", `/schedules?archived=${archived}&limit=500`);
    for (const { id } of items) await stack.api("DELETE", `/schedules/${id}`);
  }
}

const noop = [{ action: { type: "noop" } }];

test.beforeEach(async ({ stack }) => clear(stack));
test.afterAll(async ({ stack }) => clear(stack));

test("labels make schedules where they are allowed, and say what is wrong", async ({ page, stack, eyes }) => {
  await stack.say("labelled shoplabels chrontainer.nightly.cron=@daily chrontainer.nightly.action=restart chrontainer.bad.every=1s chrontainer.bad.action=stop");
  const { id } = await stack.container("shoplabels");
  const host = (await stack.api("GET", "/hosts")).items[0];
  await open(page, "/schedules");
  const note = page.locator(".label-note");
  await expect(note).toContainText("make no schedule");
  await note.locator("summary").click();
  await expect(note).toContainText("the shortest interval of a label is 1m");
  await expect(note).toContainText("an admin can allow them on the host's page");
  await eyes.check("labels-note");
  await open(page, `/hosts/${host.id}`);
  const allowed = page.getByRole("switch", { name: /Schedules from labels/ });
  await expect(allowed).not.toBeChecked();
  await allowed.click();
  await expect(page.getByText("labels make schedules, which act for you")).toBeVisible();
  await eyes.check("labels-host");
  await open(page, "/schedules");
  const name = `${host.name}/shoplabels: nightly`;
  await expect(row(page, name)).toBeVisible({ timeout: 15_000 });
  await expect(row(page, name)).toContainText(`Labels of ${host.name}/shoplabels`);
  await page.getByRole("button", { name: `More actions, ${name}` }).click();
  await expect(page.getByRole("menuitem", { name: "View" })).toBeVisible();
  await expect(page.getByRole("menuitem", { name: "Delete" })).toHaveCount(0);
  await page.keyboard.press("Escape");
  await eyes.check("labels-list");
  await open(page, `/containers/${id}`);
  const card = page.getByRole("region", { name: "Schedules in its labels" });
  await expect(card).toContainText("Accepted");
  await expect(card).toContainText("Wrong");
  await eyes.check("labels-container");
  await card.getByRole("link", { name: "chrontainer.nightly" }).click();
  await expect(page.getByText("and is changed there")).toBeVisible();
  await expect(page.getByRole("textbox", { name: "Name" })).toBeDisabled();
  await expect(page.getByRole("button", { name: "Save schedule" })).toHaveCount(0);
  await eyes.check("labels-schedule");
  await stack.say("remove shoplabels");
  await open(page, "/schedules?archived=true");
  await expect(row(page, name)).toBeVisible({ timeout: 15_000 });
  await stack.api("PATCH", `/hosts/${host.id}`, { label_schedules: false });
});

test("several are paused, resumed and paused until a date", async ({ page, stack, eyes }) => {
  for (const name of ["One", "Two", "Three"]) await stack.schedule({ name, steps: noop });
  await open(page, "/schedules");
  await page.getByRole("checkbox", { name: "Select One" }).check();
  await page.getByRole("checkbox", { name: "Select Three" }).check();
  const bar = page.getByRole("toolbar", { name: "Actions for selected schedules" });
  await expect(bar).toContainText("2 selected");
  await eyes.check("schedules-selected");
  await bar.getByRole("button", { name: "Pause", exact: true }).click();
  await expect(page.getByText("Paused 2 schedules")).toBeVisible();
  await expect(page.getByRole("switch", { name: "One, active" })).not.toBeChecked();
  await expect(page.getByRole("switch", { name: "Two, active" })).toBeChecked();
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(page.getByRole("switch", { name: "Three, active" })).toBeChecked();
  await page.getByRole("checkbox", { name: "Select Two" }).check();
  await bar.getByRole("button", { name: "Pause until" }).click();
  const dialog = page.getByRole("dialog", { name: /Pause Two until/ });
  await dialog.getByRole("button", { name: "Pause" }).click();
  await expect(dialog).toContainText("Choose a date and a time.");
  await dialog.getByLabel("Date and time").fill("2036-01-02T08:00");
  await eyes.check("schedules-pause");
  await dialog.getByRole("button", { name: "Pause" }).click();
  await expect(row(page, "Two")).toContainText("until");
  const two = (await stack.api("GET", "/schedules?query=Two")).items[0];
  expect(two.paused_until).toMatch(/^2036-01-0/);
  await choose(page, "Two", "End the pause");
  await expect(row(page, "Two")).not.toContainText("until");
});

test("the archive shows what is done", async ({ page, stack, eyes }) => {
  const at = new Date(Date.now() + 8_000).toISOString();
  const once = await stack.schedule({ name: "Just once", triggers: [{ type: "once", at }], steps: noop });
  await open(page, "/schedules");
  await expect(row(page, "Just once")).toBeVisible();
  await expect.poll(async () => (await stack.api("GET", `/schedules/${once.id}`)).archived, { timeout: 25_000 }).toBe(true);
  await expect(row(page, "Just once")).toHaveCount(0);
  await page.getByRole("button", { name: "Archive" }).click();
  await expect(page).toHaveURL(/archived=true/);
  await expect(row(page, "Just once")).toContainText("Archived");
  await eyes.check("schedules-archive");
});

test("a file is chosen, and the webhook that it makes is shown once", async ({ page, eyes }) => {
  await open(page, "/schedules");
  await page.getByRole("button", { name: "More actions, schedules" }).click();
  await page.getByRole("menuitem", { name: "Import a file" }).click();
  const dialog = page.getByRole("dialog", { name: "Import schedules" });
  const file = "format: chrontainer/v1\nschedules:\n  - name: Hooked\n    triggers: [{type: webhook}]\n    steps: [{action: {type: noop}}]\n";
  await dialog.getByLabel("Choose a file").setInputFiles({ name: "schedules.yaml", mimeType: "application/yaml", buffer: Buffer.from(file) });
  await expect(dialog.getByRole("textbox")).toHaveValue(file);
  await dialog.getByRole("button", { name: "Show changes" }).click();
  await expect(dialog).toContainText("1 new.");
  await dialog.getByRole("button", { name: "Apply" }).click();
  await expect(dialog).toContainText("shown this once");
  const address = await dialog.getByLabel("Address").inputValue();
  await eyes.check("import-webhook");
  expect((await fetch(address, { method: "POST" })).status).toBe(202);
  await dialog.getByRole("button", { name: "Done" }).click();
  await expect(row(page, "Hooked")).toBeVisible();
});

test("no time at all, an anchor, and the whole run again", async ({ page, stack, eyes }) => {
  await open(page, "/schedules/new?name=By+hand&target=name:web");
  await page.getByRole("button", { name: "Remove this time" }).click();
  await expect(page.getByText("It runs only when somebody or something asks for it")).toBeVisible();
  await expect(page.locator(".plain")).toContainText("only by hand");
  await eyes.check("form-by-hand");
  await page.getByRole("button", { name: "Create schedule" }).click();
  await expect(page).toHaveURL(/\/schedules$/);
  if (!isPhone(page)) await expect(row(page, "By hand")).toContainText("By hand only");
  await row(page, "By hand").getByRole("link", { name: "By hand", exact: true }).click();
  await page.getByRole("button", { name: "Add a time" }).click();
  await page.getByRole("radio", { name: "Interval" }).check({ force: true });
  await page.getByLabel("counted from").fill("2035-12-24T10:00");
  await page.getByRole("button", { name: "Save schedule" }).click();
  await expect(page.getByRole("status").filter({ hasText: /^Saved$/ })).toBeVisible();
  const made = (await stack.api("GET", "/schedules?query=hand")).items[0];
  expect(made.triggers[0].anchor).toMatch(/^2035-12-24T/);
});
