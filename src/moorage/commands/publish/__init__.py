"""`moorage publish`: name images, bring each up once, point every tag at it, and believe only what is read back."""

from moorage.commands.publish.result import PublishedTag, PublishResult, Status
from moorage.commands.publish.story import publish

__all__ = ["PublishResult", "PublishedTag", "Status", "publish"]
