from pathlib import Path

import pytest
from tests.calling import config_in

from moorage.errors import ConfigurationError

PLAIN = """project: shop
configVersion: 1
deploy:
  namespace: "[[ project ]]-{{ env }}"
cleanup:
  # what stays
  keepPolicies:
  - references:
      branch: main

  keepImagesBuiltWithinLastNHours: 4
{{ $x := "y" }}
---
image: frontend
from: {{ .BaseImage }}
git:
{{- range .Paths }}
- add: {{ . }}
{{- end }}
"""


def read(tmp_path: Path, text: str) -> tuple[str, int, int]:
    file = tmp_path / "werf.yaml"
    file.write_text(text, encoding="utf-8")
    config = config_in(file)
    return config.options["project"].texts[0], len(config.cleanup.keep_policies), len(config.cleanup.options)


def test_the_two_parts_are_read_and_the_rest_is_not_looked_at(tmp_path: Path) -> None:
    assert read(tmp_path, PLAIN) == ("shop", 1, 1)


def test_templates_between_the_parts_are_tolerated(tmp_path: Path) -> None:
    text = PLAIN.replace("configVersion", '{{ define "x" }}\nfoo: {{ . }}\n{{ end }}\n{{ if .a }}{{ end }}\nconfigVersion')
    assert read(tmp_path, text) == ("shop", 1, 1)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("branch: main", "branch: {{ .main }}", "werf.yaml:9: Go templates are not rendered here"),
        ("branch: main", 'branch: "{{ .main }}"', "werf.yaml:9: Go templates are not rendered here"),
        ("cleanup:", "{{ if .clean }}\ncleanup:", "werf.yaml:6: this stands inside of a Go template, which is not rendered"),
        ("project: shop", "project: {{ .name }}", "werf.yaml:1: Go templates are not rendered here"),
        ("keepPolicies:", "keepPolicy:", "werf.yaml:7: cleanup.keepPolicy: unknown key, did you mean keepPolicies?"),
    ],
)
def test_the_parts_themselves_have_to_be_plain(tmp_path: Path, old: str, new: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, PLAIN.replace(old, new, 1))
    assert caught.value.problems[0] == f"{tmp_path}/{problem}"


def test_two_projects_are_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"werf.yaml:\d+: project is given twice, first in line 1"):
        read(tmp_path, PLAIN + "---\nproject: other\n")
