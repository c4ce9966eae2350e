// Opens report pages as a person does: in Chromium, wide and as on a phone, by keyboard. Prints what it saw as JSON.
// node look.mjs CHROMIUM FOLDER_FOR_PICTURES PAGE.html...
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [executablePath, pictures, ...pages] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const seen = [];
for (const page of pages) {
  for (const [name, viewport] of Object.entries({
    wide: { width: 1200, height: 900 },
    phone: { width: 360, height: 740 },
  })) {
    // The page's own policy forbids scripts; ours have to be let in to look.
    const context = await browser.newContext({ viewport, bypassCSP: true });
    const tab = await context.newPage();
    const asked = [];
    const said = [];
    tab.on("request", (request) => asked.push(request.url()));
    tab.on("console", (message) => said.push(message.text()));
    tab.on("dialog", (dialog) => (said.push(`dialog ${dialog.message()}`), dialog.dismiss()));
    await tab.goto(pathToFileURL(page).href);
    const overflows = await tab.evaluate(
      () => document.documentElement.scrollWidth > document.documentElement.clientWidth + 1,
    );
    await tab.screenshot({ path: `${pictures}/${basename(page, ".html")}-${name}.png` });
    await tab.evaluate(axe);
    const findings = await tab.evaluate(() => axe.run({ runOnly: ["wcag2a", "wcag2aa"] }));
    // Tab goes from one thing that can be used to the next, in sight; Enter opens a story.
    const visited = [];
    for (let step = 0; step < 12; step++) {
      await tab.keyboard.press("Tab");
      visited.push(await tab.evaluate(() => document.activeElement.tagName));
      if (visited.at(-1) === "SUMMARY") break;
    }
    let opened = null;
    if (visited.at(-1) === "SUMMARY") {
      await tab.keyboard.press("Enter");
      opened = await tab.evaluate(() => document.activeElement.parentElement.open);
    }
    seen.push({
      page: basename(page), name, asked, said, overflows, visited, opened,
      violations: findings.violations.map((each) => `${each.id}: ${each.nodes[0].html.slice(0, 200)}`),
    });
    await context.close();
  }
}
await browser.close();
console.log(JSON.stringify(seen));
