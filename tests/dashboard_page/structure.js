// What a screen reader would have no name for, and what breaks the page's structure.
() => {
  const CONTROLS = "button, a[href], input, select, [role=slider], [role=region], nav, svg[role=img]";
  const LANDMARKS = ["main", "h1", "header.top", "footer", "search", "[aria-live=polite]"];
  const visible = (selector) => [...document.querySelectorAll(selector)].filter((node) => node.checkVisibility());
  const nameOf = (node) => {
    const labels = [...(node.labels ?? [])].map((label) => label.textContent).join(" ");
    return (node.ariaLabel || labels || node.textContent || node.title).trim();
  };
  const wrong = [];
  for (const node of visible(CONTROLS)) if (!nameOf(node)) wrong.push(`no name: ${node.outerHTML.slice(0, 90)}`);
  const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
  for (const id of ids.filter((id, index) => ids.indexOf(id) !== index)) wrong.push(`twice: ${id}`);
  for (const table of visible("table")) {
    if (!table.querySelector("thead th[scope=col]")) wrong.push("table without column headers");
    const rows = [...table.tBodies[0].rows];
    if (rows.some((row) => !row.querySelector("th[scope=row], [colspan]"))) wrong.push("row without a header");
  }
  for (const selector of LANDMARKS) {
    if (document.querySelectorAll(selector).length !== 1) wrong.push(`not exactly one: ${selector}`);
  }
  let level = 1;
  for (const heading of visible("h1, h2, h3")) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) wrong.push(`skips a level: ${heading.textContent}`);
    level = next;
  }
  return wrong;
};
