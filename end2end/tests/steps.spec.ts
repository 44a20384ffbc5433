// The chain of steps: built by keyboard, opened again unchanged, run against the engine. Guards, secrets and blackouts
// beside it.

import { expect, hydrated, isPhone, open, row, test, type Page } from "../support/test.ts";

/** The card of a step. */
const step = (page: Page, number: number) => page.getByRole("group", { name: new RegExp(`^Step ${number},`) });

/** Chooses from a closed list as a keyboard does. */
async function type(page: Page, word: string) {
  await page.keyboard.type(word);
}

async function clear(stack: any) {
  for (const { id } of (await stack.api("GET", "/schedules")).items) await stack.api("DELETE", `/schedules/${id}`);
}

test("a chain with a branch for failures, by keyboard alone", async ({ page, stack, eyes }) => {
  test.setTimeout(120_000);
  await open(page, "/schedules/new?target=name:db&name=Staged");
  const said = page.getByRole("status");

  await test.step("stop, run a command, start", async () => {
    await page.getByLabel("Action").focus();
    await type(page, "Stop");
    await expect(page.getByLabel("Action")).toHaveValue("stop");
    await page.getByLabel("Time to stop").fill("1s");
    await page.getByRole("button", { name: "Add a step", exact: true }).press("Enter");
    await expect(step(page, 2).getByLabel("Action")).toBeFocused();
    await type(page, "Run a com");
    await expect(step(page, 2).getByLabel("Action")).toHaveValue("exec");
    await step(page, 2).getByRole("textbox", { name: "Command" }).focus();
    await page.keyboard.type("echo 'hello there' {{ target.name }}");
    await step(page, 2).getByRole("textbox", { name: "Containers" }).fill("name:notes");
    await expect(step(page, 2)).toContainText("1 container on 1 host now");
    // What the failure is for comes first, and is moved to the end below.
    await page.getByRole("button", { name: "Add a step for failures" }).press("Enter");
    await expect(step(page, 3).getByLabel("Action")).toBeFocused();
    await step(page, 3).getByRole("textbox", { name: "Containers" }).fill("name:db");
    await page.getByRole("button", { name: "Add a step", exact: true }).press("Enter");
    await expect(step(page, 4).getByLabel("Action")).toBeFocused();
    await type(page, "Start");
    await expect(step(page, 4).getByRole("textbox", { name: "Containers" })).toHaveValue("name:db");
  });

  await test.step("moving is said aloud and keeps the focus", async () => {
    const grip = page.getByRole("button", { name: "Move step 4, Start, with the arrow keys" });
    await grip.focus();
    await page.keyboard.press("ArrowUp");
    await expect(said.filter({ hasText: "Start, now step 3 of 4" })).toBeAttached();
    await expect(page.getByRole("button", { name: "Move step 3, Start, with the arrow keys" })).toBeFocused();
    // Without a pause, as a key that is held down.
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("ArrowDown");
    await expect(said.filter({ hasText: "Start, now step 3 of 4" })).toBeAttached();
  });

  await test.step("its own time limit, behind More", async () => {
    const card = step(page, 3);
    if (!(await card.isVisible())) await page.locator(".step-title").nth(2).press("Enter");
    await card.getByText("More", { exact: false }).first().press("Enter");
    await card.getByLabel("Time limit").fill("20s");
    await expect(card.getByText("at most 20s")).toBeVisible();
  });

  await eyes.check("steps-new");
  await page.keyboard.press("Control+s");
  await expect(page).toHaveURL(/\/schedules$/);
  await expect(row(page, "Staged")).toBeVisible();

  const made = (await stack.api("GET", "/schedules")).items.find((schedule: any) => schedule.name === "Staged");
  expect(made.steps.map((made: any) => [made.action.type, made.when ?? "success", made.timeout])).toEqual([
    ["stop", "success", undefined],
    ["exec", "success", undefined],
    ["start", "success", "20s"],
    ["start", "failure", undefined],
  ]);
  expect(made.steps[1].action.command).toEqual(["echo", "hello there", "{{ target.name }}"]);

  await test.step("opened again, nothing has changed", async () => {
    await open(page, `/schedules/${made.id}`);
    await expect(page.getByRole("list", { name: "Steps" }).locator(".step-head")).toHaveCount(4);
    await expect(page.getByRole("button", { name: "Save schedule" })).toBeDisabled();
    await eyes.check("steps-edit");
    await page.getByRole("textbox", { name: "Name", exact: true }).fill("Staged again");
    await page.getByRole("button", { name: "Save schedule" }).click();
    await expect(page.getByText(/^Saved Staged again/)).toBeVisible();
    const again = await stack.api("GET", `/schedules/${made.id}`);
    expect(again.steps).toEqual(made.steps);
  });

  await test.step("it runs, and each step says how it went", async () => {
    const run = await stack.run(made);
    expect(run.status).toBe("succeeded");
    expect(run.steps.map((step: any) => step.status)).toEqual(["succeeded", "succeeded", "succeeded", "skipped"]);
    expect((await stack.inspect("db")).state).toBe("running");
    await open(page, `/runs/${run.id}`);
    const steps = page.getByRole("region", { name: "Steps" });
    await expect(steps).toContainText("Run a command");
    await expect(page.getByRole("log")).toContainText("hello there notes");
  });

  await test.step("after a failure only its branch is done", async () => {
    await open(page, `/schedules/${made.id}`);
    await page.locator(".step-title").nth(1).press("Enter");
    await step(page, 2).getByRole("textbox", { name: "Command" }).fill("false");
    await page.keyboard.press("Control+s");
    await expect(page.getByText(/^Saved Staged again/)).toBeVisible();
    const run = await stack.run(made);
    expect(run.steps.map((step: any) => step.status)).toEqual(["succeeded", "failed", "skipped", "succeeded"]);
    expect((await stack.inspect("db")).state).toBe("running");
  });
  await clear(stack);
});

