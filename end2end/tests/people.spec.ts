// People: an invitation taken up, a role changed, sessions ended, keys, teams and the audit log.

import { createHmac } from "node:crypto";
import { expect, hydrated, isPhone, open, test, type Page } from "../support/test.ts";

const PASSWORD = "seven otters on a raft";

/** The row of a member or a key. */
const line = (page: Page, name: string) => page.getByRole("row").filter({ hasText: name });

test("invite, accept, change the role, end the session", async ({ page, browser, guard, eyes, stack }, info) => {
  test.setTimeout(120_000);
  const name = `ada-${info.project.name}`;

  await open(page, "/");
  if (isPhone(page)) {
    await page.getByRole("button", { name: "More", exact: true }).click();
    await page.getByRole("dialog", { name: "More" }).getByRole("link", { name: "Settings" }).click();
  } else {
    await page.getByRole("navigation", { name: "Main", exact: true }).getByRole("link", { name: "Settings" }).click();
  }
  await expect(page.getByRole("heading", { name: "Profile", level: 1 })).toBeAttached();
  await expect(page.getByText("This browser", { exact: true })).toBeVisible();
  await eyes.check("settings-profile");

  await page.getByRole("navigation", { name: "Settings" }).getByRole("link", { name: "People" }).click();
  await expect(line(page, stack.user)).toContainText("You");
  await page.getByRole("button", { name: "Invite" }).click();
  const dialog = page.getByRole("dialog", { name: "Invite" });
  await dialog.getByRole("radio", { name: /Viewer/ }).check();
  await dialog.getByLabel("For whom").fill(`Ada on ${info.project.name}`);
  await eyes.check("people-invite");
  await dialog.getByRole("button", { name: "Make link" }).click();
  const link = await dialog.getByLabel("Link").inputValue();
  expect(link).toContain(`${stack.url}/invite?token=`);
  await eyes.check("people-invite-link");
  await dialog.getByRole("button", { name: "Done" }).click();
  await expect(page.getByText(`Ada on ${info.project.name}`)).toBeVisible();

  const context = await browser.newContext({ baseURL: stack.url, storageState: { cookies: [], origins: [] }, viewport: page.viewportSize() });
  guard.watch(context);
  const ada = await context.newPage();
  await ada.goto(link);
  await hydrated(ada);
  await expect(ada.getByRole("heading", { name: /^Join / })).toBeVisible();
  await ada.screenshot({ path: `screenshots/${info.project.name}/invite.png`, fullPage: true });
  await ada.getByLabel("Username").fill(name);
  await ada.getByRole("textbox", { name: "Password" }).fill("password123");
  guard.expect(/answer 422/, /status of 422/);
  await ada.getByRole("button", { name: "Create account and join" }).click();
  await expect(ada.getByRole("alert")).toContainText("among those that are tried first");
  await ada.getByRole("textbox", { name: "Password" }).fill(PASSWORD);
  await ada.getByRole("button", { name: "Create account and join" }).click();
  await expect(ada.getByRole("heading", { name: "Fleet", level: 1 })).toBeAttached();

  // A viewer sees the people and why nothing can be done about them.
  await open(ada, "/settings/people");
  await expect(ada.getByRole("button", { name: "Invite" })).toBeDisabled();
  await expect(ada.getByText("Needs role admin").first()).toBeVisible();
  await open(ada, "/");
  await expect(ada.locator('[data-act="first"]').first()).toBeDisabled();

  await open(page, "/settings/people");
  await expect(line(page, name)).toBeVisible();
  await eyes.check("people");
  guard.expect(/answer 401/, /status of 401/);
  await page.getByLabel(`Role of ${name}`).selectOption("operator");
  await expect(page.getByText(`${name} is an operator now`)).toBeVisible();
  // The change of rights has ended her session.
  await ada.goto("/schedules");
  await expect(ada).toHaveURL(/\/sign-in/);
  await ada.goto(`${stack.url}/sign-in`);
  await hydrated(ada);
  await ada.getByLabel("Username").fill(name);
  await ada.getByRole("textbox", { name: "Password" }).fill(PASSWORD);
  await ada.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(ada.getByRole("heading", { name: "Fleet", level: 1 })).toBeAttached();

  // Her address, which nobody has confirmed.
  await page.getByRole("button", { name: `More actions, ${name}`, exact: true }).click();
  await page.getByRole("menuitem", { name: "E-mail address" }).click();
  const emailing = page.getByRole("dialog", { name: `E-mail address of ${name}` });
  guard.expect(/answer 422/, /status of 422/);
  await emailing.getByLabel("E-mail address").fill("no address");
  await emailing.getByRole("button", { name: "Save" }).click();
  await expect(emailing.getByRole("alert")).toBeVisible();
  await emailing.getByLabel("E-mail address").fill(`${name}@example.org`);
  await eyes.check("people-email");
  await emailing.getByRole("button", { name: "Save" }).click();
  await expect(line(page, name)).toContainText(`${name}@example.org, not confirmed`);

  await page.getByRole("button", { name: `More actions, ${name}`, exact: true }).click();
  await page.getByRole("menuitem", { name: "Link for a new password" }).click();
  const reset = await page.getByRole("dialog", { name: `A new password for ${name}` }).getByLabel("Link").inputValue();
  await page.getByRole("button", { name: "Done" }).click();
  await ada.goto(reset);
  await hydrated(ada);
  await expect(ada.getByRole("heading", { name: `A new password for ${name}` })).toBeVisible();
  await ada.screenshot({ path: `screenshots/${info.project.name}/reset.png`, fullPage: true });

  await page.getByRole("button", { name: `More actions, ${name}`, exact: true }).click();
  await page.getByRole("menuitem", { name: "Remove" }).click();
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await expect(line(page, name)).toBeHidden();
  await context.close();
});

