// The button at a block of commands copies what is typed: no prompts, and nothing that is answered.
for (const code of document.querySelectorAll(".highlight code")) {
  const lines = code.textContent.split("\n");
  if (lines[0].startsWith("$ ")) {
    code.dataset.copy = lines.filter((line) => /^[$>] /.test(line)).map((line) => line.slice(2)).join("\n");
  }
}