test("a chain by pointer: drag, duplicate, remove, undo", async ({ page, stack }) => {
  const { id } = await stack.schedule({ name: "By pointer", steps: [
    { name: "one", action: { type: "noop" } },
    { name: "two", action: { type: "noop" } },
    { name: "three", action: { type: "noop" } },
  ] });
  await open(page, `/schedules/${id}`);
  const titles = page.locator(".step-title .strong");
  const order = () => titles.allInnerTexts().then((all) => all.map((text) => text.replace(/^\d+\s+/, "")));
  await expect.poll(order).toEqual(["one", "two", "three"]);
  const grip = page.locator(".step-head .grip");
  await page.locator(".chain").evaluate((chain) => chain.scrollIntoView({ block: "center" }));
  const [from, to] = [await grip.nth(0).boundingBox(), await grip.nth(2).boundingBox()];
  await page.mouse.move(from!.x + 8, from!.y + 8);
  await page.mouse.down();
  await page.mouse.move(from!.x + 8, to!.y + 10, { steps: 4 });
  await page.mouse.move(from!.x + 8, to!.y + to!.height + 14, { steps: 4 });
  await expect(page.locator(".step-card[data-drop]")).toHaveCount(1);
  await page.mouse.up();
  await expect.poll(order).toEqual(["two", "three", "one"]);

  await page.getByRole("button", { name: "More actions, step 1, two", exact: true }).click();
  await page.getByRole("menuitem", { name: "Duplicate", exact: true }).click();
  await expect.poll(order).toEqual(["two", "two", "three", "one"]);
  await page.getByRole("button", { name: "More actions, step 3, three", exact: true }).click();
  await page.getByRole("menuitem", { name: "Remove", exact: true }).click();
  await expect.poll(order).toEqual(["two", "two", "one"]);
  await page.getByRole("button", { name: "Undo" }).click();
  await expect.poll(order).toEqual(["two", "two", "three", "one"]);
  await stack.api("DELETE", `/schedules/${id}`);
});

test("what the server refuses stands at its field of its step", async ({ page, stack, guard, eyes }) => {
  guard.expect(/answer 422/, /status of 422/);
  await open(page, "/schedules/new?target=name:notes&name=Refused");
  await page.getByRole("button", { name: "Add a step", exact: true }).click();
  await step(page, 2).getByLabel("Action").selectOption("exec");
  await step(page, 2).getByRole("textbox", { name: "Command" }).fill("echo 'ä {{ targt.name }}'");
  // A card that is closed opens for what is wrong inside.
  await page.locator(".step-title").nth(1).click();
  await page.getByRole("button", { name: "Create schedule" }).click();
  const command = step(page, 2).getByRole("textbox", { name: "Command" });
  await expect(command).toBeFocused();
  await expect(command).toHaveAccessibleDescription(/There is no variable targt\.name/);
  await expect(step(page, 2).locator("mark")).toHaveText("targt.name");
  await eyes.check("steps-refused");
  await command.fill("echo '{{ secret(\"nowhere\") }}'");
  await page.getByRole("button", { name: "Create schedule" }).click();
  await expect(command).toHaveAccessibleDescription(/There is no secret with the name nowhere/);
  await step(page, 2).getByLabel("Action").selectOption("http");
  await step(page, 2).getByLabel("Address").fill("ftp://nowhere");
  await page.getByRole("button", { name: "Create schedule" }).click();
  await expect(step(page, 2).getByLabel("Address")).toHaveAccessibleDescription(/no address for a request/);
});

