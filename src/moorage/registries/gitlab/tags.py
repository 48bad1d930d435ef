"""The three ways to learn a repository's tags, the cheapest first; what a GitLab does not offer is asked for once.

1. The registry's own list, `/gitlab/v1/repositories/NAME/tags/list/`: 1000 tags a request with digests, kinds, dates, referrers,
   for any token that may pull, a job's too. Where the registry has its metadata database (gitlab.com; docs/spec/gitlab/api.md).
2. GraphQL, with the same facts, for registries of which only /v2 is let through. Needs an access token.
3. /v2 alone, a request per tag: everybody else.

REST is none: it gives names a hundred at a time, and digests and dates one tag a request.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

from moorage.errors import ConfigurationError, Contradiction, Denied, NotFound, RegistryError, Unauthorized, Unsupported
from moorage.oci.reference import Digest, Repository, Tag
from moorage.registries.distribution import Action, Distribution, standard_scopes
from moorage.registries.distribution import payloads as oci_payloads
from moorage.registries.gitlab import payloads
from moorage.registries.gitlab.api import GitLabApi
from moorage.registries.gitlab.payloads import ListedTag
from moorage.transport import pages
from moorage.transport.session import Answer

MOST: Final = 1000  # per page, of the registry's own list and of /v2's
# GitLab takes a page of the size that is asked for from its registry, with the cursor behind it, and then cuts it down to twenty:
# of a larger page the rest would be nowhere (types/container_registry/container_repository_details_type.rb, max_page_size, and
# graphql/pagination/externally_paginated_array_connection.rb, seen 2026-11).
_GRAPHQL_PAGE: Final = 20
_NEEDED: Final = frozenset({"name", "digest", "revision", "mediaType", "publishedAt", "totalSize", "referrers"})
FIELDS: Final = 'query { __type(name: "ContainerRepositoryTag") { fields { name } } }'
TAGS: Final = """query ($id: ContainerRepositoryID!, $first: Int!, $after: String) {
  containerRepository(id: $id) {
    tags(first: $first, after: $after, referrers: true) {
      nodes { name digest revision mediaType publishedAt totalSize referrers { digest } }
      pageInfo { hasNextPage endCursor }
    }
  }
}"""


class TagLists:
    """Thread-safe: two threads that find out the same at once find out the same."""

    def __init__(self, client: Distribution, api: GitLabApi) -> None:
        self._client = client
        self._api = api
        self._registry_lists: bool | None = None
        self._graphql_lists: bool | None = None

    @property
    def way(self) -> str:
        """How tags were listed last, for people."""
        if self._registry_lists:
            return "the registry's own list: 1000 tags a request, with digests and dates"
        if self._graphql_lists:
            return "GitLab's GraphQL API, with digests and dates"
        return "one request per tag: this registry has no metadata database, or hides it"

    def names(self, repository: Repository) -> frozenset[Tag]:
        """The names alone, by /v2. GitLab's registry gives 100 unless asked for more. Raises NotFound."""
        base = f"{self._client.access.base}/v2/{repository.path}/tags/list"

        def step(url: str) -> tuple[Sequence[object], str | None]:
            answer = self._ask(url, repository)
            return oci_payloads.entries(answer, "tags"), pages.next_link(answer)

        return frozenset(oci_payloads.tag(name, repository) for name in pages.walk(f"{base}?{urlencode({'n': MOST})}", step))

    def detailed(self, repository: Repository) -> list[ListedTag] | None:
        """Every tag with what is known of it, None where only /v2 is left. Raises NotFound for an unknown repository."""
        found = self._by_registry(repository) if self._registry_lists is not False else None
        if found is None and self._graphql_lists is not False:
            found = self._by_graphql(repository)
        return found

    def targets(self, repository: Repository) -> Mapping[Tag, Digest] | None:
        """What every tag points at, by the registry's own list; None where the last listing went another way."""
        found = self._by_registry(repository) if self._registry_lists else None
        return None if found is None else {tag.name: tag.digest for tag in found}

    def _ask(self, url: str, repository: Repository) -> Answer:
        return self._client.call("GET", url, standard_scopes(repository, Action.PULL))

    # 1

    def _by_registry(self, repository: Repository) -> list[ListedTag] | None:
        place = f"{repository}: the registry's own list of tags"
        base = f"{self._client.access.base}/gitlab/v1/repositories/{repository.path}/tags/list/"

        def step(url: str) -> tuple[Sequence[ListedTag], str | None]:
            answer = self._ask(url, repository)
            if self._registry_lists is None and not _is_json(answer):
                raise Unsupported(f"{place} is none")  # a proxy that answers everything with a page of its own
            return payloads.registry_tags(answer.json(), place), pages.next_link(answer)

        try:
            found = list(pages.walk(f"{base}?{urlencode({'n': MOST, 'referrers': 'true'})}", step))
        except (NotFound, Unsupported, Denied, Unauthorized) as error:
            if self._registry_lists or (isinstance(error, NotFound) and self._has_database(repository)):
                raise
            self._registry_lists = False
            return None
        self._registry_lists = True
        return found

    def _has_database(self, repository: Repository) -> bool:
        """Whether the registry offers its own API at all, so that its 404 was about the repository."""
        try:
            self._ask(f"{self._client.access.base}/gitlab/v1/", repository)
        except (NotFound, Unsupported, Denied, Unauthorized):
            return False
        return True

    # 2

    def _by_graphql(self, repository: Repository) -> list[ListedTag] | None:
        names = self.names(repository)  # for its 404, and to know when the listing is complete
        try:
            found = self._graphql_tags(repository) if self._graphql_lists or self._has_fields() else None
        except (RegistryError, ConfigurationError) as error:
            if isinstance(error, Contradiction):
                raise
            found = None  # no access token, or one that must not read the API: /v2 knows the rest
        if found is not None and {tag.name for tag in found} >= names:
            self._graphql_lists = True
            return found
        if found is not None and self._graphql_lists:
            raise Contradiction(f"{repository}: GitLab's GraphQL API lists fewer tags than its registry")
        self._graphql_lists = False
        return None

    def _has_fields(self) -> bool:
        fields = payloads.graphql_fields(self._api.graphql(FIELDS, {}), "GitLab's GraphQL schema")
        return fields >= _NEEDED

    def _graphql_tags(self, repository: Repository) -> list[ListedTag]:
        """Raises Unsupported for tags without their kinds, which only a registry with the metadata database knows."""
        place = f"{repository}: GitLab's GraphQL API"
        gid = f"gid://gitlab/ContainerRepository/{self._api.located(repository).id}"

        def step(cursor: str) -> tuple[Sequence[ListedTag], str | None]:
            variables = {"id": gid, "first": _GRAPHQL_PAGE, "after": cursor or None}
            page = payloads.graphql_page(self._api.graphql(TAGS, variables), place)
            if page is None:
                raise NotFound(f"{place} does not know it, or not for this login")
            if any(not tag.media_type for tag in page.tags):
                raise Unsupported(f"{place} does not say what stands behind a tag")
            return page.tags, page.cursor

        return list(pages.walk("", step))


def _is_json(answer: Answer) -> bool:
    return answer.headers.get("content-type", "").partition(";")[0].strip() == "application/json"
