// Passkeys with Chromium's virtual authenticator: made, used after a password and alone, renamed, removed.

import { expect, hydrated, open, test, type Page } from "../support/test.ts";

const PASSWORD = "seven otters on a raft";

/** A device that holds passkeys and whose owner always touches it. */
async function device(page: Page) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return {
    /** Whether the next finger is the right one. */
    verifies: (isUserVerified: boolean) => cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified }),
    credentials: async () => (await cdp.send("WebAuthn.getCredentials", { authenticatorId })).credentials,
  };
}

test("a passkey signs in after a password and alone", async ({ page, eyes, guard, stack }, info) => {
  test.setTimeout(120_000);
  const name = `pat-${info.project.name}`;
  const { link } = await stack.api("POST", "/members", { name, role: "operator" });
  // Browsers have passkeys at a host with a name.
  const site = stack.url.replace("127.0.0.1", "localhost");
  const key = await device(page);
  await page.goto(site + link.path);
  await hydrated(page);
  await page.getByRole("textbox", { name: "New password" }).fill(PASSWORD);
  await page.getByRole("button", { name: "Save password" }).click();
  await page.waitForURL(/\/sign-in/);
  const signIn = async () => {
    await hydrated(page);
    await page.getByLabel("Username").fill(name);
    await page.getByRole("textbox", { name: "Password" }).fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
  };
  const inside = () => expect(page.getByRole("heading", { name: "Fleet", level: 1 })).toBeAttached();
  const out = async () => {
    // Away from here first: a page that finds its session gone goes to the sign-in page by itself.
    await page.goto("about:blank");
    await page.context().clearCookies();
    await page.goto(`${site}/sign-in`);
    await hydrated(page);
  };
  // Nobody has one yet, so there is no button.
  await hydrated(page);
  await expect(page.getByRole("button", { name: "Sign in with a passkey" })).toHaveCount(0);
  await signIn();
  await inside();

  await open(page, `${site}/settings`);
  await page.getByRole("button", { name: "Add a passkey" }).click();
  const making = page.getByRole("dialog", { name: "Add a passkey" });
  await making.getByLabel("Name").fill("Key ring");
  await eyes.check("passkey-make");
  await making.getByRole("button", { name: "Make passkey" }).click();
  await expect(making.getByRole("listitem")).toHaveCount(10);
  await eyes.check("passkey-codes");
  await making.getByRole("button", { name: "I have kept them" }).click();
  const mine = page.getByRole("list", { name: "Passkeys" }).getByRole("listitem");
  await expect(mine).toHaveCount(1);
  await expect(mine).toContainText("Key ring");
  await expect(mine).toContainText("For localhost");
  await expect(page.getByText("10 recovery codes are left")).toBeVisible();
  await eyes.check("passkeys");
  const [kept] = await key.credentials();
  expect(kept).toMatchObject({ isResidentCredential: true, rpId: "localhost" });

  // The same device is not asked for a second one.
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await making.getByRole("button", { name: "Make passkey" }).click();
  await expect(making.getByText("This device holds a passkey for your account already.")).toBeVisible();
  await making.getByRole("button", { name: "Cancel" }).click();

  // After the password.
  await out();
  await signIn();
  await page.waitForURL(/\/sign-in\/code/);
  await hydrated(page);
  await expect(page.getByText("Use a passkey, or type one of your recovery codes.")).toBeVisible();
  await eyes.check("passkey-step");
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await inside();

  // Alone, and only with the right finger.
  await out();
  await eyes.check("passkey-sign-in");
  await key.verifies(false);
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await expect(page.getByText("No passkey was given")).toBeVisible();
  await key.verifies(true);
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await inside();

  await open(page, `${site}/settings`);
  await page.getByRole("button", { name: "Rename Key ring" }).click();
  const renaming = page.getByRole("dialog", { name: "Rename the passkey" });
  await renaming.getByLabel("Name").fill("Desk");
  await renaming.getByRole("button", { name: "Save" }).click();
  await expect(mine).toContainText("Desk");
  await page.getByRole("button", { name: "Remove Desk" }).click();
  const removing = page.getByRole("dialog", { name: "Remove Desk?" });
  await eyes.check("passkey-remove");
  await removing.getByRole("button", { name: "Remove" }).click();
  await expect(mine).toHaveCount(0);

  // The device still has it, and it opens nothing: the password alone does again.
  await out();
  await signIn();
  await inside();
});

test("a page by address says why it has no passkeys", async ({ page }) => {
  await open(page, "/settings");
  await expect(page.getByText(/Browsers allow passkeys only at a host with a name/)).toBeVisible();
  await expect(page.getByRole("button", { name: "Add a passkey" })).toHaveCount(0);
});
