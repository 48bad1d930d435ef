import pytest

from moorage.settings.unknown import meant_by, unknown_in


def test_variables_of_ours_have_to_exist() -> None:
    environ = {"MOORAGE_IMAGE_REPO": "x", "MOORAGE_DRYRUN": "", "MOORAGE_dry_run": "1", "MOORAGE_QQQQ": "1", "HOME": "/"}
    assert list(unknown_in(environ)) == [
        "unknown variable MOORAGE_DRYRUN, did you mean MOORAGE_DRY_RUN?",
        "unknown variable MOORAGE_IMAGE_REPO, did you mean MOORAGE_IMAGES_REPO?",
        "unknown variable MOORAGE_QQQQ",
        "unknown variable MOORAGE_dry_run, did you mean MOORAGE_DRY_RUN?",
    ]


def test_outputs_of_earlier_jobs_are_ignored() -> None:
    assert list(unknown_in({"MOORAGE_OUT_DIGEST": "sha256:1", "MOORAGE_OUT_": "", "MOORAGE_IMAGES_REPO": "x"})) == []


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"INPUT_IMAGES-REPOO": "x"}, ["unknown input images-repoo, did you mean images-repo?"]),
        ({"INPUT_IMAGES-REPOO": ""}, []),
        ({"INPUT_ODD-THING": "x"}, ["unknown input odd-thing"]),
        ({"INPUT_METHOD": "ibus"}, []),
        ({"INPUT_METHOD": "ibus", "GITHUB_ACTIONS": "true"}, ["unknown input method"]),
        ({"INPUT_COMAND": "publish"}, ["unknown input comand, did you mean command?"]),
        ({"INPUT_DRY-RUN": "true", "INPUT_DRY_RUN": "true"}, []),
    ],
)
def test_inputs_have_to_exist_unless_they_are_somebody_elses(environ: dict[str, str], told: list[str]) -> None:
    assert list(unknown_in(environ)) == told


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("cut-off", "older-than"),
        ("prune-untagged", "delete-untagged"),
        ("keep-n-most-recent", "keep-n-tagged"),
        ("dry-rum", "dry-run"),
    ],
)
def test_words_of_other_tools_are_understood(word: str, meant: str) -> None:
    assert meant_by(word) == meant
