"""Write the generated pages of docs/; with --check, fail when one is stale."""

import sys
from pathlib import Path

from scripts.reference import pages

folder = Path(__file__).resolve().parents[1] / "docs"
made = pages()
stale = [
    name
    for name, text in made.items()
    if not (folder / name).exists() or (folder / name).read_text("utf-8") != text
]
if "--check" in sys.argv:
    sys.exit(f"stale: {', '.join(stale)}; run scripts/docs" if stale else 0)
for name in stale:
    (folder / name).write_text(made[name], "utf-8")
    print(f"wrote docs/{name}")
