// The list of all containers: groups, columns, tags, favourites, saved views, suggestions, and many at once.

import { expect, isPhone, open, row, test } from "../support/test.ts";

test.beforeEach(async ({ stack }) => {
  const { items } = await stack.api("GET", "/views");
  for (const view of items) await stack.api("DELETE", `/views/${view.id}`);
  const page = await stack.api("GET", "/containers?limit=100");
  for (const one of page.items) {
    if (one.tags.length > 0) await stack.api("DELETE", `/containers/${one.id}/tags`);
    if (one.note) await stack.api("PUT", `/containers/${one.id}/note`, { note: "" });
  }
  for (const id of page.favourites ?? []) await stack.api("DELETE", `/containers/${id}/favourite`);
});

test("groups by stack, and the address says so", async ({ page, eyes }) => {
  await open(page, "/");
  await page.getByRole("combobox", { name: "Group" }).selectOption("stack");
  await expect(page).toHaveURL(/group=stack/);
  const heads = page.locator("tr.grp");
  await expect(heads).toHaveText([/edge.*2 containers/, /shop.*4 containers/, /Without a stack.*4 containers/]);
  await eyes.check("fleet-grouped");
  await page.getByRole("button", { name: "Show only edge" }).click();
  await expect(page).toHaveURL(/q=stack:edge&group=stack/);
  await expect(page.locator("tr.line")).toHaveCount(2);
  // Who opens the address sees the same.
  await page.reload();
  await expect(heads).toHaveText([/edge.*2 containers/]);
});

test("groups are closed, and the address keeps that", async ({ page, eyes }) => {
  await open(page, "/?group=stack");
  const heads = page.locator("tr.grp");
  const shop = heads.getByRole("button", { name: "shop", exact: true });
  await expect(shop).toHaveAttribute("aria-expanded", "true");
  await page.getByRole("checkbox", { name: "Select proxy" }).click();
  await shop.click();
  await expect(page).toHaveURL(/group=stack&closed=shop/);
  await expect(shop).toHaveAttribute("aria-expanded", "false");
  await expect(shop).toBeFocused();
  await expect(page.locator("tr.line")).toHaveCount(6);
  // How many there are is still said, and what was selected stays so.
  await expect(heads.nth(1)).toContainText("4 containers");
  await expect(page.getByText("1 selected")).toBeVisible();
  await page.keyboard.press("Escape");
  await eyes.check("fleet-closed");
  await page.reload();
  await expect(page.locator("tr.line")).toHaveCount(6);
  for (const name of ["edge", "Without a stack"]) await heads.getByRole("button", { name, exact: true }).click();
  await expect(page.locator("tr.line")).toHaveCount(0);
  await expect(heads).toHaveCount(3);
  await shop.click();
  await expect(page.locator("tr.line")).toHaveCount(4);
});

test("everything that a search finds is selected and removed as one run", async ({ page, stack, eyes }) => {
  test.setTimeout(240_000);
  const count = 103;
  await stack.say(`many spare ${count}`);
  try {
    await open(page, "/?q=name:spare-*");
    await expect(page.locator("table.tbl")).toHaveAttribute("aria-rowcount", String(count + 1), { timeout: 30_000 });
    // As soon as something is selected the rest is offered; a phone has no box for all that are shown.
    if (isPhone(page)) {
      await page.getByRole("checkbox", { name: "Select spare-1", exact: true }).click();
      await expect(page.getByText("1 selected")).toBeVisible();
    } else {
      await page.getByRole("checkbox", { name: "Select all that are shown" }).click();
      await expect(page.getByText("100 selected")).toBeVisible();
    }
    await page.getByRole("button", { name: `Select all ${count}` }).click();
    await expect(page.getByText(`All ${count} selected`)).toBeVisible();
    await eyes.check("fleet-all-selected");
    await page.getByRole("button", { name: "More actions, selected containers" }).click();
    await page.getByRole("menuitem", { name: "Remove" }).click();
    const question = page.getByRole("dialog", { name: `Remove ${count} containers?` });
    await eyes.check("fleet-remove-all");
    await question.getByRole("button", { name: /^Remove/ }).click();
    const run = page.locator(".bulk-run");
    await expect(run).toContainText("Remove name:spare-*");
    await expect(run).toContainText(`${count} of ${count} done`, { timeout: 150_000 });
    await expect(page.getByText("No container matches")).toBeVisible({ timeout: 20_000 });
    const { total } = await stack.api("GET", "/containers?query=name:spare-*");
    expect(total).toBe(0);
  } finally {
    await stack.say("many spare 0");
  }
});

