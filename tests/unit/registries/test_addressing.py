import pytest
from tests.data.cases import cases

from moorage.errors import ConfigurationError
from moorage.oci.naming import Mode
from moorage.registries.addressing import choose, detect, parse_address, resolve
from moorage.registries.catalog import IMPLEMENTATIONS
from moorage.registries.vendor import Address, Form, Surroundings

CASES = cases("names")
REFUSED = "refused"
DETECTION = CASES["detection"]
PARSING = CASES["parsing"]
MODES = CASES["modes"]


@pytest.mark.parametrize(
    ("text", "vendor"),
    [*DETECTION["kept"], *((case["address"], case["now"]) for case in DETECTION["changed"]), *DETECTION["added"]],
)
def test_addresses_show_their_vendor(text: str, vendor: str) -> None:
    if vendor == REFUSED:
        with pytest.raises(ConfigurationError):
            parse_address(text)
    else:
        assert detect(parse_address(text)).name == vendor


@pytest.mark.parametrize(("text", "vendor", "server", "registry"), DETECTION["surroundings"])
def test_the_ci_system_knows_more_hosts(text: str, vendor: str, server: str, registry: str) -> None:
    surroundings = Surroundings.of({"GITHUB_SERVER_URL": server, "CI_REGISTRY": registry})
    assert detect(parse_address(text), surroundings).name == vendor


@pytest.mark.parametrize(
    ("text", "expected"), [*PARSING["kept"], *((case["address"], case["now"]) for case in PARSING["changed"])]
)
def test_addresses_have_a_registry_and_a_path(text: str, expected: list[str] | str) -> None:
    if expected == REFUSED:
        with pytest.raises(ConfigurationError):
            resolve(text, "default")
    else:
        repo = resolve(text, "default")
        assert [str(repo.registry), repo.repository("").path if repo.form is Form.REPOSITORY else ""] == expected


@pytest.mark.parametrize(
    ("implementation", "text", "mode", "expected"),
    [*MODES["kept"], *((*case["case"], case["now"]) for case in MODES["changed"]), *MODES["added"]],
)
def test_address_and_mode(implementation: str, text: str, mode: str, expected: str) -> None:
    if expected == REFUSED:
        with pytest.raises(ConfigurationError):
            resolve(text, implementation, mode)
    else:
        assert resolve(text, implementation, mode).mode == expected


@pytest.mark.parametrize("implementation", [name for name in IMPLEMENTATIONS if name not in {"auto", "layout"}])
def test_any_implementation_may_be_forced_on_any_host(implementation: str) -> None:
    repo = resolve("localhost:5001/acme/app", implementation)
    assert repo.vendor.name == implementation
    assert str(repo.registry) == "localhost:5001"


@pytest.mark.parametrize("implementation", [name for name in IMPLEMENTATIONS if name != "auto"])
def test_no_implementation_takes_a_registry_for_one_repository(implementation: str) -> None:
    registry = {"github": "ghcr.io/acme", "dockerhub": "acme", "quay": "quay.io/acme", "layout": "oci:out"}.get(
        implementation, "my.registry"
    )
    assert resolve(registry, implementation).mode is Mode.MULTIREPO
    with pytest.raises(ConfigurationError, match="add a repository to the address or use --images-repo-mode multirepo") as caught:
        resolve(registry, implementation, "monorepo")
    assert f"implementation {implementation} " in caught.value.message
    assert f"'{registry}'" in caught.value.message


def test_a_repository_that_cannot_hold_others_names_the_way_out() -> None:
    with pytest.raises(ConfigurationError, match="take the repository out of the address or use --images-repo-mode monorepo"):
        resolve("acme/shop", mode="multirepo")


def test_all_mistakes_come_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolve("https://ghcr.io/acme", "ghcr", "mono")
    implementation, mode, address = caught.value.problems
    assert "unknown implementation 'ghcr', did you mean github?" in implementation
    assert "bad --images-repo-mode 'mono'" in mode
    assert "write 'ghcr.io/acme'" in address


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("GitLab", "gitlab"), ("harbour", "harbor"), ("artifactory", "jfrog"), ("aws", "ecr"), ("docker-hub", "dockerhub")],
)
def test_unknown_implementations_are_answered_with_the_nearest(typed: str, meant: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"did you mean {meant}\? known are auto, acr, default"):
        choose(Address("x/y", None, ("x", "y")), typed)


def test_nothing_is_suggested_where_nothing_is_near() -> None:
    with pytest.raises(ConfigurationError, match="unknown implementation 'zzz'; known are"):
        choose(Address("x/y", None, ("x", "y")), "zzz")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("http://reg.io/xx", "leave out 'http://' and write 'reg.io/xx'"),
        ("docker://reg.io/xx", "leave out 'docker://' and write 'reg.io/xx'"),
        ("oci://ghcr.io/acme", "leave out 'oci://' and write 'ghcr.io/acme'"),
        ("reg.io/x y", "no spaces"),
        ("reg.io/x\ny", "no spaces and no control characters"),
        ("reg.io/App", "write 'app'"),
        ("reg.io/app:v1", "a tag is not part of the address"),
        ("app:v1", "if 'v1' is a tag, leave it out"),
        (f"reg.io/app@sha256:{'a' * 64}", "a digest is not part of the address"),
        ("reg.io:99999/xx", "a port lies between 1 and 65535"),
        ("reg.io:0/xx", "a port lies between 1 and 65535"),
        ("reg.io:/xx", "with port ''"),
        ("a//b", "nothing between two slashes"),
        ("reg.io/x..y", "'x..y' is not lower-case letters"),
        (f"reg.io/{'r' * 256}", "at most 255 characters, this one has 256"),
        (":local", "--stages-storage :local"),
        (":minikube", "give `project:`"),
        ("oci:", "a directory is needed"),
        ("oci:out:v1", "no : in its name"),
        ("oci: out", "no spaces around it"),
        ("oci:a\nb", "no control characters"),
        ("", "an address is needed"),
        ("///", "an address is needed"),
    ],
)
def test_bad_addresses_are_answered_with_what_to_do(text: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_address(text, option="--stages-storage")
    assert hint in caught.value.message
    assert caught.value.message.startswith(f"bad --stages-storage {text!r}: ")


@pytest.mark.parametrize("text", ["bob:s3cret@reg.io/x", "https://bob:s3cret@reg.io/x", "bob:s3cret@reg.io", "s3cret@reg.io"])
def test_a_password_in_an_address_is_never_shown(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolve(text)
    assert "s3cret" not in str(caught.value)
    assert "reg.io" in str(caught.value)


def test_minikube_expands_with_the_project() -> None:
    repo = resolve(":minikube", project="shop")
    assert repo.text == "werf-registry.kube-system.svc.cluster.local:5000/shop"


def test_one_character_and_255_characters_make_a_path() -> None:
    assert parse_address("reg.io/x").path == ("x",)
    assert parse_address(f"reg.io/{'r' * 255}").path == ("r" * 255,)


def test_directories_stay_as_written() -> None:
    address = parse_address("oci:./Some Dir/registry//")
    assert (address.text, address.host, address.path) == ("oci:./Some Dir/registry", "oci:./Some Dir/registry", ())
