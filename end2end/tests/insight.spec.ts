// How schedules went, who changed them, and how long their runs are kept.

import { expect, open, test } from "../support/test.ts";

test("a schedule's page says how it goes and who changed what", async ({ page, stack, eyes }) => {
  const schedule = await stack.schedule({ name: "Figures", steps: [{ action: { type: "noop" } }] });
  await open(page, `/schedules/${schedule.id}`);
  const figures = page.getByRole("region", { name: "How it goes" });
  await expect(figures).toContainText("No runs in the last 30 days.");
  const changes = page.getByRole("region", { name: "Changes" });
  await expect(changes).toContainText(`${stack.user} made it`);
  // Both follow what happens while the page is open.
  await stack.run(schedule);
  await expect(figures).toContainText("100 %", { timeout: 15_000 });
  await expect(figures).toContainText("1 of 1 run");
  await stack.change(await stack.api("GET", `/schedules/${schedule.id}`), { name: "Figures and facts" });
  const line = changes.getByText(`${stack.user} changed it`);
  await expect(line).toBeVisible();
  await line.click();
  await expect(changes.getByRole("row", { name: "Name Figures Figures and facts" })).toBeVisible();
  await eyes.check("schedule-figures");
  await stack.api("DELETE", `/schedules/${schedule.id}`);
});

test("what fails most is named beside the stream", async ({ page, stack, eyes }) => {
  const broken = await stack.schedule({ name: "Never works", steps: [{ action: { type: "restart" }, target: "name:nobody-is-called-this" }] });
  await stack.run(broken);
  await open(page, "/activity");
  const failing = page.getByRole("region", { name: "Most failing" });
  const link = failing.getByRole("link", { name: /Never works/ });
  await expect(link).toBeVisible();
  await eyes.check("activity-failing");
  await link.click();
  await expect(page).toHaveURL(new RegExp(`schedule=${broken.id}`));
  await expect(failing).toHaveCount(0);
  await stack.api("DELETE", `/schedules/${broken.id}`);
});

test("how long runs are kept is decided in the settings", async ({ page, stack, eyes, guard }) => {
  await open(page, "/settings/organisation");
  const card = page.getByRole("region", { name: "How long runs are kept" });
  await expect(card.getByLabel("Days")).toHaveValue("90");
  await card.getByLabel("Days").fill("30");
  await card.getByLabel("Megabytes in all").fill("");
  await card.getByRole("button", { name: "Save limits" }).click();
  await expect(page.getByText("Saved. What goes beyond is deleted within the hour.")).toBeVisible();
  expect((await stack.api("GET", "/retention")).limits).toEqual({ days: 30, runs_per_schedule: 1000, bytes: null });
  await card.getByLabel("Days").fill("many");
  await card.getByRole("button", { name: "Save limits" }).click();
  await expect(card.getByRole("alert")).toContainText("many is no whole number");
  guard.expect(/answer 422/, /status of 422/);
  await card.getByLabel("Days").fill("0");
  await card.getByRole("button", { name: "Save limits" }).click();
  await expect(card.getByRole("alert")).toContainText("from 1 to 3650");
  await eyes.check("retention");
  await stack.api("PUT", "/retention", { days: 90, runs_per_schedule: 1000, bytes: 1_000_000_000 });
});