test("tags and notes are attached, shown, searched and grouped by", async ({ page, eyes, guard }) => {
  guard.expect(/\b422\b/);
  await open(page, "/");
  await page.getByRole("button", { name: "More actions, notes", exact: true }).click();
  await page.getByRole("menuitem", { name: "Tags and note" }).click();
  const dialog = page.getByRole("dialog", { name: "Tags and note of notes" });
  await dialog.getByLabel("Tags").fill("a*b");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByRole("alert")).toContainText("Use letters, digits and dashes");
  await dialog.getByLabel("Tags").fill("critical, home office");
  await dialog.getByLabel("Note").fill("Ask <b>Ada</b> before it is updated");
  await eyes.check("fleet-marks");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  if (!isPhone(page)) await expect(row(page, "notes").locator(".own")).toHaveText(["critical", "home office"]);
  await open(page, "/?group=tag");
  await expect(page.locator("tr.grp")).toHaveText([/critical/, /home office/, /Without a tag/]);
  await page.getByRole("searchbox", { name: "Search containers" }).fill('tag:"home office"');
  // It stands below each of its tags.
  await expect(page.locator("tr.line")).toHaveCount(2);
  await page.getByRole("link", { name: "notes", exact: true }).first().click();
  await expect(page.getByRole("heading", { name: "notes", level: 1 })).toBeVisible();
  await expect(page.getByText("Ask <b>Ada</b> before it is updated")).toBeVisible();
  await expect(page.getByRole("link", { name: "critical" })).toHaveAttribute("href", "/?q=tag:critical");
  await eyes.check("container-marked");
});

test("favourites are a filter", async ({ page }) => {
  await open(page, "/");
  await page.getByRole("button", { name: "More actions, web", exact: true }).click();
  await page.getByRole("menuitem", { name: "Make a favourite" }).click();
  await page.getByRole("button", { name: "Favourites" }).click();
  await expect(page).toHaveURL(/fav=1/);
  await expect(page.locator("tr.line")).toHaveCount(1);
  await page.reload();
  await expect(row(page, "web")).toBeVisible();
  await expect(page.locator("tr.line")).toHaveCount(1);
});

test("columns are chosen and kept", async ({ page, eyes }) => {
  test.skip(isPhone(page), "a phone's rows have no columns");
  await open(page, "/");
  const heading = (name: string) => page.getByRole("columnheader", { name });
  await expect(heading("Ports")).toBeVisible();
  await page.getByRole("button", { name: "Columns" }).click();
  await page.getByRole("checkbox", { name: "Ports" }).uncheck();
  await page.getByRole("checkbox", { name: "Image" }).check();
  await eyes.check("fleet-columns");
  await page.keyboard.press("Escape");
  await expect(heading("Ports")).toHaveCount(0);
  await page.reload();
  await expect(heading("Image")).toBeVisible();
  await expect(heading("Ports")).toHaveCount(0);
  // A shared address brings its own.
  await open(page, "/?cols=ports");
  await expect(heading("Ports")).toBeVisible();
  await expect(heading("Host")).toHaveCount(0);
});

test("a view is saved, opened and deleted", async ({ page, eyes, stack, guard }) => {
  guard.expect(/\b422\b/);
  await open(page, "/?q=stack:shop&sort=-state");
  await page.getByRole("button", { name: "Views" }).click();
  await page.getByRole("button", { name: "Save this view" }).click();
  const dialog = page.getByRole("dialog", { name: "Save this view" });
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByRole("alert")).toContainText("A view needs a name");
  await dialog.getByLabel("Name").fill("The shop");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  const { items } = await stack.api("GET", "/views");
  expect(items[0].address).toContain("/?q=stack:shop&sort=-state");

  await open(page, "/");
  await page.getByRole("button", { name: "Views" }).click();
  await expect(page.getByRole("button", { name: "The shop", exact: true })).toBeVisible();
  await eyes.check("fleet-views");
  await page.getByRole("button", { name: "The shop", exact: true }).click();
  await expect(page).toHaveURL(/q=stack:shop&sort=-state/);
  await expect(page.locator("tr.line")).toHaveCount(4);
  await page.getByRole("button", { name: "Views" }).click();
  await page.getByRole("button", { name: "Delete the view The shop" }).click();
  await expect(page.getByText("No views yet")).toBeVisible();
});

test("the search offers keys and values", async ({ page, eyes }) => {
  await open(page, "/");
  const search = page.getByRole("searchbox", { name: "Search containers" });
  const offered = page.getByRole("listbox", { name: "Suggestions" }).getByRole("option");
  await search.pressSequentially("sta");
  await expect(offered.first()).toHaveText(/stack:/);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await expect(search).toHaveValue("stack:");
  await expect(offered.first()).toHaveText(/shop.*4 containers/);
  await eyes.check("fleet-suggestions");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Tab");
  await expect(search).toHaveValue("stack:shop ");
  await expect(page.locator("tr.line")).toHaveCount(4);
  await search.pressSequentially("stat");
  await page.keyboard.press("Escape");
  await expect(offered).toHaveCount(0);
});

