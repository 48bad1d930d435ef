"""What options come to: one test per decision."""

import json
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from tests.calling import requested

from moorage.auth.secret import Secret
from moorage.errors import ConfigurationError
from moorage.oci.reference import DOCKER_HUB_HOSTS, Registry
from moorage.oci.tagging import TagRequest, TagStrategy
from moorage.policy.patterns import TagSelector
from moorage.policy.rules import Guards, Rule
from moorage.policy.tag_strategies import StrategyLimit, StrategyLimits
from moorage.registries.github import TOKEN
from moorage.registries.harbor import API_URL, PASSWORD
from moorage.settings.assemble.access import access_of
from moorage.settings.assemble.images import image_names, image_settings
from moorage.settings.assemble.policy import guards_of, policy_of
from moorage.settings.assemble.project import project_of
from moorage.settings.assemble.storage import storage
from moorage.settings.assemble.stories import cleanup_settings, publish_settings
from moorage.settings.assemble.tags import tags_of
from moorage.settings.request import Request
from moorage.settings.settings import BuildContext, ClusterSettings, ImageSetting, Login, SourceText

GITHUB = {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/shop", "GITHUB_REF_TYPE": "branch", "GITHUB_REF_NAME": "Feature/x"}


def problems_of(request: Request) -> list[str]:
    error = request.problems.error()
    return list(error.problems) if error else []


# Where


def test_the_specific_form_of_a_credential_wins_wherever_it_stands(tmp_path: Path) -> None:
    config = "options: {images-repo-github-token: specific-in-file}"
    argv = ["--images-repo", "ghcr.io/acme/shop", "--repo-github-token", "common-flag"]
    assert storage(requested(tmp_path, "cleanup", *argv, config=config)).options.get(TOKEN) == Secret("specific-in-file")
    (tmp_path / "moorage.yaml").unlink()
    assert storage(requested(tmp_path, "cleanup", *argv)).options.get(TOKEN) == Secret("common-flag")


def test_the_jobs_own_token_comes_last(tmp_path: Path) -> None:
    environ = {"GITHUB_TOKEN": "of-the-job", "MOORAGE_STAGES_STORAGE_REPO_GITHUB_TOKEN": "of-the-stages"}
    argv = ["--images-repo", "ghcr.io/acme/shop"]
    assert storage(requested(tmp_path, "cleanup", *argv, environ=environ)).options.get(TOKEN) == Secret("of-the-job")
    environ["MOORAGE_REPO_GITHUB_TOKEN"] = "common-token"
    assert storage(requested(tmp_path, "cleanup", *argv, environ=environ)).options.get(TOKEN) == Secret("common-token")


def test_a_vendor_gets_its_own_options_and_only_what_was_given(tmp_path: Path) -> None:
    argv = ["--images-repo", "harbor.acme.example/shop", "--repo-harbor-password", "pass-word", "--repo-quay-token", "quay-token"]
    options = storage(requested(tmp_path, "cleanup", *argv)).options
    assert (options.get(PASSWORD), options.get(API_URL)) == (Secret("pass-word"), None)
    assert repr(options) == "VendorOptions(['harbor-password'])"


@pytest.mark.parametrize(
    ("argv", "vendor"),
    [
        (["--images-repo-implementation", "harbor", "--repo-implementation", "quay"], "harbor"),
        (["--repo-implementation", "harbor"], "harbor"),
        ([], "default"),
    ],
)
def test_the_implementation_too_is_looked_up_specifically_first(tmp_path: Path, argv: list[str], vendor: str) -> None:
    request = requested(tmp_path, "cleanup", "--images-repo", "localhost:5000/a/b", *argv)
    assert storage(request).repo.vendor.name == vendor


def test_the_address_is_named_by_where_it_came_from(tmp_path: Path) -> None:
    request = requested(tmp_path, "cleanup", environ={"MOORAGE_IMAGES_REPO": "https://quay.io/a/b"})
    with pytest.raises(ConfigurationError, match=r"bad \$MOORAGE_IMAGES_REPO 'https://quay.io/a/b'"):
        storage(request)


# What


def test_image_flags_replace_the_files_images_and_borrow_their_sources(tmp_path: Path) -> None:
    config = "images: [{image: web, context: web}, {image: api, source: 'docker://x/y'}]"
    (tmp_path / "lib").mkdir()
    argv = [
        "--image",
        "web",
        "--image",
        "lib=lib",
        "--image",
        "~=quay.io/x/y:1",
        "--image",
        "m=oci:a",
        "--image",
        "m=oci-archive:b.tar",
    ]
    request = requested(tmp_path, "publish", *argv, config=config)
    assert image_settings(request) == (
        ImageSetting("web", (BuildContext(tmp_path / "web"),)),
        ImageSetting("lib", (BuildContext(tmp_path / "lib"),)),
        ImageSetting("", (SourceText("quay.io/x/y:1"),)),
        ImageSetting("m", (SourceText(f"oci:{tmp_path}/a"), SourceText(f"oci-archive:{tmp_path}/b.tar"))),
    )
    assert not request.problems
    assert image_names(request) == ("web", "lib", "", "m")
    assert image_names(requested(tmp_path, "names")) == ("web", "api")


def test_images_without_a_source(tmp_path: Path) -> None:
    request = requested(tmp_path, "publish", "--image", "a", "--image", "b=", "--image", "c=./gone", "--image", "~")
    image_settings(request)
    assert problems_of(request) == [
        "bad --image 'b=': a source is needed after =",
        "bad --image source './gone': there is no such directory",
        "image 'a' has no source: give --image a=SOURCE, or its context",
        "the nameless image has no source: give --image ~=SOURCE, or its context",
    ]


def test_nobody_is_told_to_name_an_image_whose_source_is_wrong(tmp_path: Path) -> None:
    request = requested(tmp_path, "publish", "--image", "a=./gone")
    assert image_settings(request) == ()
    assert problems_of(request) == ["bad --image source './gone': there is no such directory"]

    request = requested(tmp_path, "publish")
    image_settings(request)
    assert [problem.partition(":")[0] for problem in problems_of(request)] == ["no image is named"]


# Tags


@pytest.mark.parametrize(
    ("argv", "environ", "tags"),
    [
        ([], {}, []),
        ([], GITHUB, [TagRequest(TagStrategy.STAGES_SIGNATURE)]),
        (["--tag-custom", "v1"], GITHUB, [TagRequest(TagStrategy.CUSTOM, "v1")]),
        (["--tagging-strategy", "stages-signature"], {}, [TagRequest(TagStrategy.STAGES_SIGNATURE)]),
        (["--tagging-strategy", "tag-or-branch", "--tag-git-tag", "v1"], GITHUB, [TagRequest(TagStrategy.GIT_TAG, "v1")]),
        (["--tag-by-stages-signature"], {}, [TagRequest(TagStrategy.STAGES_SIGNATURE)]),
    ],
)
def test_the_ci_systems_tag_counts_only_when_no_tag_is_given(
    tmp_path: Path, argv: list[str], environ: dict[str, str], tags: list[TagRequest]
) -> None:
    assert list(tags_of(requested(tmp_path, "publish", *argv, environ=environ))) == tags


def test_tag_or_branch(tmp_path: Path) -> None:
    (tag,) = tags_of(requested(tmp_path, "publish", "--tagging-strategy", "tag-or-branch", environ=GITHUB))
    assert tag.strategy is TagStrategy.GIT_BRANCH
    assert (tag.value or "").startswith("feature-x-")
    request = requested(tmp_path, "publish", "--tagging-strategy", "tag-or-branch")
    assert tags_of(request) == ()
    assert problems_of(request)[0].startswith("--tagging-strategy tag-or-branch: no CI system says")


# Access


def logins(request: Request, registry: str = "ghcr.io") -> list[tuple[str, str, str]]:
    return [(login.registry, login.username, login.source) for login in access_of(request, Registry(registry)).logins]


def test_a_user_without_a_registry_belongs_to_the_images_repo(tmp_path: Path) -> None:
    argv = ["--username", "me", "--password", "pass-word"]
    assert logins(requested(tmp_path, "publish", *argv)) == [("ghcr.io", "me", "--password")]
    assert logins(requested(tmp_path, "publish", *argv, "--registry", "https://quay.io/")) == [("quay.io", "me", "--password")]


@pytest.mark.parametrize("name", ["https://index.docker.io/v1/", "index.docker.io/v1", "docker.io", "https://index.docker.io"])
def test_dockers_own_name_for_docker_hub_is_a_registry(tmp_path: Path, name: str) -> None:
    argv = ["--username", "me", "--password", "pass-word", "--registry", name]
    [(registry, _, _)] = logins(requested(tmp_path, "publish", *argv))
    assert registry in DOCKER_HUB_HOSTS


@pytest.mark.parametrize("name", ["https://index.docker.io/v1/me", "https://quay.io/v1/", "https://index.docker.io/library"])
def test_a_registry_has_no_path(tmp_path: Path, name: str) -> None:
    request = requested(tmp_path, "publish", "--username", "me", "--password", "pass-word", "--registry", name)
    assert logins(request) == []
    assert problems_of(request)[0].startswith(f"bad registry {name!r}")


def test_a_list_of_logins(tmp_path: Path) -> None:
    text = "- registry: quay.io\n  username: 0123\n  password: yes\n- username: hub\n  password: '0x10'\n"
    request = requested(tmp_path, "publish", environ={"MOORAGE_REGISTRY_AUTH": text})
    assert access_of(request).logins == (
        Login("quay.io", "0123", Secret("yes"), "--registry-auth"),
        Login("docker.io", "hub", Secret("0x10"), "--registry-auth"),
    )


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"MOORAGE_USERNAME": "me"}, "--username (from $MOORAGE_USERNAME) needs --password too"),
        ({"MOORAGE_PASSWORD": "pass-word"}, "--password (from $MOORAGE_PASSWORD) needs --username too"),
        ({"MOORAGE_REGISTRY": "quay.io"}, "--registry (from $MOORAGE_REGISTRY) needs --username and --password"),
        ({"MOORAGE_REGISTRY_AUTH": "- {username: a, password: bbbb, user: c}"}, "registry-auth:1: [0].user: unknown key"),
        (
            {"MOORAGE_REGISTRY_AUTH": "- {username: a}\n- x"},
            "bad $MOORAGE_REGISTRY_AUTH ***: registry-auth:1: [0]: password missing",
        ),
        ({"MOORAGE_REGISTRY_AUTH": "quay.io"}, "bad $MOORAGE_REGISTRY_AUTH ***: a YAML list is needed"),
        (
            {"MOORAGE_REGISTRY_AUTH": "[{registry: a.b, username: a, password: b}, {registry: a.b, username: c, password: d}]"},
            "two logins for a.b",
        ),
        ({"MOORAGE_INSECURE_REGISTRY": "http://a"}, "bad --insecure-registry 'http://a'"),
        ({"MOORAGE_CA_FILE": "/gone.pem"}, "bad $MOORAGE_CA_FILE '/gone.pem': there is no such file"),
    ],
)
def test_mistakes_in_logins_and_trust(tmp_path: Path, environ: dict[str, str], problem: str) -> None:
    request = requested(tmp_path, "publish", environ=environ)
    access_of(request)
    (found,) = problems_of(request)
    assert problem in found
    assert "bbbb" not in found


