"""`/jwt/auth` of a GitLab, and who may ask it for what (container_registry_authentication_service.rb, seen 2026-11)."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.scripted_server import Reply, oci_error
from tests.simulators.accounts import DELETE, PULL, PUSH, Account, TokenDesk, origin

if TYPE_CHECKING:
    from tests.scripted_server import Request

API, READ_API, JOB_API = "api", "read_api", "job"
WRITER = Account("alice", "glpat-sham-of-alice-0001", frozenset({PULL, PUSH, DELETE, "*", API}))
READER = Account("bob", "glpat-sham-of-bob-000001", frozenset({PULL, READ_API}))
JOB = Account("gitlab-ci-token", "glcbt-64_sham-of-job-0001", frozenset({PULL, PUSH, DELETE, JOB_API}))
DEPLOY = Account("gitlab+deploy-token-7", "gldt-sham-of-deploy-0001", frozenset({PULL, PUSH}))


@dataclass
class GitLabDesk(TokenDesk):
    """`/jwt/auth`: a token that says what it grants, as a JWT. `knows_delete` is False before GitLab 12.x.

    `made` are the repositories that GitLab has a row of, because somebody was allowed to push there.
    """

    site: str = ""
    knows_delete: bool = True
    push_protected: set[str] = field(default_factory=set)
    rules: dict[str, list[str]] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)

    def challenge(self, request: Request, scope: str = "", **more: str) -> Reply:
        found = super().challenge(request, scope, **more)
        headers = {name: value.replace(origin(request), self.site or origin(request)) for name, value in found.headers.items()}
        return Reply(found.status, found.body, headers)

    def issue(self, request: Request) -> Reply:
        account = self._who(request)
        if account is None and request.headers.get("authorization"):
            return (
                oci_error(403, "DENIED", "access forbidden")
                if self.site
                else oci_error(401, "UNAUTHORIZED", "HTTP Basic: Access denied")
            )
        granted: dict[str, set[str]] = {}
        for name, scope in request.query:
            kind, _, rest = scope.partition(":")
            path, _, actions = rest.rpartition(":")
            if name != "scope" or kind != "repository":
                continue
            if PUSH in actions and path in self.push_protected:
                return oci_error(403, "DENIED", "Pushing to protected repository path forbidden")
            granted.setdefault(path, set()).update(action for action in actions.split(",") if self._grants(account, action))
            if PUSH in granted[path]:
                self.made.add(path)
        token = self._token_for(granted)
        self.issued[token] = (account, granted)
        self.ever_issued.append(token)
        return Reply.of({"token": token})

    def allows(self, request: Request, repository: str, action: str) -> bool:
        return super().allows(request, repository, action) or super().allows(request, repository, "*")

    def _grants(self, account: Account | None, action: str) -> bool:
        return account is not None and action in account.rights and (action != DELETE or self.knows_delete)

    def _who(self, request: Request) -> Account | None:
        """By the password; GitLab looks at the name of job and deploy tokens alone."""
        coded = request.headers.get("authorization", "").partition(" ")[2]
        name, _, password = base64.b64decode(coded).decode().partition(":")
        found = next((one for one in self.accounts.everybody if one.password == password), None)
        return None if found is not None and found in {JOB, DEPLOY} and found.name != name else found

    def _token_for(self, granted: dict[str, set[str]]) -> str:
        access = [
            {
                "type": "repository", "name": path, "actions": sorted(actions),
                "meta": {"tag_deny_access_patterns": {"delete": self.rules.get(project_of(path), [])}},
            }
            for path, actions in granted.items() if actions
        ]  # fmt: skip
        parts = ({"alg": "RS256", "typ": "JWT"}, {"iss": "gitlab-issuer", "aud": self.service, "access": access})
        coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
        return ".".join([*coded, secrets.token_urlsafe(24)])


def project_of(path: str) -> str:
    """All projects lie in a group of one level."""
    return "/".join(path.split("/")[:2])
