#!/bin/sh
# Fetches the libraries that pages use in the browser, as src/theatre/web/static/libraries/libraries.json names them, and
# writes down what came. Only whoever changes a version there needs this, and npm; everybody else has the files.
set -eu
cd "$(dirname "$0")/.."
exec python3 - <<'EOF'
import hashlib
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path

folder = Path("src/theatre/web/static/libraries")
listed = json.loads((folder / "libraries.json").read_text())
with tempfile.TemporaryDirectory() as fetched:
    for library in listed:
        wanted = f"{library['package']}@{library['version']}"
        packed = subprocess.run(
            ["npm", "pack", "--silent", wanted], cwd=fetched, check=True, capture_output=True, text=True
        )
        with tarfile.open(Path(fetched) / packed.stdout.strip()) as package:
            for inside, here in (
                (library["source"], library["file"]),
                ("LICENSE", f"LICENSE-{library['package']}.txt"),
            ):
                content = package.extractfile(f"package/{inside}")
                assert content is not None, f"{wanted} has no {inside}"
                (folder / here).write_bytes(content.read())
        library["sha256"] = hashlib.sha256((folder / library["file"]).read_bytes()).hexdigest()
        print(f"{library['file']}: {wanted}, {library['sha256']}")
(folder / "libraries.json").write_text(json.dumps(listed, indent=2) + "\n")
EOF