test("every action has its fields, and survives being opened", async ({ page, stack, eyes }) => {
  const other = await stack.schedule({ name: "The other one", enabled: false });
  const steps = [
    { action: { type: "kill", signal: "SIGHUP" }, target: "name:notes" },
    { action: { type: "remove", force: true }, target: "name:gone" },
    { action: { type: "exec", command: ["sh", "-c", "date | tee /tmp/x\necho done"], user: "root", workdir: "/", env: { A: "b c", D: "e\nf" } }, target: "name:notes", order: "serial", on_failure: "continue" },
    { action: { type: "run", image: "alpine:3", command: ["echo", "it's"], mounts: [{ source: "data", target: "/data", read_only: true }], network: "none", limits: { memory: "64m", cpus: "0.5", pids: 50 } }, target: "*" },
    { action: { type: "pull", image: "alpine:3" }, target: "host:local" },
    { action: { type: "prune", what: "build_cache", older_than: "7d", dry: true }, target: "*" },
    { action: { type: "http", method: "POST", url: "https://example.com/{{ run.id }}", headers: { "X-A": "b" }, body: "{\"a\":1}", expect: [200, 204] } },
    { action: { type: "wait", until: "healthy", timeout: "2m" }, target: "name:web", retry: { attempts: 4, backoff: "exponential", initial: "1s", max: "1m" } },
    { action: { type: "run_schedule", schedule: other.id }, when: "always", timeout: "5m" },
  ];
  const hosts = (await stack.api("GET", "/hosts")).items;
  steps[4].target = `host:${hosts[0].name}`;
  const made = await stack.schedule({ name: "Everything", steps });
  await open(page, `/schedules/${made.id}`);
  for (let index = 0; index < steps.length; index++) {
    await page.locator(".step-title").nth(index).click();
    await expect(step(page, index + 1).getByLabel("Action")).toHaveValue(steps[index].action.type);
  }
  await expect(step(page, 9).getByLabel("Schedule")).toHaveValue("The other one");
  await expect(step(page, 4).getByRole("textbox", { name: "Command" })).toHaveValue('echo "it\'s"');
  await eyes.check("steps-every-action");
  await expect(page.getByRole("button", { name: "Save schedule" })).toBeDisabled();
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("Everything again");
  await page.getByRole("button", { name: "Save schedule" }).click();
  await expect(page.getByText(/^Saved Everything again/)).toBeVisible();
  expect((await stack.api("GET", `/schedules/${made.id}`)).steps).toEqual(made.steps);
  await clear(stack);
});

test("guards are folded until wanted", async ({ page, stack, guard, eyes }) => {
  guard.expect(/answer 422/, /status of 422/);
  const made = await stack.schedule({ name: "Guarded" });
  await open(page, `/schedules/${made.id}`);
  const guards = page.getByRole("region", { name: "Guards" });
  await expect(guards).toContainText("One run at a time");
  await guards.locator("summary").first().press("Enter");
  await guards.getByText("If the last run is still going").click();
  await guards.getByRole("radio", { name: "Queue" }).check();
  await guards.getByLabel("Waiting at most").fill("3");
  await guards.getByText("Watch that it succeeds").click();
  await guards.getByLabel("At least every").fill("26h");
  await guards.getByText("Only if").click();
  await guards.getByRole("button", { name: "Add a condition" }).click();
  await guards.getByRole("combobox", { name: "Condition 1" }).selectOption({ label: "it fits" });
  await guards.getByRole("textbox", { name: "Condition 1, what exactly" }).fill("nonsense:web");
  await page.getByRole("button", { name: "Save schedule" }).click();
  await expect(guards.getByRole("textbox", { name: "Condition 1, what exactly" })).toBeFocused();
  await expect(guards.locator("mark")).toHaveText("nonsense");
  await eyes.check("guards-open");
  await guards.getByRole("textbox", { name: "Condition 1, what exactly" }).fill("name:notes");
  await page.getByRole("button", { name: "Save schedule" }).click();
  await expect(page.getByText(/^Saved Guarded/)).toBeVisible();
  const saved = await stack.api("GET", `/schedules/${made.id}`);
  expect([saved.overlap, saved.queue_depth, saved.expect, saved.conditions]).toEqual(["queue", 3, { within: "1d2h" }, [{ selector: "name:notes" }]]);
  await page.reload();
  await hydrated(page);
  await expect(guards.locator("summary").first()).toContainText("The new one waits, 3 at most");
  await stack.api("DELETE", `/schedules/${made.id}`);
});