test("an API key is shown once", async ({ page, eyes, stack }, info) => {
  const name = `script ${info.project.name}`;
  await open(page, "/settings/keys");
  await page.getByRole("button", { name: "New key" }).first().click();
  const dialog = page.getByRole("dialog", { name: "New API key" });
  await dialog.getByLabel("Name").fill(name);
  await eyes.check("keys-new");
  await dialog.getByRole("button", { name: "Make key" }).click();
  const key = await dialog.getByLabel("Key", { exact: true }).inputValue();
  expect(key).toMatch(/^chk_/);
  await dialog.getByRole("button", { name: "Done" }).click();
  const ask = (method: string, path: string) =>
    page.request.fetch(`${stack.url}/api/v1${path}`, { method, headers: { authorization: `Bearer ${key}` }, data: {} });
  expect((await ask("GET", "/hosts")).status()).toBe(200);
  expect((await ask("POST", "/hosts")).status()).toBe(403);
  await open(page, "/settings/keys");
  await expect(line(page, name)).toContainText("Read");
  await eyes.check("keys");
  await page.getByRole("button", { name: `Revoke ${name}` }).click();
  await page.getByRole("button", { name: "Revoke key" }).click();
  await expect(line(page, name)).toBeHidden();
  expect((await ask("GET", "/hosts")).status()).toBe(401);
});

test("teams, the organisation and the audit log", async ({ page, eyes, stack }, info) => {
  const team = `media ${info.project.name}`;
  await open(page, "/settings/teams");
  await page.getByRole("button", { name: "New team" }).first().click();
  const dialog = page.getByRole("dialog", { name: "New team" });
  await dialog.getByLabel("Name").fill(team);
  await dialog.getByRole("checkbox", { name: stack.user }).check();
  await dialog.getByRole("button", { name: "Save team" }).click();
  await expect(page.getByText(team, { exact: true })).toBeVisible();
  await page.getByRole("button", { name: "Grant a role" }).click();
  const grant = page.getByRole("dialog", { name: "Grant a role on some containers" });
  await grant.getByLabel("To", { exact: true }).selectOption({ label: `Team ${team}` });
  await grant.getByLabel("On these containers").fill("stack:shop");
  await eyes.check("teams-grant");
  await grant.getByRole("button", { name: "Grant role" }).click();
  await expect(page.getByText("stack:shop").first()).toBeVisible();
  await eyes.check("teams");
  await page.getByRole("button", { name: `Delete ${team}` }).click();
  await expect(page.getByText(team, { exact: true })).toHaveCount(0);

  await open(page, "/settings/organisation");
  await expect(page.getByRole("heading", { name: "Your organisations" })).toBeVisible();
  await eyes.check("organisation");

  await open(page, "/settings/audit");
  await expect(page.getByText("deleted the team").first()).toBeVisible();
  await page.getByText("What changed").first().click();
  await eyes.check("audit");
  await page.getByLabel("From").fill("2999-01-01");
  await expect(page.getByText("Nothing fits")).toBeVisible();
  await page.getByLabel("From").fill("");
  await page.getByLabel("About").selectOption("session");
  await expect(page.getByText("signed in").first()).toBeVisible();
  await expect(page).toHaveURL(/kind=session/);
  const csv = await page.request.get(`${stack.url}/api/v1/audit/export?format=csv`);
  expect(await csv.text()).toContain("session.begin");
});