def test_the_ci_systems_login_is_for_its_own_registry_and_comes_after_the_users(tmp_path: Path) -> None:
    environ = {**GITHUB, "GITHUB_TOKEN": "of-the-job", "GITHUB_ACTOR": "me", "HOME": str(tmp_path)}
    assert logins(requested(tmp_path, "publish", environ=environ)) == [("ghcr.io", "me", "$GITHUB_TOKEN")]
    assert logins(requested(tmp_path, "publish", environ=environ), "quay.io") == []
    (tmp_path / ".docker").mkdir()
    config = tmp_path / ".docker/config.json"
    config.write_text(json.dumps({"auths": {"https://ghcr.io": {"auth": "bWU6bXlzZWxm"}}}), encoding="utf-8")
    assert logins(requested(tmp_path, "publish", environ=environ)) == []
    config.write_text(json.dumps({"auths": {"quay.io": {"auth": "bWU6bXlzZWxm"}}}), encoding="utf-8")
    assert logins(requested(tmp_path, "publish", environ=environ)) == [("ghcr.io", "me", "$GITHUB_TOKEN")]


def test_the_docker_config(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    assert access_of(requested(tmp_path, "publish", environ=home)).docker_config is None
    (tmp_path / ".docker").mkdir()
    assert access_of(requested(tmp_path, "publish", environ=home)).docker_config == tmp_path / ".docker"
    assert access_of(requested(tmp_path, "publish", environ={**home, "DOCKER_CONFIG": "/gone"})).docker_config is None
    request = requested(tmp_path, "publish", "--docker-config", "/gone", environ=home)
    access_of(request)
    assert problems_of(request) == ["bad --docker-config '/gone': there is no such directory"]


# Cleanup


@pytest.mark.parametrize(
    ("argv", "rules"),
    [
        ([], []),
        (["--older-than", "7d"], [Rule("--older-than 7d", older_than=timedelta(days=7))]),
        (
            ["--older-than", "7d", "--delete-untagged"],
            [Rule("--delete-untagged --older-than 7d", tagged=False, untagged=True, older_than=timedelta(days=7))],
        ),
        (
            ["--older-than", "7d", "--keep-n-untagged", "3", "--keep-n-tagged", "5"],
            [
                Rule("--older-than 7d --keep-n-tagged 5", older_than=timedelta(days=7), keep_newest=5),
                Rule(
                    "--older-than 7d --keep-n-untagged 3",
                    tagged=False,
                    untagged=True,
                    older_than=timedelta(days=7),
                    keep_newest=3,
                ),
            ],
        ),
        (
            ["--delete-tags", "pr-*", "--delete-tags", "!pr-1"],
            [Rule("--delete-tags 'pr-*' --delete-tags '!pr-1'", TagSelector.parse(["pr-*", "!pr-1"]))],
        ),
        (["--keep-n-tagged", "0"], [Rule("--keep-n-tagged 0", keep_newest=0)]),
    ],
)
def test_rules_out_of_flags(tmp_path: Path, argv: list[str], rules: list[Rule]) -> None:
    request = requested(tmp_path, "cleanup", *argv)
    assert list(policy_of(request).rules) == rules
    assert not request.problems


def test_flags_add_to_the_files_rules_and_protection(tmp_path: Path) -> None:
    config = "cleanup: {rules: [{tags: a*, olderThan: 1d}], protect: [keep]}"
    argv = ["--older-than", "7d", "--protect", "v*", "--exclude-tags", "x", "--delete-unknown-age"]
    policy = policy_of(requested(tmp_path, "cleanup", *argv, config=config))
    assert [rule.name for rule in policy.rules] == ["cleanup.rules[0]", "--older-than 7d"]
    assert policy.protect == TagSelector.parse(["keep", "v*"])
    assert policy.exclude == TagSelector.parse(["x"])
    assert (policy.young, policy.delete_unknown_age) == (timedelta(hours=2), True)


@pytest.mark.parametrize(
    "argv", [["--delete-tags", "*"], ["--delete-tags", "/.*/"], ["--delete-tags", "a*", "--delete-tags", "*"]]
)
def test_a_rule_without_bounds_needs_the_explicit_word(tmp_path: Path, argv: list[str]) -> None:
    assert [rule.is_boundless for rule in guards(tmp_path, *argv).boundless] == [True]
    assert guards(tmp_path, *argv, "--delete-everything").boundless == ()
    assert guards(tmp_path, "--plan", "p.json", config="cleanup: {rules: [{}]}").boundless == (), "nobody asks this rule"


def test_a_rule_of_the_file_without_bounds_too(tmp_path: Path) -> None:
    config = "cleanup: {rules: [{}, {everything: true}, {untagged: true}]}"
    assert [rule.name for rule in guards(tmp_path, config=config).boundless] == ["cleanup.rules[0]"]


def test_guards(tmp_path: Path) -> None:
    assert guards(tmp_path) == Guards(1000, 80)
    config = "cleanup: {guards: {maxDelete: 5, maxDeletePercent: -1}}"
    assert guards(tmp_path, config=config) == Guards(5, None)
    assert guards(tmp_path, "--max-delete", "-1", config=config) == Guards(None, None)


def guards(tmp_path: Path, *argv: str, config: str | None = None) -> Guards:
    request = requested(tmp_path, "cleanup", *argv, config=config)
    found = guards_of(request, policy_of(request))
    assert not request.problems
    return found


def test_options_that_exclude_each_other(tmp_path: Path) -> None:
    argv = ["--images-repo", "oci:x", "--all-repositories", "--repository", "a", "--plan", "p.json", "--older-than", "1d"]
    with pytest.raises(ConfigurationError) as caught:
        cleanup_settings(requested(tmp_path, "cleanup", *argv, environ={"MOORAGE_DELETE_UNTAGGED": "true"}))
    assert [problem.partition(" exclude")[0] for problem in caught.value.problems] == [
        "--repository and --all-repositories",
        "--plan and --delete-untagged (from $MOORAGE_DELETE_UNTAGGED)",
        "--plan and --older-than",
        "--plan and --repository",
        "--plan and --all-repositories",
    ]


def test_everything_that_is_wrong_with_a_publish_is_told_at_once(tmp_path: Path) -> None:
    argv = ["--images-repo", "http://x", "--label", "a=b", "--no-labels", "--tag-custom", "a/b", "--username", "me"]
    with pytest.raises(ConfigurationError) as caught:
        publish_settings(requested(tmp_path, "publish", *argv, environ={"MOORAGE_IMAGE_REPO": "x"}))
    assert len(caught.value.problems) == 6, caught.value.problems


# Kubernetes


def clusters(tmp_path: Path, *argv: str, **environ: str) -> ClusterSettings | None:
    return cleanup_settings(requested(tmp_path, "cleanup", "--images-repo", "oci:x", *argv, environ=environ)).clusters


def test_the_kubeconfig_is_looked_for_where_kubectl_does(tmp_path: Path) -> None:
    (tmp_path / ".kube").mkdir()
    assert clusters(tmp_path, HOME=str(tmp_path)) == ClusterSettings()
    own = tmp_path / ".kube/config"
    own.touch()
    assert clusters(tmp_path, HOME=str(tmp_path)) == ClusterSettings((own,))
    assert clusters(tmp_path, KUBECONFIG=":/a::/b:") == ClusterSettings((Path("/a"), Path("/b")), asked_for=True)
    assert clusters(tmp_path, "--kube-config", "/c", KUBECONFIG="/a") == ClusterSettings((Path("/c"),), asked_for=True)
    chosen = clusters(tmp_path, "--kube-context", "prod", "--scan-context-namespace-only", HOME=str(tmp_path))
    assert chosen == ClusterSettings((own,), asked_for=True, context="prod", own_namespace=True)


def test_without_kube_wins_over_whatever_else_is_said(tmp_path: Path) -> None:
    assert clusters(tmp_path, "--without-kube", "--kube-config", "/c", KUBECONFIG="/a") is None


# Git and the stages storage


def test_keep_policies_and_the_words_about_git_come_to_cleanup(tmp_path: Path) -> None:
    argv = ["--images-repo", "quay.io/x/y", "--git-history-synchronization", "--allow-git-shallow-clone"]
    config = "cleanup: {keepPolicies: [{references: {branch: main}}]}"
    found = cleanup_settings(requested(tmp_path, "cleanup", *argv, config=config)).git
    assert (found.by_history, found.synchronize, found.allow_shallow) == (True, True, True)
    assert [str(policy) for policy in found.keep_policies] == ["branch main"]
    assert found.limits == StrategyLimits()


def test_limits_of_tag_strategies_come_from_ci_env_and_flags(tmp_path: Path) -> None:
    argv = ["--images-repo", "quay.io/x/y", "--git-history-based-cleanup=false", "--git-commit-strategy-limit", "0"]
    environ = {"MOORAGE_GIT_TAG_STRATEGY_LIMIT": "10", "MOORAGE_GIT_TAG_STRATEGY_EXPIRY_DAYS": "30"}
    found = cleanup_settings(requested(tmp_path, "cleanup", *argv, environ=environ)).git
    assert not found.by_history
    assert found.limits == StrategyLimits(StrategyLimit(10, timedelta(days=30)), StrategyLimit(0))


def test_the_stages_storage_has_an_address_and_credentials_of_its_own(tmp_path: Path) -> None:
    environ = {"MOORAGE_STAGES_STORAGE": "quay.io/x/stages", "MOORAGE_STAGES_STORAGE_REPO_QUAY_TOKEN": "of-the-stages"}
    found = cleanup_settings(requested(tmp_path, "cleanup", "--images-repo", "quay.io/x/y", environ=environ)).stages
    assert found is not None
    assert (found.repo.text, found.repo.vendor.name, found.option_prefix) == ("quay.io/x/stages", "quay", "stages-storage")


@pytest.mark.parametrize(("stages", "why"), [("quay.io/x/y", "this is the images repo"), ("quay.io/x", "names a registry")])
def test_stages_need_a_repository_of_their_own(tmp_path: Path, stages: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        cleanup_settings(requested(tmp_path, "cleanup", "--images-repo", "quay.io/x/y", "--stages-storage", stages))


def test_a_local_stages_storage_holds_no_records(tmp_path: Path) -> None:
    settings = cleanup_settings(requested(tmp_path, "cleanup", "--images-repo", "quay.io/x", "--stages-storage", ":local"))
    assert settings.stages is None
    assert settings.local_stages
    assert not cleanup_settings(requested(tmp_path, "cleanup", "--images-repo", "quay.io/x")).local_stages


# Project


def git(directory: Path, *arguments: str) -> str:
    command = ["git", "-C", str(directory), "-c", "user.name=t", "-c", "user.email=t@t", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize(
    ("remote", "name", "page"),
    [
        ("git@github.com:acme/shop.git", "shop", "https://github.com/acme/shop"),
        ("https://me:secret@git.example/acme/shop.git", "shop", "https://git.example/acme/shop"),
        ("ssh://git@git.example:2222/acme/shop.git", "shop", "https://git.example/acme/shop"),
        ("/srv/git/shop.git", "shop", ""),
    ],
)
def test_a_project_is_named_by_its_remote(tmp_path: Path, remote: str, name: str, page: str) -> None:
    git(tmp_path, "init", "-q")
    git(tmp_path, "remote", "add", "origin", remote)
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "x")
    project = project_of(requested(tmp_path, "publish"))
    assert (project.name, project.source_url, project.revision) == (name, page, git(tmp_path, "rev-parse", "HEAD"))


def test_a_project_without_git_is_named_by_its_directory(tmp_path: Path) -> None:
    directory = tmp_path / "shop"
    directory.mkdir()
    project = project_of(requested(directory, "publish", environ={"GITLAB_CI": "true", "CI_COMMIT_SHA": "c0ffee"}))
    assert (project.name, project.revision, project.directory) == ("shop", "c0ffee", directory)
    assert project_of(requested(directory, "publish", "--project", "other")).name == "other"
