// Signing in through a provider: set up on the page, tried out, used, linked, and refused with words.

import { Provider, runs } from "../support/provider.ts";
import { expect, hydrated, open, signedOut, test, type Page } from "../support/test.ts";

const HOME = "00000000-0000-7000-8000-000000000001";
const everybody = { sign_up: "auto_create", mappings: [{ value: "*", org_id: HOME, role: "operator" }] };

test.skip(!runs, "the provider for these tests needs Node 20.19 or newer");

let provider: Provider;

test.beforeEach(async () => {
  provider = await Provider.start();
});

test.afterEach(async ({ stack }) => {
  const { items } = await stack.api("GET", "/providers");
  for (const { id } of items) await stack.api("DELETE", `/providers/${id}`);
  await provider?.end();
});

const line = (page: Page, name: string) => page.getByRole("listitem").filter({ hasText: name });

test("an administrator adds a provider from a preset, tests it, changes and deletes it", async ({ page, eyes }) => {
  test.setTimeout(240_000);
  await open(page, "/settings/sign-in");
  await expect(page.getByText("No providers yet")).toBeVisible();
  await expect(page.getByRole("switch", { name: /Names and passwords/ })).toBeDisabled();
  await eyes.check("sign-in-empty");

  await page.getByRole("button", { name: "Add provider" }).click();
  const dialog = page.getByRole("dialog", { name: "Add provider" });
  await dialog.getByLabel("Kind").selectOption("Keycloak");
  await expect(dialog.getByText("Group Membership")).toBeVisible();
  await dialog.getByLabel("Name").fill("Otterhouse");
  await expect(dialog.getByLabel(/Callback address/)).toHaveValue(/\/auth\/otterhouse\/callback$/);
  await dialog.getByLabel("Issuer").fill("http://127.0.0.1:1");
  await dialog.getByLabel("Client id").fill("chrontainer");
  await dialog.getByLabel("Client secret").fill("of the test");
  await dialog.getByRole("button", { name: "Test" }).click();
  await expect(dialog.getByRole("status")).toContainText("cannot be reached");
  await dialog.getByLabel("Issuer").fill(provider.issuer);
  await dialog.getByRole("radio", { name: /Gets an account/ }).check();
  await dialog.getByRole("button", { name: "Add role" }).click();
  await dialog.getByLabel("Value").fill("otters");
  await dialog.getByRole("combobox", { name: "Role" }).selectOption("admin");
  await dialog.getByRole("button", { name: "Test again" }).click();
  await expect(dialog.getByRole("status")).toContainText("One key to check its signatures with.");
  await eyes.check("sign-in-form");
  await dialog.getByRole("button", { name: "Add provider" }).click();
  await expect(line(page, "Otterhouse")).toContainText("accounts are made");
  await eyes.check("sign-in-providers");

  await page.getByRole("button", { name: "Edit Otterhouse" }).click();
  const edit = page.getByRole("dialog", { name: "Edit Otterhouse" });
  await expect(edit.getByLabel("Client secret")).toHaveValue("");
  await expect(edit.getByLabel("Value")).toHaveValue("otters");
  await edit.getByLabel("Name").fill("Raft");
  await edit.getByRole("button", { name: "Save" }).click();
  await expect(line(page, "Raft")).toBeVisible();
  await page.getByRole("button", { name: "Delete Raft" }).click();
  await page.getByRole("dialog", { name: "Delete Raft?" }).getByRole("button", { name: "Delete" }).click();
  await expect(page.getByText("No providers yet")).toBeVisible();
});