test("secrets are stored, used, replaced and deleted, and never shown", async ({ page, stack, eyes }, info) => {
  const name = `token-${info.project.name}`;
  await open(page, "/settings/secrets");
  await expect(page.getByText("No secrets yet")).toBeVisible();
  await eyes.check("secrets-none");
  await page.getByRole("button", { name: "New secret" }).click();
  const dialog = page.getByRole("dialog", { name: "New secret" });
  await dialog.getByLabel("Name").fill("no spaces");
  await dialog.getByLabel("Value").fill("hush-hush-hush");
  await dialog.getByLabel("Name").fill(name);
  await eyes.check("secrets-new");
  await dialog.getByRole("button", { name: "Store secret" }).click();
  await expect(page.getByRole("listitem").filter({ hasText: name })).toBeVisible();
  await eyes.check("secrets");

  const made = await stack.schedule({ name: "Uses a secret", steps: [
    { action: { type: "exec", command: ["echo", `{{ secret('${name}') }}`] }, target: "name:notes" },
  ] });
  const run = await stack.run(made);
  expect(run.status).toBe("succeeded");
  await open(page, `/runs/${run.id}`);
  await expect(page.getByRole("log")).toContainText("***");
  await expect(page.getByRole("log")).not.toContainText("hush");
  await stack.api("DELETE", `/schedules/${made.id}`);

  await open(page, "/settings/secrets");
  await page.getByRole("button", { name: `Replace ${name}` }).click();
  const replace = page.getByRole("dialog", { name: `Replace ${name}` });
  await expect(replace.getByLabel("Value")).toHaveValue("");
  await replace.getByLabel("Value").fill("another");
  await replace.getByRole("button", { name: "Replace value" }).click();
  await expect(page.getByText(`Replaced ${name}`)).toBeVisible();
  await page.getByRole("button", { name: `Delete ${name}` }).click();
  await page.getByRole("button", { name: "Delete secret" }).click();
  await expect(page.getByText("No secrets yet")).toBeVisible();
});

test("blackouts are added, changed, switched off and deleted", async ({ page, stack, eyes }, info) => {
  const name = `Quiet ${info.project.name}`;
  await open(page, "/schedules/blackouts");
  await eyes.check("blackouts-none");
  await page.getByRole("button", { name: "New blackout" }).click();
  const dialog = page.getByRole("dialog", { name: "New blackout" });
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByRole("radio", { name: "Host" }).check();
  await dialog.getByRole("button", { name: "Add blackout" }).click();
  await expect(dialog.getByLabel("Host", { exact: true }).last()).toHaveAccessibleDescription(/Choose a host/);
  const hosts = (await stack.api("GET", "/hosts")).items;
  await dialog.locator("#blackout-whom").selectOption({ label: hosts[0].name });
  await dialog.getByRole("button", { name: "Saturday" }).click();
  await dialog.getByRole("textbox", { name: "For" }).fill("3h");
  await dialog.getByRole("radio", { name: "Waits for the end" }).check();
  await eyes.check("blackouts-new");
  await dialog.getByRole("button", { name: "Add blackout" }).click();
  const line = page.getByRole("listitem").filter({ hasText: name });
  await expect(line).toContainText(/Saturday at 20:00, for 3 hours/);
  await expect(line).toContainText(`Host ${hosts[0].name}`);
  await eyes.check("blackouts");
  await line.getByRole("button", { name, exact: true }).click();
  const change = page.getByRole("dialog", { name: "Change blackout" });
  await change.getByRole("radio", { name: "One time" }).check();
  await change.getByLabel("From").fill("2030-12-24T12:00");
  await change.getByLabel("To", { exact: true }).fill("2030-12-27T00:00");
  await change.getByRole("button", { name: "Save" }).click();
  await expect(line).toContainText(/2030/);
  await line.getByRole("switch").uncheck();
  await expect.poll(async () => (await stack.api("GET", "/blackouts")).items[0].enabled).toBe(false);
  const { items } = await stack.api("GET", "/blackouts");
  expect([items[0].window.from, items[0].policy]).toEqual(["2030-12-24T11:00:00Z", "postpone"]);
  await line.getByRole("button", { name: `Delete ${name}` }).click();
  await page.getByRole("button", { name: "Delete blackout" }).click();
  await expect(page.getByText("No blackouts yet")).toBeVisible();
  expect(isPhone(page)).toBe(info.project.name.startsWith("phone"));
});