test("names are text, whatever they hold", async ({ page, stack }) => {
  const evil = `<img src=x onerror="document.documentElement.dataset.owned=1">`;
  const invited = await stack.api("POST", "/invitations", { role: "viewer", note: evil });
  const schedule = await stack.schedule({ name: evil });
  const team = await stack.api("POST", "/teams", { name: evil });
  // A key makes no other, so the session does.
  const made = await page.request.post("/api/v1/api-keys", { data: { name: evil, scope: "read" }, headers: { origin: stack.url } });
  expect(made.status(), await made.text()).toBe(201);
  const key = await made.json();
  for (const path of ["/settings/people", "/settings/teams", "/settings/keys", "/settings/audit", "/schedules", `/schedules/${schedule.id}`]) {
    await open(page, path);
    await expect(page.locator("html")).not.toHaveAttribute("data-owned");
    await expect(page.locator("main img")).toHaveCount(0);
  }
  await open(page, "/settings/people");
  await expect(page.getByText(evil).filter({ visible: true }).first()).toBeVisible();
  await stack.api("DELETE", `/invitations/${invited.invitation.id}`);
  await stack.api("DELETE", `/schedules/${schedule.id}`);
  await stack.api("DELETE", `/teams/${team.id}`);
  await stack.api("DELETE", `/api-keys/${key.key.id}`);
});

test("what containers are called and say is text", async ({ page, stack }, info) => {
  const evil = `<img src=x onerror="document.documentElement.dataset.owned=1">`;
  const name = `odd-${info.project.name}`;
  await stack.say(`worded ${name} com.docker.compose.project ${evil}`);
  const container = await stack.container(name);
  expect(container.stack).toBe(evil);
  await stack.api("PUT", `/containers/${container.id}/note`, { note: evil });
  const schedule = await stack.schedule({
    name: `says ${info.project.name}`,
    steps: [{ action: { type: "exec", command: ["echo", evil] }, target: `name:${name}` }],
  });
  const run = await stack.api("POST", `/schedules/${schedule.id}/run?wait=60s`);
  for (const path of [`/?q=name:${name}&group=stack`, `/containers/${container.id}`, `/runs/${run.id}`, "/activity"]) {
    await open(page, path);
    await expect(page.locator("html")).not.toHaveAttribute("data-owned");
    await expect(page.locator("main img")).toHaveCount(0);
  }
  await open(page, `/runs/${run.id}`);
  await expect(page.getByText(evil).filter({ visible: true }).first()).toBeVisible();
  // The audit log tells of the command.
  const told = await stack.api("GET", `/audit?object_kind=container&object_id=${container.id}&action=container.exec`);
  expect(told.items[0]).toMatchObject({ action: "container.exec", via: "run", after: { run: run.id } });
  await stack.api("DELETE", `/schedules/${schedule.id}`);
  await stack.say(`remove ${name}`);
});

test("a schedule is shared with a team, a view is seen by its members", async ({ page, browser, guard, eyes, stack }, info) => {
  test.setTimeout(120_000);
  const mate = `mate-${info.project.name}`;
  const { member, link } = await stack.api("POST", "/members", { name: mate, role: "viewer" });
  const team = await stack.api("POST", "/teams", { name: `crew ${info.project.name}` });
  await stack.api("PATCH", `/teams/${team.id}`, { members: [member.id] });
  const schedule = await stack.schedule({ name: `shared ${info.project.name}` });
  const other = await stack.schedule({ name: `own ${info.project.name}` });

  const context = await browser.newContext({ baseURL: stack.url, storageState: { cookies: [], origins: [] }, viewport: page.viewportSize() });
  guard.watch(context);
  const theirs = await context.newPage();
  await theirs.goto(link.path);
  await hydrated(theirs);
  await theirs.getByRole("textbox", { name: "New password" }).fill(PASSWORD);
  await theirs.getByRole("button", { name: "Save password" }).click();
  await theirs.waitForURL(/\/sign-in/);
  await hydrated(theirs);
  await theirs.getByLabel("Username").fill(mate);
  await theirs.getByRole("textbox", { name: "Password" }).fill(PASSWORD);
  await theirs.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(theirs.getByRole("heading", { name: "Fleet", level: 1 })).toBeAttached();
  await open(theirs, "/schedules");
  await expect(theirs.getByRole("switch", { name: `${schedule.name}, active` })).toBeDisabled();

  await open(page, "/schedules");
  await page.getByRole("button", { name: `More actions, ${schedule.name}`, exact: true }).click();
  await page.getByRole("menuitem", { name: "Share with a team" }).click();
  const dialog = page.getByRole("dialog", { name: `Share ${schedule.name} with a team` });
  await expect(dialog.getByText("It is shared with no team.")).toBeVisible();
  await dialog.getByLabel("Share with").selectOption({ label: team.name });
  await dialog.getByRole("button", { name: "Share", exact: true }).click();
  await expect(dialog.getByRole("listitem").filter({ hasText: team.name })).toBeVisible();
  await eyes.check("share");
  await dialog.getByRole("button", { name: "Done" }).click();
  await open(page, "/settings/teams");
  await expect(page.getByRole("region", { name: "Shared with teams" })).toContainText(schedule.name);
  await eyes.check("teams-shared");

  await open(theirs, "/schedules");
  await expect(theirs.getByRole("switch", { name: `${other.name}, active` })).toBeDisabled();
  await theirs.getByRole("switch", { name: `${schedule.name}, active` }).click();
  await expect(theirs.getByText(`Paused ${schedule.name}`)).toBeVisible();
  await theirs.getByRole("button", { name: `More actions, ${schedule.name}`, exact: true }).click();
  await expect(theirs.getByRole("menuitem", { name: /^Delete/ })).toBeDisabled();
  await expect(theirs.getByRole("menuitem", { name: /^Delete/ })).toContainText("Needs role operator");
  await context.close();
  await stack.api("DELETE", `/schedules/${schedule.id}`);
  await stack.api("DELETE", `/schedules/${other.id}`);
  await stack.api("DELETE", `/teams/${team.id}`);
  await stack.api("DELETE", `/members/${member.id}`);
});

