"""Build the Lambda's artifact, router-<sha256>.zip: the same bytes on every run.

Usage: package.py OUTPUT_DIRECTORY
       package.py --runtime-python     print the interpreter of the runtime's version, or else this one

Pure-Python wheels at pinned hashes, the sources of lambda_src and, where a Python of the function's runtime version
is on this machine (or named by RUNTIME_PYTHON), its bytecode: with unchecked hashes, because a zip keeps no usable
times. Prints the path of the artifact on standard output and everything else on standard error.
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

RUNTIME = (3, 13)  # python3.13, the newest that AWS provider 5.100 knows
LAMBDA_SOURCES = Path(__file__).resolve().parents[1] / "lambda_src"
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
# pip's notes to itself, and a browser page that only Powertools' resolver would serve.
_NOT_SHIPPED = ("bin", "swagger_ui", "RECORD", "INSTALLER", "REQUESTED", "direct_url.json")


def runtime_python() -> str | None:
    """The interpreter that compiles for the Lambda runtime, or None."""
    version = ".".join(map(str, RUNTIME))
    pyenv = sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob(f"versions/{version}.*/bin/python"))
    candidates = [os.environ.get("RUNTIME_PYTHON"), f"python{version}", sys.executable, *map(str, reversed(pyenv))]
    probe = f"import sys; sys.exit(sys.version_info[:2] != {RUNTIME})"
    for candidate in filter(None, candidates):
        path = shutil.which(candidate)
        if path and subprocess.run([path, "-c", probe], capture_output=True, check=False).returncode == 0:
            return path
    return None


def build(output_directory: Path) -> Path:
    """Build the artifact into ``output_directory``, replacing earlier ones, and return its path."""
    with tempfile.TemporaryDirectory() as folder:
        staging = Path(folder)
        shutil.copytree(_dependencies(), staging, dirs_exist_ok=True)
        for source in sorted(LAMBDA_SOURCES.rglob("*.py")):
            target = staging / source.relative_to(LAMBDA_SOURCES)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        _compile(staging)
        output_directory.mkdir(parents=True, exist_ok=True)
        archive = output_directory / f".{staging.name}.zip"
        try:
            _write_zip(staging, archive)
            digest = hashlib.sha256(archive.read_bytes()).hexdigest()
            artifact = output_directory / f"router-{digest}.zip"
            # In one step, and without touching the same bytes of another build, which may be under way beside this one.
            archive.replace(artifact)
        finally:
            archive.unlink(missing_ok=True)
    for earlier in output_directory.glob("router-*.zip"):
        if earlier != artifact:
            earlier.unlink(missing_ok=True)
    return artifact


def _dependencies() -> Path:
    """The pinned packages, installed once for each state of requirements.txt."""
    requirements = LAMBDA_SOURCES / "requirements.txt"
    cache = (
        LAMBDA_SOURCES.parent / ".local" / "dependencies" / hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]
    )
    if not cache.exists():
        cache.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache.parent) as folder:
            staging = Path(folder) / "staging"
            _install(staging, requirements)
            with contextlib.suppress(OSError):  # another build was faster; its folder is the same
                staging.rename(cache)
    return cache


def _install(staging: Path, requirements: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "-qq", "--no-deps", "--require-hashes", "--no-compile"]
    command += ["--only-binary=:all:", "--platform=any", "--implementation=py", "--abi=none"]
    command += [f"--python-version={RUNTIME[0]}.{RUNTIME[1]}", "--target", str(staging)]
    subprocess.run([*command, "-r", str(requirements)], check=True, stdout=sys.stderr)
    for name in _NOT_SHIPPED:
        for path in list(staging.rglob(name)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _compile(staging: Path) -> None:
    python = runtime_python()
    if not python:
        print(
            f"note: no Python {RUNTIME[0]}.{RUNTIME[1]} here, so the artifact has no bytecode and starts slower; "
            "install one or set RUNTIME_PYTHON",
            file=sys.stderr,
        )
        return
    command = [python, "-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash"]
    # The recorded paths are those in Lambda, not this folder's; a fixed hash seed keeps the order of sets, and no
    # other variable may steer the compiler.
    command += ["-s", str(staging), "-p", "/var/task", str(staging)]
    subprocess.run(command, check=True, stdout=sys.stderr, env={"PYTHONHASHSEED": "0"})


def _write_zip(staging: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as bundle:
        for path in _files(staging):
            entry = zipfile.ZipInfo(path.relative_to(staging).as_posix(), _ZIP_TIME)
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            bundle.writestr(entry, path.read_bytes())


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print((runtime_python() or sys.executable) if sys.argv[1] == "--runtime-python" else build(Path(sys.argv[1])))