test("a range is selected and restarted as one run", async ({ page, eyes, stack }) => {
  await open(page, "/?q=stack:shop");
  await page.getByRole("checkbox", { name: "Select api" }).click();
  await page.getByRole("checkbox", { name: "Select worker" }).click({ modifiers: ["Shift"] });
  await expect(page.getByText("4 selected")).toBeVisible();
  await eyes.check("fleet-range");
  await page.getByRole("checkbox", { name: "Select worker" }).click();
  await page.getByRole("checkbox", { name: "Select web" }).click();
  await expect(page.getByText("2 selected")).toBeVisible();
  const before = await stack.inspect("api");
  await page.getByRole("button", { name: "Restart", exact: true }).click();
  const run = page.locator(".bulk-run");
  await expect(run).toContainText("Restart 2 containers on");
  await expect(run).toContainText("2 of 2 done", { timeout: 40_000 });
  await expect(run).toContainText("Succeeded");
  await eyes.check("fleet-bulk");
  expect((await stack.inspect("api")).started_at).not.toBe(before.started_at);
  await run.getByRole("link", { name: "Open the run" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Restart 2 containers");
});

test("what fails is said on its row", async ({ page }) => {
  await open(page, "/?q=name:broken,notes");
  if (isPhone(page)) {
    for (const name of ["broken", "notes"]) await page.getByRole("checkbox", { name: `Select ${name}` }).click();
  } else {
    await page.getByRole("checkbox", { name: "Select all that are shown" }).click();
  }
  // notes runs already; only the broken one can be started.
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await expect(row(page, "broken")).toContainText("Start failed", { timeout: 30_000 });
  await expect(row(page, "broken").getByRole("alert")).toBeVisible();
  await expect(row(page, "notes")).toContainText("Running");
});

test("of several, those that failed are tried again", async ({ page, eyes }) => {
  await open(page, "/?q=name:broken,backup");
  for (const name of ["broken", "backup"]) await page.getByRole("checkbox", { name: `Select ${name}` }).click();
  await page.getByRole("button", { name: "Start", exact: true }).click();
  const run = page.locator(".bulk-run");
  await expect(run).toContainText("1 of 2 done, 1 failed", { timeout: 40_000 });
  await eyes.check("fleet-bulk-failed");
  await run.getByRole("button", { name: "Retry failed" }).click();
  await expect(run).toContainText("0 of 1 done, 1 failed", { timeout: 40_000 });
});

test("what is lost is named before it is", async ({ page, eyes }) => {
  await open(page, "/?q=stack:shop");
  for (const name of ["api", "web"]) await page.getByRole("checkbox", { name: `Select ${name}` }).click();
  await page.getByRole("button", { name: "More actions, selected containers" }).click();
  await page.getByRole("menuitem", { name: "Remove" }).click();
  const question = page.getByRole("dialog", { name: "Remove 2 containers?" });
  await expect(question.getByRole("listitem")).toHaveCount(2);
  await expect(question).toContainText("volumes stay");
  await eyes.check("fleet-remove");
  await page.keyboard.press("Escape");
  await expect(question).toBeHidden();
  await expect(page.locator("tr.line")).toHaveCount(4);
});

test("processor and memory are measured while one looks", async ({ page, eyes }) => {
  test.skip(isPhone(page), "a phone's rows leave them out");
  await open(page, "/?q=name:notes&cols=state,cpu,memory");
  await expect(row(page, "notes").locator("td.c-m").first()).toContainText("%", { timeout: 30_000 });
  await expect(row(page, "notes").locator("td.c-m").nth(1)).toContainText(/[kMG]B|not measured/);
  await eyes.check("fleet-load");
});

test("the busiest come first, and a host says how busy it is", async ({ page }) => {
  test.skip(isPhone(page), "a phone shows neither");
  test.setTimeout(90_000);
  await open(page, "/?sort=-cpu&cols=state,cpu");
  const percent = (text: string) => Number(/([\d.]+) %/.exec(text)?.[1] ?? -1);
  await page.mouse.move(0, 0);
  // They are measured after the first answer; then the list is read again in their order, with those that do not run last.
  // What a row says may be a few seconds newer than its place.
  await expect
    .poll(
      async () => {
        const shown = (await page.locator("tr.line td.c-m").allTextContents()).map(percent);
        const measured = shown.filter((value) => value >= 0).length;
        const inOrder = shown.every((value, at) => (value >= 0) === at < measured && (at === 0 || value <= shown[at - 1]! + 5));
        return measured >= 5 && measured < shown.length && inOrder;
      },
      { timeout: 45_000 },
    )
    .toBe(true);
  const gauge = page.getByRole("list", { name: "Hosts" }).locator(".gauge").first();
  await expect(gauge).toContainText(/CPU\s*\d+ %/, { timeout: 45_000 });
});

test("the palette acts on what it finds", async ({ page, stack }) => {
  await open(page, "/schedules");
  const before = await stack.inspect("notes");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("restart notes");
  const option = page.getByRole("option", { name: /Restart notes/ });
  await expect(option).toBeVisible();
  await option.click();
  await expect(page.getByRole("status").filter({ hasText: "Restart notes: begun" })).toBeVisible();
  await expect.poll(async () => (await stack.inspect("notes")).started_at, { timeout: 20_000 }).not.toBe(before.started_at);
});