test.describe("nobody is signed in", () => {
  test.use({ storageState: signedOut });

  test("somebody comes in with the provider's button, and is told why not", async ({ page, eyes, stack }) => {
    await stack.api("POST", "/providers", provider.draft());
    await page.goto("/schedules");
    await hydrated(page);
    const button = page.getByRole("link", { name: "Continue with Otterhouse" });
    await expect(button).toBeVisible();
    await eyes.check("sign-in-buttons");
    await button.click();
    await expect(page.getByRole("alert").filter({ hasText: "Your account is not invited." })).toBeVisible();
    expect(new URL(page.url()).search).toBe("?problem=not_invited");
    await hydrated(page);
    await eyes.check("sign-in-refused");

    const [{ id }] = (await stack.api("GET", "/providers")).items;
    await stack.api("PUT", `/providers/${id}`, provider.draft(everybody));
    await page.goto("/schedules");
    await hydrated(page);
    await page.getByRole("link", { name: "Continue with Otterhouse" }).click();
    await expect(page.getByRole("heading", { name: "Schedules", level: 1 })).toBeAttached();
    expect(new URL(page.url()).pathname).toBe("/schedules");
    const cookies = await page.context().cookies();
    expect(cookies.map(({ name, httpOnly, sameSite }) => ({ name, httpOnly, sameSite }))).toContainEqual({
      name: "chrontainer",
      httpOnly: true,
      sameSite: "Lax",
    });
    expect(cookies.some(({ name }) => name === "chrontainer-flow")).toBe(false);
    await open(page, "/settings");
    await expect(page.getByRole("region", { name: "Linked accounts" })).toContainText("ada@example.org");

    // Going back to the provider's answer does nothing a second time.
    provider.refuseOnce();
    await page.context().clearCookies();
    await page.goto("/sign-in");
    await hydrated(page);
    await page.getByRole("link", { name: "Continue with Otterhouse" }).click();
    await expect(page.getByRole("alert").filter({ hasText: "did not confirm" })).toBeVisible();
  });

  test("an invitation is taken up with the provider", async ({ page, eyes, stack }) => {
    await stack.api("POST", "/providers", provider.draft());
    provider.claims = { sub: "grace-1", preferred_username: "grace" };
    const { link } = await stack.api("POST", "/invitations", { role: "viewer" });
    await page.goto(link.path);
    await hydrated(page);
    await eyes.check("invite-buttons");
    await page.getByRole("link", { name: "Continue with Otterhouse" }).click();
    await expect(page.getByRole("heading", { name: "Fleet", level: 1 })).toBeAttached();
  });
});

test("one's own account is linked and unlinked, and passwords are switched off", async ({ page, eyes, stack, browser, guard }) => {
  test.setTimeout(240_000);
  provider.claims = { sub: "owner-1", email: "owner@example.org", email_verified: true };
  await stack.api("POST", "/providers", provider.draft());
  await open(page, "/settings/sign-in");
  const passwords = page.getByRole("switch", { name: /Names and passwords/ });
  guard.expect(/answer 409/, /status of 409/);
  await passwords.click();
  await expect(page.getByText("this would shut you out")).toBeVisible();
  await expect(passwords).toBeChecked();

  await open(page, "/settings");
  const linked = page.getByRole("region", { name: "Linked accounts" });
  await linked.getByRole("button", { name: "Link Otterhouse" }).click();
  await expect(linked).toContainText("owner@example.org");
  await hydrated(page);
  await eyes.check("settings-linked");

  await open(page, "/settings/sign-in");
  await passwords.click();
  await expect(passwords).not.toBeChecked();
  const context = await browser.newContext({ baseURL: stack.url, storageState: signedOut });
  guard.watch(context);
  const outside = await context.newPage();
  await outside.goto("/sign-in");
  await hydrated(outside);
  await expect(outside.getByRole("link", { name: "Continue with Otterhouse" })).toBeVisible();
  await expect(outside.getByLabel("Username")).toBeHidden();
  await outside.getByRole("link", { name: "Use a password" }).click();
  await expect(outside.getByLabel("Username")).toBeVisible();
  await context.close();
  await passwords.click();
  await expect(passwords).toBeChecked();

  await open(page, "/settings");
  await linked.getByRole("button", { name: /^Unlink Otterhouse/ }).click();
  await expect(linked).toContainText("Link an account that you have elsewhere");
});
