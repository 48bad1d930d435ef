"""ACR's token service: Basic, and refresh tokens that it gave itself."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode

from tests.scripted_server import Reply, oci_error
from tests.simulators.accounts import Account, TokenDesk

if TYPE_CHECKING:
    from tests.scripted_server import Request


@dataclass
class AcrDesk(TokenDesk):
    """Also takes refresh tokens. Its tokens are JWTs that say what they grant, with capitals."""

    refresh_tokens: dict[str, Account] = field(default_factory=dict)

    def give_refresh_token(self, account: Account) -> str:
        token = secrets.token_urlsafe(24)
        self.refresh_tokens[token] = account
        self.ever_issued.append(token)
        return token

    def issue(self, request: Request) -> Reply:
        asked = request
        if request.method == "POST":
            form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
            account = self.refresh_tokens.get(form.get("refresh_token", ""))
            name, password = (account.name, account.password) if account else ("", "none")
            basic = base64.b64encode(f"{name}:{password}".encode()).decode()
            target = f"{self.path}?{urlencode([('scope', one) for one in form.get('scope', '').split()])}"
            asked = replace(request, target=target, headers={**request.headers, "authorization": f"Basic {basic}"})
        reply = super().issue(asked)
        if reply.status != 200 or "authorization" not in asked.headers:
            return oci_error(401, "UNAUTHORIZED", "authentication required, visit https://aka.ms/acr/authorization")
        plain = json.loads(reply.body)["token"]
        self.ever_issued.remove(plain)
        account, granted = self.issued.pop(plain)
        access = [{"Type": "repository", "Name": name, "Actions": sorted(actions)} for name, actions in granted.items()]
        token = f"e30.{base64.urlsafe_b64encode(json.dumps({'access': access}).encode()).decode().rstrip('=')}.{plain}"
        self.issued[token] = (account, granted)
        self.ever_issued.append(token)
        return Reply.of({"access_token": token})
