// Hosts in the browser: add one with a test of its connection, edit it, maintenance, its page, delete it.

import path from "node:path";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { choose, expect, isPhone, open, test } from "../support/test.ts";

test("a host from its first test to its end", async ({ page, stack, eyes, guard }) => {
  // Measuring what is in use takes two looks at everything that runs.
  test.setTimeout(90_000);
  // The same engine by another name: it answers, and Chrontainer notices.
  const dir = mkdtempSync(path.join(tmpdir(), "hosts-"));
  const socket = path.join(dir, "d.sock");
  symlinkSync(stack.dockerHost.replace("unix://", ""), socket);
  try {
    await open(page, "/hosts");
    await page.getByRole("button", { name: "Add host" }).click();
    const dialog = page.getByRole("dialog", { name: "Add host" });
    await expect(dialog.getByRole("textbox", { name: "Name" })).toBeFocused();
    await dialog.getByRole("textbox", { name: "Path of the socket" }).fill("/nonexistent.sock");
    await dialog.getByRole("button", { name: "Test", exact: true }).click();
    const result = dialog.getByRole("status", { name: "Test result" });
    await expect(result).toContainText("There is no socket at /nonexistent.sock");
    await eyes.check("host-test-failed");

    await dialog.getByRole("textbox", { name: "Path of the socket" }).fill(socket);
    await dialog.getByRole("button", { name: "Test again" }).click();
    await expect(result).toContainText("Containers may be listed");
    await expect(result).toContainText("the same engine as");
    await eyes.check("host-test-passed");

    // What is wrong with a field is said there.
    guard.expect(/answer 422/, /status of 422/);
    await dialog.getByRole("textbox", { name: "Name" }).fill("two words");
    await dialog.getByRole("button", { name: "Add host" }).click();
    await expect(dialog.getByText("a sign that it cannot start with")).toBeVisible();
    await dialog.getByRole("textbox", { name: "Name" }).fill("twin");
    await dialog.getByText("Tags, note and links").click();
    await dialog.getByRole("textbox", { name: "Tags" }).fill("attic, pi");
    await dialog.getByRole("button", { name: "Add host" }).click();
    await expect(dialog).toBeHidden();
    const card = page.getByRole("article", { name: "twin" });
    await expect(card).toContainText("Online");
    await expect(card).toContainText("The same engine as");
    await expect(card).toContainText("attic");
    await eyes.check("hosts-two");

    await card.getByRole("switch", { name: "Maintenance of twin" }).click();
    await expect(card).toContainText("In maintenance");
    await page.reload();
    await expect(card.getByRole("switch", { name: "Maintenance of twin" })).toBeChecked();
    await open(page, "/hosts");

    await choose(page, "twin", "Edit");
    const edit = page.getByRole("dialog", { name: "Edit twin" });
    await edit.getByText("Tags, note and links").click();
    await edit.getByRole("textbox", { name: "Note" }).fill("Under the roof.");
    await edit.getByRole("button", { name: "Save" }).click();
    await expect(edit).toBeHidden();
    await expect(card).toContainText("Under the roof.");

    await card.getByRole("link", { name: "twin", exact: true }).click();
    await expect(page.getByRole("heading", { name: "twin", level: 1 })).toBeVisible();
    await expect(page.getByRole("heading", { name: "Connection", exact: true })).toBeVisible();
    await expect(page.getByText("It answered.")).toBeVisible();
    // What is in use is measured while the page is open.
    const used = page.getByRole("region", { name: "In use" });
    await expect(used.getByText(/% of \d+ CPUs?/)).toBeVisible({ timeout: 45_000 });
    await expect(page.getByRole("heading", { name: "Events", exact: true })).toBeVisible();
    await eyes.check("host");

    await page.getByRole("button", { name: "Delete", exact: true }).click();
    const ask = page.getByRole("dialog", { name: "Delete twin?" });
    await expect(ask.getByRole("button", { name: "Delete host" })).toBeDisabled();
    await ask.getByRole("textbox").fill("twin");
    await eyes.check("host-delete");
    await ask.getByRole("button", { name: "Delete host" }).click();
    await expect(page).toHaveURL(/\/hosts$/);
    await expect(page.getByRole("article", { name: "twin" })).toBeHidden();
  } finally {
    const { items } = await stack.api("GET", "/hosts");
    for (const { id, name } of items) if (name === "twin") await stack.api("DELETE", `/hosts/${id}`);
    rmSync(dir, { recursive: true });
  }
});

test("every way to reach a host has its fields", async ({ page, eyes, guard }) => {
  await open(page, "/hosts");
  await page.getByRole("button", { name: "Add host" }).click();
  const dialog = page.getByRole("dialog", { name: "Add host" });
  await dialog.getByRole("radio", { name: "SSH" }).check();
  await expect(dialog.getByRole("textbox", { name: "Private key", exact: true })).toBeVisible();
  // The keys that another machine knows: a file without this host's is refused at its field.
  await dialog.getByRole("textbox", { name: "Name" }).fill("nas");
  await dialog.getByRole("textbox", { name: "User and address" }).fill("pi@127.0.0.1:1");
  await dialog.getByLabel("File of known_hosts (optional)").setInputFiles({
    name: "known_hosts",
    mimeType: "text/plain",
    buffer: Buffer.from("nas ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl\n"),
  });
  await expect(dialog.getByRole("textbox", { name: "known_hosts (optional)" })).toHaveValue(/^nas ssh-ed25519/);
  guard.expect(/answer 422/, /status of 422/);
  await dialog.getByRole("button", { name: "Add host" }).click();
  await expect(dialog.getByText("This file has no key of [127.0.0.1]:1.")).toBeVisible();
  await eyes.check("hosts-add-ssh");
  await dialog.getByRole("radio", { name: "Password" }).check();
  await expect(dialog.getByLabel("Password", { exact: true }).last()).toBeVisible();
  await dialog.getByRole("radio", { name: "TCP + TLS" }).check();
  await dialog.getByLabel("File of Client key (key.pem)").setInputFiles({
    name: "key.pem",
    mimeType: "application/x-pem-file",
    buffer: Buffer.from("-----BEGIN PRIVATE KEY-----\nZm9v\n-----END PRIVATE KEY-----\n"),
  });
  await expect(dialog.getByRole("textbox", { name: "Client key (key.pem)" })).toHaveValue(/BEGIN PRIVATE KEY/);
  await eyes.check("hosts-add-tls");
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  if (!isPhone(page)) await expect(page.getByRole("button", { name: "Add host" })).toBeFocused();
});
