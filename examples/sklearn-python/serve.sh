#!/bin/sh
# Serves the pickled model with scikit-learn itself. The first start makes a virtual environment, in
# $PILOTLIGHT_STATE if that is set and beside this file otherwise; later starts find it ready.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=${PILOTLIGHT_STATE:-$here}/.venv
# Two replicas may start at once: the second waits for the lock and then finds everything done.
python3 - "$venv" "$here/requirements.txt" <<'PYTHON'
import fcntl, pathlib, subprocess, sys, venv

folder, requirements = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
folder.parent.mkdir(parents=True, exist_ok=True)
with open(f"{folder}.lock", "w") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    done = folder / "installed.txt"
    wanted = requirements.read_text()
    # Written last, so that an installation cut short is done again.
    if not done.exists() or done.read_text() != wanted:
        print("installing scikit-learn, once", flush=True)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([folder / "bin/python", "-m", "pip", "install", "--quiet", "-r", requirements], check=True)
        done.write_text(wanted)
PYTHON
# exec: SIGTERM has to reach the server, not a shell in front of it.
exec "$venv/bin/python" "$here/server.py" "$@"
