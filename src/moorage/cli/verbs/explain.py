"""`moorage explain`."""

from collections.abc import Iterator

from moorage.cli.call import Answer, Call
from moorage.commands.explain import Explanation, explain
from moorage.policy.plan import Item
from moorage.settings.assemble.stories import cleanup_settings


def run(call: Call) -> Answer:
    explanation = explain(cleanup_settings(call.request), call.words[0], call.world)
    return Answer("\n".join(_lines(explanation)) + "\n", explanation.as_json())


def _lines(explanation: Explanation) -> Iterator[str]:
    if explanation.about:
        yield f"{explanation.reference} is in no plan\n"
        yield from (f"  {sentence}" for sentence in explanation.about)
        return
    yield f"{explanation.reference} {'would go' if explanation.goes else 'stays'}"
    for item in explanation.items:
        yield f"\n{_name(item)}: {'would go' if item.goes else 'stays'}"
        yield from (f"  {reason.detail} [{reason.code}]" for reason in item.reasons)
    if explanation.relations:
        yield ""
    for relation in explanation.relations:
        yield f"{relation.how} {relation.item}, which {'would go' if relation.item.goes else 'stays'}"
    if explanation.notes:
        yield "\nNot known:"
        yield from (f"  {note}" for note in explanation.notes)


def _name(item: Item) -> str:
    return f"tag {item.tag}" if item.tag else f"manifest {item.digest}"