test("a server administrator sees every organisation from outside", async ({ page, eyes, stack }, info) => {
  const name = `Elsewhere ${info.project.name}`;
  await open(page, "/settings/organisations");
  await page.getByRole("button", { name: "New organisation" }).click();
  const making = page.getByRole("dialog", { name: "New organisation" });
  await making.getByLabel("Name").fill(name);
  await making.getByRole("button", { name: "Make organisation" }).click();
  const line = page.getByRole("listitem").filter({ hasText: name });
  await expect(line).toContainText("1 member, owned by");
  await expect(line).toContainText("You are an owner");
  await eyes.check("organisations");
  await line.getByRole("button", { name: `Rename ${name}` }).click();
  const renaming = page.getByRole("dialog", { name: `Rename ${name}` });
  await renaming.getByLabel("Name").fill(`${name} and beyond`);
  await renaming.getByRole("button", { name: "Save name" }).click();
  await expect(page.getByRole("listitem").filter({ hasText: `${name} and beyond` })).toBeVisible();
});

/** What an authenticator app shows for a secret, `ahead` steps from now (RFC 6238). */
function shown(secret: string, ahead = 0) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret.replaceAll(" ", "")].map((letter) => letters.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g)!.map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const hash = createHmac("sha1", key).update(counter).digest();
  const offset = hash[19] & 15;
  return String((hash.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

test("a second factor asks for a code", async ({ page, eyes, guard, stack }, info) => {
  const name = `grace-${info.project.name}`;
  const { link } = await stack.api("POST", "/members", { name, role: "operator" });
  await page.context().clearCookies();
  await page.goto(link.path);
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
  await signIn();
  await expect(page.getByRole("heading", { name: "Fleet", level: 1 })).toBeAttached();

  await open(page, "/settings");
  await page.getByRole("button", { name: "Set up" }).click();
  const dialog = page.getByRole("dialog", { name: "Set up an authenticator app" });
  const secret = await dialog.getByLabel("Secret").inputValue();
  await eyes.check("second-factor-setup");
  await dialog.getByLabel("Code that the app shows").fill(shown(secret));
  await dialog.getByRole("button", { name: "Turn on" }).click();
  await expect(dialog.getByRole("listitem")).toHaveCount(10);
  const recovery = await dialog.getByRole("listitem").first().innerText();
  await eyes.check("second-factor-codes");
  await dialog.getByRole("button", { name: "I have kept them" }).click();
  await expect(page.getByText("10 recovery codes are left")).toBeVisible();
  await eyes.check("second-factor-on");

  await page.context().clearCookies();
  guard.expect(/answer 401/, /status of 401/, /answer 422/, /status of 422/);
  await page.goto("/sign-in");
  await signIn();
  await page.waitForURL(/\/sign-in\/code/);
  await hydrated(page);
  await eyes.check("second-factor-code");
  await page.getByLabel("Code").fill("000000");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByRole("alert")).toContainText("That code is not right");
  await page.getByLabel("Code").fill(recovery);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Fleet", level: 1 })).toBeAttached();
});
