// Engines that are gone or hang, servers that stop and are killed: the page says so, and comes back by itself.

import { AWAY, choose, expect, hydrated, open, row, test } from "../support/test.ts";

test.describe.configure({ mode: "serial" });

test("an engine that is gone and comes back", async ({ page, stack, guard, eyes }) => {
  test.setTimeout(90_000);
  await open(page, "/");
  await expect(row(page, "web")).toContainText("Healthy");
  await stack.say("engine refuse");
  const host = page.getByRole("list", { name: "Hosts" }).getByRole("listitem");
  await expect(host).toContainText("Offline", { timeout: 30_000 });
  await expect(host).toContainText(/connect|refused|answer/i);
  await expect(host).toContainText("Last seen");
  await expect(row(page, "web")).toContainText("as last seen");
  // The rest of the row says since when, and why.
  await expect(row(page, "web")).toContainText(/Last seen .+: \S+/);
  await expect(row(page, "web").getByRole("button", { name: "Restart, web" })).toHaveCount(0);
  await eyes.check("fleet-offline");
  await open(page, "/hosts");
  await expect(page.getByRole("article")).toContainText("Offline");
  await eyes.check("hosts-offline");
  await open(page, "/");
  await stack.say("engine resume");
  await row(page, "web").getByRole("button", { name: "Retry, web" }).click();
  await expect(host).toContainText(/Online/, { timeout: 15_000 });
  await expect(row(page, "web")).not.toContainText("as last seen");
});

test("an engine that accepts and never answers", async ({ page, stack }) => {
  test.setTimeout(90_000);
  await open(page, "/");
  await stack.say("engine hang");
  const host = page.getByRole("list", { name: "Hosts" }).getByRole("listitem");
  await expect(host).toContainText("Offline", { timeout: 45_000 });
  // Pages never wait for it.
  const began = Date.now();
  await page.reload();
  await hydrated(page);
  await expect(row(page, "web")).toBeVisible();
  expect(Date.now() - began).toBeLessThan(5_000);
  await stack.say("engine resume");
  await expect(host).toContainText("Online", { timeout: 45_000 });
});

test("a server that stops and starts again", async ({ page, stack, guard }) => {
  test.setTimeout(90_000);
  guard.expect(...AWAY);
  await open(page, "/");
  await expect(row(page, "notes")).toContainText("Running");
  await stack.say("server stop");
  const offline = page.getByRole("button", { name: /Offline, reconnecting/ });
  await expect(offline).toBeVisible({ timeout: 20_000 });
  // An action says why it did not work, and the row is as before.
  await choose(page, "notes", "Restart");
  await expect(row(page, "notes").getByRole("alert")).toBeVisible();
  await stack.say("stop db");
  await stack.say("server start");
  await expect(offline).toBeHidden({ timeout: 30_000 });
  // What happened meanwhile is seen without a reload.
  await expect(row(page, "db")).toContainText(/Stopped|Exited/, { timeout: 15_000 });
  await stack.say("start db");
  await expect(row(page, "db")).toContainText("Running");
});

test("a server killed in the middle of a run", async ({ page, stack, guard }) => {
  test.setTimeout(120_000);
  guard.expect(...AWAY);
  await stack.say("stubborn patient");
  await stack.container("patient");
  const schedule = await stack.schedule({
    name: "Interrupted",
    steps: [{ action: { type: "restart", grace: "4s" }, target: "name:patient" }],
  });
  const started = await stack.api("POST", `/schedules/${schedule.id}/run`);
  const id = started.run?.id ?? started.id;
  await open(page, `/runs/${id}`);
  await expect(page.getByRole("status").filter({ hasText: "Running" })).toBeVisible();
  await stack.say("server kill9");
  await stack.say("server start");
  // The page finds its way back and shows how it ended, honestly.
  await expect(page.getByRole("status").filter({ hasText: /Succeeded|Unknown|Failed/ }).first()).toBeVisible({ timeout: 45_000 });
  const run = await stack.api("GET", `/runs/${id}`);
  expect(["succeeded", "unknown", "failed"]).toContain(run.status);
  await stack.api("DELETE", `/schedules/${schedule.id}`);
  await stack.say("remove patient");
});
