// Opens pages in Chromium and says what is wrong with them: node crawl.mjs BROWSER ADDRESS PICTURES|- PAGE...
//
// Of each page: no error in the console, no request to another host, every diagram drawn, every recording plays, no
// wider than a phone, nothing serious that axe-core finds, in light and in dark. And the search finds "framing".

import { mkdirSync } from "node:fs"
import { createRequire } from "node:module"
import { chromium } from "playwright-core"

const [browserPath, address, pictures, ...pages] = process.argv.slice(2)
const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js")
const DESKTOP = { width: 1280, height: 900 }
const PHONE = { width: 390, height: 844 }
const DEADLINE = 60_000 // ms until anything must have happened on a busy machine

const faults = []
const counts = { pages: 0, diagrams: 0, recordings: 0 }

const browser = await chromium.launch({
  executablePath: browserPath,
  args: ["--no-sandbox"], // root, as in a container, has none; the pages are our own
})
if (pictures !== "-") mkdirSync(pictures, { recursive: true })
for (const page of pages) {
  for (const scheme of ["light", "dark"]) await inspect(page, scheme)
  counts.pages++
}
if (pages.includes("")) await search("framing")
await browser.close()

for (const fault of faults) console.error(fault)
console.log(`${counts.pages} pages, ${counts.diagrams} diagrams, ${counts.recordings} recordings: ${faults.length} faults`)
process.exit(faults.length ? 1 : 0)

async function inspect(path, scheme) {
  const context = await browser.newContext({ viewport: DESKTOP, colorScheme: scheme, reducedMotion: "reduce" })
  const fault = (words) => faults.push(`${path || "(start)"}, ${scheme}: ${words}`)
  try {
    const page = await open(context, path, fault)
    await diagrams(page, fault, scheme)
    if (scheme === "light") await recordings(page, fault)
    await judge(page, fault)
    if (pictures !== "-") await page.screenshot({ path: picture(path, scheme), fullPage: false })
    if (scheme === "light") {
      await page.setViewportSize(PHONE)
      const width = await page.evaluate(() => document.documentElement.scrollWidth)
      if (width > PHONE.width) fault(`${width} pixels wide on a phone of ${PHONE.width}: ${await widest(page)}`)
      await judge(page, (words) => fault(`on a phone: ${words}`))
      if (pictures !== "-") await page.screenshot({ path: picture(path, "phone") })
    }
  } catch (error) {
    fault(error.message.split("\n")[0])
  } finally {
    await context.close()
  }
}

async function open(context, path, fault) {
  const page = await context.newPage()
  page.setDefaultTimeout(DEADLINE)
  page.on("console", (message) => message.type() === "error" && fault(`console: ${message.text()}`))
  page.on("pageerror", (error) => fault(`script: ${error.message}`))
  page.on("response", (response) => response.status() >= 400 && fault(`${response.status()}: ${response.url()}`))
  await page.route("**/*", (route) => {
    const url = route.request().url()
    if (url.startsWith(address) || /^(data|blob):/.test(url)) return route.continue()
    fault(`asks another host: ${url}`)
    return route.abort()
  })
  // The theme draws diagrams where no script can look (a closed shadow root): open it, for us alone.
  await page.addInitScript(() => {
    const attach = Element.prototype.attachShadow
    Element.prototype.attachShadow = function (options) {
      return attach.call(this, { ...options, mode: "open" })
    }
  })
  await page.goto(address + path, { waitUntil: "load" })
  return page
}

async function diagrams(page, fault, scheme) {
  const wanted = await page.evaluate(async (url) => {
    const text = await (await fetch(url)).text()
    return new DOMParser().parseFromString(text, "text/html").querySelectorAll("pre.mermaid").length
  }, page.url())
  await page.waitForFunction(() => !document.querySelector("pre.mermaid"))
  const drawn = await page.evaluate(() =>
    [...document.querySelectorAll("div.mermaid")].map((box) => {
      const svg = box.shadowRoot?.querySelector("svg")
      return svg && svg.getBoundingClientRect().height > 40 && !svg.querySelector(".error-text, .error-icon")
    }),
  )
  if (scheme === "light") counts.diagrams += drawn.length
  if (drawn.length !== wanted || drawn.includes(false)) fault(`${drawn.filter(Boolean).length} of ${wanted} diagrams drawn`)
}

async function recordings(page, fault) {
  const count = await page.locator("figure.cast").count()
  for (let number = 0; number < count; number++) {
    const plays = await page.evaluate(async (index) => {
      const { player } = document.querySelectorAll("figure.cast")[index]
      const ended = new Promise((resolve) => player.addEventListener("ended", () => resolve(true)))
      await player.play()
      const begun = Date.now()
      while ((await player.getCurrentTime()) < 0.5 && Date.now() - begun < 20_000) await new Promise((go) => setTimeout(go, 50))
      const moved = (await player.getCurrentTime()) >= 0.5
      await player.seek("98%")
      return moved && (await Promise.race([ended, new Promise((late) => setTimeout(() => late(false), 20_000))]))
    }, number)
    counts.recordings++
    if (!plays) fault(`recording ${number + 1} does not play to its end`)
  }
}

async function judge(page, fault) {
  await page.addScriptTag({ path: axe })
  const found = await page.evaluate(async () => (await axe.run(document, { resultTypes: ["violations"] })).violations)
  for (const each of found.filter(({ impact }) => impact === "serious" || impact === "critical")) {
    const where = each.nodes.slice(0, 3).map((node) => `${node.target.join(" ")} (${(node.any[0] ?? node.all[0] ?? {}).message ?? ""})`)
    fault(`axe: ${each.id}: ${each.help}: ${each.nodes.length} times, as ${where.join("; ")}`)
  }
}

async function widest(page) {
  return page.evaluate(() => {
    const kept = (each) => each && each !== document.body && (getComputedStyle(each).overflowX !== "visible" || kept(each.parentElement))
    const wide = [...document.querySelectorAll("body *")].filter(
      (each) => each.getBoundingClientRect().right > document.documentElement.clientWidth + 1 && !kept(each.parentElement),
    )
    return wide.slice(0, 4).map((each) => `${each.tagName.toLowerCase()}.${each.className}`).join(", ") || "?"
  })
}

async function search(words) {
  const context = await browser.newContext({ viewport: DESKTOP })
  const fault = (text) => faults.push(`search: ${text}`)
  const page = await open(context, "", fault)
  const first = page.locator(".md-search-result__item a").first()
  const begun = Date.now()
  do {
    // Key by key, and again if nothing comes: what is typed before the index is there is not looked up.
    await page.click("input.md-search__input")
    await page.fill("input.md-search__input", "")
    await page.keyboard.type(words, { delay: 50 })
    await first.waitFor({ timeout: 5_000 }).catch(() => {})
  } while (!(await first.isVisible()) && Date.now() - begun < DEADLINE)
  if (!(await first.isVisible())) fault(`finds nothing for ${words}`)
  if (pictures !== "-") await page.screenshot({ path: picture("search", "light") })
  await context.close()
}

function picture(path, kind) {
  return `${pictures}/${path.replaceAll("/", "") || "start"}-${kind}.png`
}
