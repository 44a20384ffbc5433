// Hosts on other machines: SSH with its host key, TLS with uploaded PEMs, a known_hosts file, an exported docker context.

import { expect, open, test, type Page } from "../support/test.ts";

type Ssh = { address: string; fingerprint: string; known_hosts: string; private_key: string; password: string };
type Tls = { url: string; address: string; ca: string; other_ca: string; cert: string; key: string };

const added = ["attic", "cellar", "rack", "carried"];

test.afterEach(async ({ stack }) => {
  const { items } = await stack.api("GET", "/hosts");
  for (const { id, name } of items) if (added.includes(name)) await stack.api("DELETE", `/hosts/${id}`);
  await stack.say("ssh stop");
  await stack.say("tls stop");
});

async function addHost(page: Page, transport: string, name: string) {
  await open(page, "/hosts");
  await page.getByRole("button", { name: "Add host" }).click();
  const dialog = page.getByRole("dialog", { name: "Add host" });
  await dialog.getByRole("radio", { name: transport }).check();
  await dialog.getByRole("textbox", { name: "Name" }).fill(name);
  return dialog;
}

/** A file as people choose it. */
const file = (name: string, text: string) => ({ name, mimeType: "application/octet-stream", buffer: Buffer.from(text) });

test("an SSH host's key is compared and pinned, and another one is refused", async ({ page, stack, eyes, guard }) => {
  test.setTimeout(120_000);
  const ssh = (await stack.say("ssh start")) as unknown as Ssh;
  const dialog = await addHost(page, "SSH", "attic");
  await dialog.getByRole("textbox", { name: "User and address" }).fill(ssh.address);
  await dialog.getByLabel("File of Private key", { exact: true }).setInputFiles(file("id_ed25519", ssh.private_key));
  await expect(dialog.getByRole("textbox", { name: "Private key", exact: true })).toHaveValue(/BEGIN OPENSSH PRIVATE KEY/);

  // Nobody has confirmed the key: it is shown, and nothing is saved.
  guard.expect(/answer 409/, /status of 409/);
  await dialog.getByRole("button", { name: "Add host" }).click();
  const result = dialog.getByRole("status", { name: "Test result" });
  await expect(result.getByText(ssh.fingerprint, { exact: true })).toBeVisible();
  await expect(dialog.getByText("Compare and pin the key to finish")).toBeVisible();
  expect((await stack.api("GET", "/hosts")).items.map((host: { name: string }) => host.name)).not.toContain("attic");
  await eyes.check("host-ssh-key");
  await dialog.getByRole("button", { name: "It is the same, pin it" }).click();
  await expect(result).toContainText("Containers may be listed", { timeout: 20_000 });
  await dialog.getByRole("button", { name: "Add host" }).click();
  await expect(dialog).toBeHidden();
  const card = page.getByRole("article", { name: "attic" });
  await expect(card).toContainText("Online", { timeout: 20_000 });
  // It is the stack's own engine, which Chrontainer notices.
  await expect(card).toContainText("The same engine as");

  // The machine was reinstalled, or is another one: both keys are shown, and it is not signed in to.
  const other = (await stack.say("ssh new-key")) as unknown as Ssh;
  expect(other.fingerprint).not.toBe(ssh.fingerprint);
  await expect(card).toContainText("Offline", { timeout: 45_000 });
  await expect(card.getByText(ssh.fingerprint, { exact: true })).toBeVisible({ timeout: 20_000 });
  await expect(card.getByText(other.fingerprint, { exact: true })).toBeVisible();
  await eyes.check("host-ssh-changed");
  await card.getByRole("button", { name: "It was reinstalled, pin the new key" }).click();
  await expect(card).toContainText("Online", { timeout: 30_000 });
  await expect(card.getByText(other.fingerprint, { exact: true })).toBeHidden();
});

test("a password that is refused is said, and a known_hosts file spares the comparing", async ({ page, stack }) => {
  test.setTimeout(90_000);
  const ssh = (await stack.say("ssh start")) as unknown as Ssh;
  const dialog = await addHost(page, "SSH", "cellar");
  await dialog.getByRole("textbox", { name: "User and address" }).fill(ssh.address);
  await dialog.getByRole("radio", { name: "Password" }).check();
  await dialog.getByLabel("File of known_hosts (optional)").setInputFiles(file("known_hosts", ssh.known_hosts));
  // Hashed names, as OpenSSH writes them.
  await expect(dialog.getByRole("textbox", { name: "known_hosts (optional)" })).toHaveValue(/^\|1\|/);
  await dialog.getByLabel("Password", { exact: true }).last().fill("not this one");
  await dialog.getByRole("button", { name: "Test", exact: true }).click();
  const result = dialog.getByRole("status", { name: "Test result" });
  await expect(result).toContainText(/refused the password/i, { timeout: 20_000 });
  await expect(result.getByRole("button", { name: "pin it" })).toHaveCount(0);

  await dialog.getByLabel("Password", { exact: true }).last().fill(ssh.password);
  await dialog.getByRole("button", { name: "Test again" }).click();
  await expect(result).toContainText("Containers may be listed", { timeout: 20_000 });
  await dialog.getByRole("button", { name: "Add host" }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("article", { name: "cellar" })).toContainText("Online", { timeout: 20_000 });
  const { items } = await stack.api("GET", "/hosts");
  const { ssh: stored } = items.find((host: { name: string }) => host.name === "cellar");
  expect(stored.fingerprint).toBe(ssh.fingerprint);
  expect(stored.has_password).toBe(true);
});

