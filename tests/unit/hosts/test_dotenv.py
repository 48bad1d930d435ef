from pathlib import Path

from moorage.hosts.dotenv import LIMIT, write_dotenv


def written(file: Path) -> dict[str, str]:
    """Read as GitLab reads: one NAME=VALUE a line, the file not larger than its limit."""
    content = file.read_text(encoding="utf-8")
    assert len(content.encode()) <= LIMIT
    return dict(line.split("=", 1) for line in content.splitlines())


def test_values_become_single_lines(tmp_path: Path) -> None:
    file = tmp_path / "out" / "moorage.env"
    write_dotenv(file, {"digest": "sha256:1", "references": "a:1\nb:1", "deleted-count": "0", "plan": ""})
    assert written(file) == {
        "MOORAGE_OUT_DIGEST": "sha256:1",
        "MOORAGE_OUT_REFERENCES": "a:1,b:1",
        "MOORAGE_OUT_DELETED_COUNT": "0",
        "MOORAGE_OUT_PLAN": "",
    }


def test_what_is_too_large_stands_beside_and_the_rest_stays(tmp_path: Path) -> None:
    file = tmp_path / "moorage.env"
    large, middling = "x" * 20_000, "y" * 4_000
    write_dotenv(file, {"digest": "sha256:1", "deleted": large, "images": middling})
    found = written(file)
    assert found.pop("MOORAGE_OUT_DELETED_FILE") == str(tmp_path / "moorage.env.d" / "deleted")
    assert (tmp_path / "moorage.env.d" / "deleted").read_text() == large
    assert found == {"MOORAGE_OUT_DIGEST": "sha256:1", "MOORAGE_OUT_IMAGES": middling}
