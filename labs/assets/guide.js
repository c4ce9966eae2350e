// Starts the players of recordings, and lets a keyboard and a screen reader reach what the theme leaves out.

// The theme colours the heads of arrows by a name that Mermaid has since put the diagram's own name before: on dark
// paper they would be dark.
if (window.mermaid) {
  const initialize = mermaid.initialize
  const heads = "[id$=arrowhead] path, [id$=crosshead] path { fill: var(--md-mermaid-sequence-message-line-color); stroke: none }"
  mermaid.initialize = (config) => initialize({ ...config, themeCSS: (config.themeCSS ?? "") + heads })
}

document.addEventListener("DOMContentLoaded", () => {
  for (const figure of document.querySelectorAll("figure.cast")) {
    const data = JSON.parse(figure.querySelector("script").textContent)
    figure.player = AsciinemaPlayer.create({ data: () => data }, figure.querySelector(".cast-player"), {
      fit: "width",
      poster: "npt:9999", // the last screen: what the recording leads to
      idleTimeLimit: 2,
      terminalFontFamily: "'JetBrains Mono', ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace",
      theme: "asciinema",
    })
  }
  document.querySelector(".md-search")?.setAttribute("aria-label", "Search")
  const reach = () => {
    for (const wide of document.querySelectorAll(".md-typeset pre > code, .md-typeset__scrollwrap, .mermaid")) {
      if (wide.scrollWidth > wide.clientWidth) wide.setAttribute("tabindex", "0")
    }
  }
  addEventListener("load", reach)
  addEventListener("resize", reach)
})