test("a host behind TLS trusts the uploaded CA alone", async ({ page, stack, eyes }) => {
  test.setTimeout(90_000);
  const tls = (await stack.say("tls start")) as unknown as Tls;
  const dialog = await addHost(page, "TCP + TLS", "rack");
  await dialog.getByRole("textbox", { name: "Address and port" }).fill(tls.address);
  const choose = (label: string, name: string, text: string) => dialog.getByLabel(`File of ${label}`).setInputFiles(file(name, text));
  await choose("Client certificate (cert.pem)", "cert.pem", tls.cert);
  await choose("Client key (key.pem)", "key.pem", tls.key);
  await choose("Certificate of the CA (ca.pem)", "ca.pem", tls.other_ca);
  await dialog.getByRole("button", { name: "Test", exact: true }).click();
  const result = dialog.getByRole("status", { name: "Test result" });
  await expect(result.locator('li[data-state="failed"]')).toContainText("CA", { timeout: 20_000 });
  await eyes.check("host-tls-wrong-ca");

  await choose("Certificate of the CA (ca.pem)", "ca.pem", tls.ca);
  await expect(dialog.getByRole("textbox", { name: "Certificate of the CA (ca.pem)" })).toHaveValue(tls.ca.trimEnd() + "\n");
  await dialog.getByRole("button", { name: "Test again" }).click();
  await expect(result).toContainText("Containers may be listed", { timeout: 20_000 });
  await dialog.getByRole("button", { name: "Add host" }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("article", { name: "rack" })).toContainText("Online", { timeout: 20_000 });
});

test("an exported docker context becomes a host", async ({ page, stack, eyes, guard }) => {
  test.setTimeout(90_000);
  const tls = (await stack.say("tls start")) as unknown as Tls;
  await open(page, "/hosts");
  await page.getByRole("button", { name: "Import" }).click();
  const dialog = page.getByRole("dialog", { name: "Add from docker contexts" });
  const chosen = dialog.getByLabel("Export of a docker context");
  guard.expect(/answer 422/, /status of 422/);
  await chosen.setInputFiles(file("attic.dockercontext", "no tar at all"));
  await expect(dialog.getByText(/This is no export of a docker context/)).toBeVisible();

  const meta = {
    Name: "carried",
    Metadata: { Description: "From the old laptop" },
    Endpoints: { docker: { Host: tls.url, SkipTLSVerify: false } },
  };
  const tar = tarOf({
    "meta.json": JSON.stringify(meta),
    "tls/docker/ca.pem": tls.ca,
    "tls/docker/cert.pem": tls.cert,
    "tls/docker/key.pem": tls.key,
  });
  await chosen.setInputFiles({ name: "carried.dockercontext", mimeType: "application/x-tar", buffer: tar });
  await expect(dialog.getByText("From the old laptop")).toBeVisible();
  await expect(dialog.getByText(tls.url)).toBeVisible();
  await dialog.getByRole("checkbox", { name: "Add carried" }).check();
  await eyes.check("hosts-import");
  await dialog.getByRole("button", { name: "Add host" }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("article", { name: "carried" })).toContainText("Online", { timeout: 20_000 });
});

/** A tar of plain files, as `docker context export` writes it (POSIX ustar). */
function tarOf(files: Record<string, string>): Buffer {
  const blocks: Buffer[] = [];
  for (const [name, text] of Object.entries(files)) {
    const body = Buffer.from(text);
    const head = Buffer.alloc(512);
    head.write(name, 0, 100);
    head.write("0000644\0", 100);
    head.write("0000000\0", 108);
    head.write("0000000\0", 116);
    head.write(`${body.length.toString(8).padStart(11, "0")}\0`, 124);
    head.write("00000000000\0", 136);
    head.write("        ", 148);
    head.write("0", 156);
    head.write("ustar\x0000", 257, "latin1");
    const sum = head.reduce((all, byte) => all + byte, 0);
    head.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    blocks.push(head, body, Buffer.alloc((512 - (body.length % 512)) % 512));
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}
