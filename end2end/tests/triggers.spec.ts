// What makes a schedule run beside times: webhooks, events, other schedules; and lists of dates.

import { expect, isPhone, open, test, type Stack } from "../support/test.ts";

async function clear(stack: Stack) {
  for (const { id } of (await stack.api("GET", "/schedules")).items) await stack.api("DELETE", `/schedules/${id}`);
}

test.beforeEach(async ({ stack }) => clear(stack));
test.afterAll(async ({ stack }) => clear(stack));

test("a webhook's address is shown once and runs the schedule", async ({ page, stack, eyes }) => {
  await open(page, "/schedules/new?name=Deploy&target=name:web");
  await page.getByRole("radio", { name: "Webhook" }).check({ force: true });
  await expect(page.getByText("made when you save, and shown this once")).toBeVisible();
  await page.getByRole("checkbox", { name: /Only calls with a signature/ }).check();
  await expect(page.locator(".plain")).toContainText("when its webhook is called with a signature");
  await eyes.check("trigger-webhook");
  await page.getByRole("button", { name: "Create schedule" }).click();
  const dialog = page.getByRole("dialog", { name: "Webhook" });
  await expect(dialog).toContainText("shown this once");
  const address = await dialog.getByLabel("Address").inputValue();
  expect(new URL(address).pathname).toMatch(/^\/api\/v1\/hooks\/hook_/);
  expect(await dialog.getByLabel("Secret for signatures").inputValue()).not.toBe("");
  await eyes.check("trigger-webhook-secret");
  await dialog.getByRole("button", { name: "Done" }).click();
  await expect(page).toHaveURL(/\/schedules\/[0-9a-f-]{36}$/);
  expect((await fetch(address, { method: "POST" })).status).toBe(403);
  // A new address, without signatures.
  await page.getByRole("checkbox", { name: /Only calls with a signature/ }).uncheck();
  await page.getByRole("button", { name: "Save schedule" }).click();
  await expect(page.getByRole("status").filter({ hasText: /^Saved$/ })).toBeVisible();
  await page.getByRole("button", { name: "New address" }).click();
  const renewed = await dialog.getByLabel("Address").inputValue();
  await page.keyboard.press("Escape");
  expect((await fetch(address, { method: "POST" })).status).toBe(404);
  const answer = await fetch(renewed, { method: "POST", body: '{"tag":"v2"}' });
  expect(answer.status).toBe(202);
  const { run } = await answer.json();
  await open(page, `/runs/${run}`);
  await expect(page.getByText("Its webhook")).toBeVisible();
  await stack.api("DELETE", `/schedules/${(await stack.api("GET", "/schedules")).items[0].id}`);
});

test("events, outcomes and dates are chosen in the form", async ({ page, stack, eyes }) => {
  await stack.schedule({ name: "Nightly backup", triggers: [{ type: "cron", expression: "0 3 * * *" }], steps: [{ action: { type: "noop" } }] });
  await open(page, "/schedules/new?name=Watchdog&target=name:web");
  await page.getByRole("radio", { name: "Container event" }).check({ force: true });
  await page.getByRole("button", { name: "Health" }).click();
  await page.getByRole("textbox", { name: "Containers" }).first().fill("name:web");
  await expect(page.locator(".plain")).toContainText("when name:web exits with an error or becomes unhealthy");
  await eyes.check("trigger-event");
  await page.getByRole("button", { name: "Add another time" }).click();
  await page.getByRole("radio", { name: "Other schedule" }).last().check({ force: true });
  await page.getByRole("combobox", { name: "Schedule" }).selectOption({ label: "Nightly backup" });
  await page.getByRole("combobox", { name: "Outcome" }).selectOption({ label: "failed" });
  await expect(page.locator(".plain")).toContainText("after Nightly backup failed");
  await page.getByRole("button", { name: "Add another time" }).click();
  await page.getByRole("radio", { name: "Dates" }).last().check({ force: true });
  await page.getByRole("textbox", { name: "Date 1" }).fill("2035-12-24T10:00");
  await page.getByRole("button", { name: "Add a date" }).click();
  await page.getByRole("textbox", { name: "Date 2" }).fill("2036-12-24T10:00");
  await expect(page.locator(".plain")).toContainText("on 2 dates");
  await eyes.check("trigger-all");
  await page.getByRole("button", { name: "Create schedule" }).click();
  await expect(page).toHaveURL(/\/schedules$/);
  const made = (await stack.api("GET", "/schedules?query=Watchdog")).items[0];
  expect(made.triggers.map((trigger: { type: string }) => trigger.type)).toEqual(["event", "outcome", "dates"]);
  expect(made.triggers[0]).toMatchObject({ on: ["die", "health_status"], exit_codes: "nonzero", health: "unhealthy", target: "name:web" });
  if (!isPhone(page)) await expect(page.getByRole("row").filter({ hasText: "Watchdog" })).toContainText("after Nightly backup failed");
});
