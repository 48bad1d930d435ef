"""Distribution 3 as its source shows it (3.1, seen 2026-11): DELETE of a tag takes that tag alone, tags are sorted and paged."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tests.scripted_server import Reply, oci_error
from tests.simulators.passthrough import Passthrough
from tests.simulators.simulator import Simulator, V2Call

if TYPE_CHECKING:
    from moorage.oci.reference import Digest


class DistributionV3(Passthrough):
    """Distribution 2.8 behind, with what version 3 does differently in front."""

    def serve_v2(self, call: V2Call) -> Reply:
        return Simulator.serve_v2(self, call)

    def truth(self, repository: str) -> dict[str, Digest]:
        return Simulator.truth(self, repository)

    def tag_list(self, call: V2Call) -> Reply:
        if call.name not in self.shelves:
            return oci_error(404, "NAME_UNKNOWN", "repository name not known to registry")
        asked = int(call.query.get("n", "1000"))
        size = min(asked, self.faults.page_size or asked)
        after = [tag for tag in sorted(self.shelf(call.name).tags) if tag > call.query.get("last", "")]
        page = after[:size]
        if len(page) == len(after):
            return Reply.of({"name": call.name, "tags": page})
        following = urlencode({"last": page[-1], "n": size})
        return Reply.of({"name": call.name, "tags": page}, link=f'</v2/{call.name}/tags/list?{following}>; rel="next"')

    def delete_v2(self, call: V2Call) -> Reply:
        if call.digest is not None or self.faults.deletion_disabled:
            return super().delete_v2(call)
        if call.rest not in self.shelf(call.name).tags:
            return oci_error(404, "MANIFEST_UNKNOWN", "manifest unknown")
        self.untag(call.name, call.rest)
        return Reply(202)
