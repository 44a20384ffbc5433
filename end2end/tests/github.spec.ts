// GitHub's way in Chromium, with a stand-in of its shape: tried out without signing anybody in, then used.

import { GitHub } from "../support/github.ts";
import { expect, hydrated, open, signedOut, test } from "../support/test.ts";

const HOME = "00000000-0000-7000-8000-000000000001";

let github: GitHub;

test.beforeEach(async ({}, info) => {
  github = await GitHub.start();
  // Each project's person is another one.
  github.id = 4711 + info.project.name.length * 131 + info.parallelIndex;
  github.login = `octo-${info.project.name}`;
});

test.afterEach(async ({ stack }) => {
  const { items } = await stack.api("GET", "/providers");
  for (const { id } of items) await stack.api("DELETE", `/providers/${id}`);
  await github.end();
});

test("a round trip tells what a sign-in would do, and does nothing", async ({ page, eyes, stack }) => {
  // It is switched off, so nobody finds it on the sign-in page.
  await stack.api("POST", "/providers", github.draft({ enabled: false }));
  await open(page, "/settings/sign-in");
  await page.getByRole("button", { name: "Try signing in through Octohouse" }).click();
  const card = page.getByRole("region", { name: "Octohouse would not let you in" });
  await expect(card).toContainText(`Octohouse says that you are ${github.login}`);
  await expect(card).toContainText("Your account is not invited.");
  expect(new URL(page.url()).pathname).toBe("/settings/sign-in");
  await hydrated(page);
  await eyes.check("sign-in-tried");

  const [{ id }] = (await stack.api("GET", "/providers")).items;
  const mappings = [{ value: "acme/ops", org_id: HOME, role: "operator" }];
  await stack.api("PUT", `/providers/${id}`, github.draft({ enabled: false, sign_up: "auto_create", mappings }));
  await open(page, "/settings/sign-in");
  await page.getByRole("button", { name: "Try signing in through Octohouse" }).click();
  await expect(page.getByRole("region", { name: "Octohouse would let you in" })).toContainText("You would be operator in");
  // Nobody came of it, and whoever asked is who they were.
  const members = await stack.api("GET", "/members");
  expect(members.items.map(({ name }: { name: string }) => name)).not.toContain(github.login);
  await open(page, "/settings");
  await expect(page.getByText(stack.user, { exact: true }).first()).toBeVisible();
});

test.describe("nobody is signed in", () => {
  test.use({ storageState: signedOut });

  test("somebody of the right team comes in", async ({ page, stack }) => {
    const mappings = [{ value: "acme/ops", org_id: HOME, role: "operator" }];
    await stack.api("POST", "/providers", github.draft({ sign_up: "auto_create", mappings }));
    await page.goto("/sign-in");
    await hydrated(page);
    await page.getByRole("link", { name: "Continue with Octohouse" }).click();
    await expect(page.getByRole("heading", { name: "Fleet", level: 1 })).toBeAttached();
    await open(page, "/settings");
    await expect(page.getByRole("region", { name: "Linked accounts" })).toContainText(github.login);

    // Another one, whose team is not named, is told so.
    github.id += 1;
    github.teams = [];
    await page.context().clearCookies();
    await page.goto("/sign-in");
    await hydrated(page);
    await page.getByRole("link", { name: "Continue with Octohouse" }).click();
    await expect(page.getByRole("alert").filter({ hasText: "Your account is not invited." })).toBeVisible();
  });
});
