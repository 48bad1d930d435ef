import io
from pathlib import Path

import yaml

from moorage.option import Shape
from moorage.settings.table import BY_NAME, TABLE
from moorage.surfaces.__main__ import SURFACES, main
from moorage.surfaces.action import render_action
from moorage.surfaces.component import render_component
from moorage.surfaces.reference import render_reference


def test_files_that_differ_are_named_and_written(tmp_path: Path) -> None:
    stdout = io.StringIO()
    assert main(["--check"], tmp_path, stdout) == 1
    assert all(f"{name} is not up to date\n" in stdout.getvalue() for name in SURFACES)
    assert main(["--write"], tmp_path, io.StringIO()) == 0
    assert main(["--check"], tmp_path, io.StringIO()) == 0
    (tmp_path / "action.yml").write_text("edited", encoding="utf-8")
    stdout = io.StringIO()
    assert main(["--check"], tmp_path, stdout) == 1
    assert stdout.getvalue() == "action.yml is not up to date\nrun: python -m moorage.surfaces --write\n"


def test_a_wrong_call_writes_nothing(tmp_path: Path) -> None:
    assert main([], tmp_path, io.StringIO()) == 2
    assert main(["--write", "--check"], tmp_path, io.StringIO()) == 2
    assert list(tmp_path.iterdir()) == []


def test_the_action_has_every_option_as_an_input_and_hides_no_other_source() -> None:
    action = yaml.safe_load(render_action())
    assert list(action["inputs"]) == [option.name for option in TABLE]
    defaults = {name: entry["default"] for name, entry in action["inputs"].items() if "default" in entry}
    assert defaults == {"command": "publish", "github-token": "${{ github.token }}"}
    assert action["runs"]["using"] == "docker"


def test_the_component_hands_every_input_over_as_what_the_resolver_reads() -> None:
    header, jobs = yaml.safe_load_all(render_component())
    inputs, (job,) = header["spec"]["inputs"], jobs.values()
    handed = {name: text for name, text in job["variables"].items() if name.startswith("INPUT_")}
    names = {text.removeprefix("$[[ inputs.").removesuffix(" ]]"): name for name, text in handed.items()}
    assert {"github-token", "summary"} == BY_NAME.keys() - names.keys()
    assert all(name in inputs and variable == BY_NAME[name].input_variable.replace("-", "_") for name, variable in names.items())
    assert inputs.keys() - BY_NAME.keys() == {"job-name", "stage", "job-image", "services"}


def test_component_inputs_that_are_left_out_say_nothing() -> None:
    header, _ = yaml.safe_load_all(render_component())
    inputs = header["spec"]["inputs"]
    given = {name: entry["default"] for name, entry in inputs.items() if name in BY_NAME and entry["default"] != ""}
    assert given == {"command": "publish", "dotenv": "moorage.env", "report": "moorage-report.html"}
    for name, entry in inputs.items():
        if "options" in entry:
            assert entry["default"] in entry["options"]
            assert len(entry["options"]) <= 50  # GitLab's limit
        if name in BY_NAME and BY_NAME[name].shape is Shape.FLAG:
            assert entry["options"] == ["", "true", "false"]


def test_the_reference_has_a_row_for_every_option() -> None:
    text = render_reference()
    for option in TABLE:
        assert text.count(f"| `{option.flag}`") + text.count(f"| `{option.flag} ") == 1, option.name
        assert f"| `{option.variable}` |" in text
